/**
 * Set-up of the native engine. Plain JavaScript without dependencies, because it runs before anything is built.
 */
import { accessSync, constants, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { installerUnreachable, runInstaller } from './installer.mjs'
import { addonPath, engineCacheFolder, engineName, findEngines, installedTfjsNode } from './locate.mjs'
import { discard, withFolder } from './lock.mjs'
import { isVerified, rememberVerified, verifyEngine } from './verify.mjs'
import { buildFromWheel, canBuild } from './wheel.mjs'

export { facts } from './facts.mjs'
export { loadEngine } from './load.mjs'
export { engineCacheFolder, findEngines } from './locate.mjs'

/**
 * @typedef {{ ok: true, how: 'present' | 'installer' | 'built', library: string, addon: string, tensorflow: string, seconds: number }} Ready
 * @typedef {{ ok: false, why: string, remedy: string }} Unavailable
 * @typedef {(name: string, progress?: () => string) => (() => void)} Step announces a step, gives back what to call at its end
 */

/**
 * Makes the native engine available to this user: takes the one that is there, else compiles the addon, else runs
 * tfjs-node's installer. Interrupted, it leaves nothing half done; two at once do not disturb each other.
 * @param {{ log?: (line: string) => void, force?: boolean }} [options] `log` gets one line a step; `force` makes it anew
 *   even where a working one is there
 * @returns {Promise<Ready | Unavailable>} never throws for what a machine can lack
 */
export async function setupNative({ log = () => {}, force = false } = {}) {
  const start = Date.now()
  const package_ = installedTfjsNode()
  if (!package_) {
    return {
      ok: false,
      why: '@tensorflow/tfjs-node is not installed',
      remedy: 'install the dependencies of @lgm/backend-native',
    }
  }
  if (!force) {
    const engine = await workingEngine(log)
    if (engine) return ready('present', engine, start)
  }
  const folder = engineCacheFolder()
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch {
    return {
      ok: false,
      why: `the cache folder ${folder} is not writable`,
      remedy: 'point LGM_CACHE to a folder that is',
    }
  }
  const waiting = () => log('native engine: another set-up is at work, waiting for it')
  return withFolder(join(folder, 'being-set-up'), { waiting }, async staging => {
    const engine = force ? undefined : await workingEngine(log)
    return engine ? ready('present', engine, start) : make({ staging, package_, log, start })
  })
}

/**
 * @param {{ staging: string, package_: { folder: string, version: string }, log: (line: string) => void, start: number }} work
 * @returns {Promise<Ready | Unavailable>}
 */
async function make({ staging, package_, log, start }) {
  const { step, stop } = stepLog(log)
  try {
    return await makeInSteps({ staging, package_, log, start, step })
  } finally {
    stop()
  }
}

/**
 * @param {{ staging: string, package_: { folder: string, version: string }, log: (line: string) => void, start: number, step: Step }} work
 * @returns {Promise<Ready | Unavailable>}
 */
async function makeInSteps({ staging, package_, log, start, step }) {
  const able = await canBuild(staging)
  let buildProblem = 'why' in able ? able.why : ''
  if (!('why' in able)) {
    const folder = join(staging, 'built')
    mkdirSync(folder)
    buildProblem =
      (await buildFromWheel({ folder, package_, tools: able.tools, step })) ||
      (await publish(folder, engineName('built', package_.version)))
    const engine = buildProblem ? undefined : findEngines().find(found => found.how === 'built')
    if (engine) return ready('built', engine, start)
  }
  log(`native engine: not compiled here: ${buildProblem}`)

  let installerProblem = await installerUnreachable()
  if (!installerProblem) {
    const finished = step("run tfjs-node's installer (about 250 MB)")
    const folder = join(staging, 'installer')
    mkdirSync(folder)
    installerProblem = await runInstaller({ folder, package_ })
    finished()
    installerProblem ||= await publish(folder, engineName('installer', package_.version))
    const engine = installerProblem ? undefined : findEngines().find(found => found.how === 'installer')
    if (engine) return ready('installer', engine, start)
  }
  return {
    ok: false,
    why: `${buildProblem}; ${installerProblem}`,
    remedy:
      'why' in able
        ? able.remedy
        : 'connect to the network (or a mirror that pip is set to) and run: npx lgm-setup-native',
  }
}

/**
 * Verifies what was made in `folder` and moves it, whole, to its place in the cache.
 * @param {string} folder
 * @param {string} name
 * @returns {Promise<string>} why not, or an empty text
 */
async function publish(folder, name) {
  const made = {
    how: /** @type {const} */ ('built'),
    folder,
    addon: addonPath(folder),
    library: join(folder, 'deps', 'lib'),
    tensorflow: '',
  }
  const { ok, problem } = await verifyEngine(made)
  if (!ok) return `the addon does not work: ${problem}`
  const place = join(engineCacheFolder(), name)
  discard(place)
  renameSync(folder, place)
  const engine = findEngines().find(found => found.folder === place)
  if (engine) rememberVerified(engine)
  return ''
}

/**
 * @param {(line: string) => void} log
 * @returns {Promise<import('./locate.mjs').Engine | undefined>} the first engine found that works
 */
async function workingEngine(log) {
  for (const engine of findEngines()) {
    if (isVerified(engine)) return engine
    const { ok, problem } = await verifyEngine(engine)
    if (ok) {
      rememberVerified(engine)
      return engine
    }
    log(`native engine: ${engine.addon} does not work: ${problem}`)
  }
  return undefined
}

/**
 * @param {Ready['how']} how
 * @param {import('./locate.mjs').Engine} engine
 * @param {number} start milliseconds
 * @returns {Ready}
 */
function ready(how, { library, addon, tensorflow }, start) {
  return { ok: true, how, library, addon, tensorflow, seconds: (Date.now() - start) / 1000 }
}

/**
 * A line at the end of each step with its seconds, and one every ten seconds while it lasts; `stop` ends the step that is under way.
 * @param {(line: string) => void} log
 * @returns {{ step: Step, stop: () => void }}
 */
function stepLog(log) {
  /** @type {NodeJS.Timeout | undefined} */
  let ticking
  const stop = () => clearInterval(ticking)
  /** @type {Step} */
  const step = (name, progress = () => '') => {
    stop()
    const start = Date.now()
    const seconds = () => `${((Date.now() - start) / 1000).toFixed(1)} s`
    const tick = () => log(`native engine: ${name} … ${progress()} ${seconds()}`.replace(/ +/g, ' '))
    ticking = setInterval(tick, 10_000)
    ticking.unref()
    return () => {
      stop()
      log(`native engine: ${name}, ${seconds()}`)
    }
  }
  return { step, stop }
}
