// `npm run demo`: sets up what is missing, then class-incremental Split MNIST by naive fine-tuning, GM and LGM.
// Further arguments go to `lgm run`: npm run demo -- --seed 1
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setup } from './setup.mjs'
import { endInterrupted, explain, root } from './steps.mjs'

const recipes = ['naive', 'gm', 'lgm'].map(name => join(root, 'examples', 'demo', `${name}.yaml`))

/** @returns {Promise<number>} the exit code of `lgm run` */
function runRecipes() {
  const main = join(root, 'packages', 'cli', 'bin', 'lgm.mjs')
  const chosen = process.argv.slice(2)
  const out = chosen.some(parameter => /^--out(=|$)/.test(parameter))
    ? []
    : ['--out', join(root, 'runs', `demo-${timestamp()}`)]
  const child = spawn(process.execPath, [main, 'run', ...recipes, ...out, ...chosen], { stdio: 'inherit' })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}

/** Local time, as `2025-11-22-193005`. */
function timestamp() {
  const now = new Date()
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '')
}

try {
  await setup()
  const code = await runRecipes()
  if (code === 130) endInterrupted()
  process.exitCode = code
} catch (error) {
  process.exitCode = explain(error)
}
