// Runs the command lgm from the sources, without a build: node tools/lgm.mjs run examples/recipes/lgm.yaml
import { openSources } from './sources.mjs'

const sources = await openSources()
const { main } = await sources.load('packages/cli/src/main.ts')
process.exitCode = await main(process.argv.slice(2))
await sources.close()
