// Runs the command lgm from the sources, without a build: node tools/lgm.mjs run examples/recipes/lgm.yaml
import { join } from 'node:path'
import { createServer } from 'vite'
import { root } from './steps.mjs'

const conditions = ['source', 'node', 'import']

const server = await createServer({
  root,
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  ssr: { resolve: { conditions, externalConditions: ['node', 'import'] }, noExternal: [/^@lgm\//] },
})
const { runner } = /** @type {import('vite').RunnableDevEnvironment} */ (server.environments.ssr)
const { main } = await runner.import(join(root, 'packages/cli/src/main.ts'))
process.exitCode = await main(process.argv.slice(2))
await server.close()
