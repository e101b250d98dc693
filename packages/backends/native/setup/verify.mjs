/**
 * Finds out whether an engine works: by loading it in a process of its own, once; a stamp in the cache remembers it.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './command.mjs'
import { engineCacheFolder, libraryFiles } from './locate.mjs'

/**
 * Where the success of this very engine, under this Node, is remembered.
 * @param {import('./locate.mjs').Engine} engine
 * @returns {string}
 */
function stampPath(engine) {
  const files = [engine.addon, ...libraryFiles(engine).map(name => join(engine.library, name))]
  const described = files.map(file => {
    const { size, mtimeMs } = statSync(file)
    return `${file} ${size} ${mtimeMs}`
  })
  const node = `node ${process.versions.modules} ${process.platform} ${process.arch}`
  const digest = createHash('sha256')
    .update([node, ...described].join('\n'))
    .digest('hex')
  return join(engineCacheFolder(), 'verified', digest.slice(0, 32))
}

/**
 * Whether the engine was verified before, unchanged since.
 * @param {import('./locate.mjs').Engine} engine
 * @returns {boolean}
 */
export function isVerified(engine) {
  return existsSync(stampPath(engine))
}

/**
 * Remembers that the engine works.
 * @param {import('./locate.mjs').Engine} engine
 */
export function rememberVerified(engine) {
  const stamp = stampPath(engine)
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, `${engine.addon}\n`)
}

/**
 * Loads the engine in a child process and multiplies two matrices with it.
 * @param {import('./locate.mjs').Engine} engine
 * @returns {Promise<{ ok: boolean, problem: string }>}
 */
export async function verifyEngine(engine) {
  const probe = fileURLToPath(new URL('./probe.mjs', import.meta.url))
  const { ok, output, problem } = await runCommand(process.execPath, [probe, engine.addon], { seconds: 120 })
  if (ok && output.includes('works')) return { ok: true, problem: '' }
  const instructions = problem.includes('SIGILL') ? '; this processor lacks instructions it was compiled for' : ''
  return { ok: false, problem: `${problem}${instructions}` }
}
