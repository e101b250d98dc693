/**
 * Where the native engine is kept, and whether it is there.
 *
 * The engine is a folder of one addon (`lib/napi-v8/tfjs_binding.node`) with the TensorFlow library next to it. It lives
 * in a cache folder of the user, shared by all checkouts; nothing is written into `node_modules`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** Node-API version the addon is compiled for. */
export const napiVersion = 8

const addonInside = join('lib', `napi-v${napiVersion}`, 'tfjs_binding.node')

/**
 * @typedef {object} Engine an addon and what belongs to it
 * @property {'built' | 'installer' | 'package'} how how it came: compiled here, by tfjs-node's installer into the cache,
 *   or already inside the installed package
 * @property {string} folder what holds the addon and the library
 * @property {string} addon path of `tfjs_binding.node`
 * @property {string} library folder of the TensorFlow library
 * @property {string} tensorflow version of TensorFlow
 */

/**
 * The cache folder of LGM for this user: `LGM_CACHE`, else the platform's custom.
 * @returns {string}
 */
export function cacheFolder() {
  if (process.env.LGM_CACHE) return resolve(process.env.LGM_CACHE)
  if (process.env.XDG_CACHE_HOME) return join(resolve(process.env.XDG_CACHE_HOME), 'lgm')
  if (process.platform === 'win32') return join(process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'lgm')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'lgm')
  return join(homedir(), '.cache', 'lgm')
}

/**
 * The folder inside the cache that holds native engines.
 * @returns {string}
 */
export function engineCacheFolder() {
  return join(cacheFolder(), 'native')
}

/**
 * The installed tfjs-node.
 * @returns {{ folder: string, version: string } | undefined} undefined when it is not installed
 */
export function installedTfjsNode() {
  try {
    const file = createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json')
    return { folder: dirname(file), version: JSON.parse(readFileSync(file, 'utf8')).version }
  } catch {
    return undefined
  }
}

/** TensorFlow of the PyPI wheel we compile against. */
export const builtTensorflow = '2.21.0'
/** TensorFlow that tfjs-node's own installer brings. */
export const installerTensorflow = '2.9.1'

/**
 * Goes up with every change of what is compiled or how, so that an engine made before is not taken for one made after.
 * 2: signals wait while an operation runs.
 */
const builtRevision = 2

/**
 * The name under which an engine is kept in the cache: it says what the engine is made of.
 * @param {'built' | 'installer'} how
 * @param {string} tfjsNode version of tfjs-node
 * @returns {string}
 */
export function engineName(how, tfjsNode) {
  const [tensorflow, revision] =
    how === 'built' ? [builtTensorflow, `-build${builtRevision}`] : [installerTensorflow, '']
  return `tfjs-node-${tfjsNode}-tensorflow-${tensorflow}-${process.platform}-${process.arch}-napi${napiVersion}${revision}`
}

/**
 * Engines found on this machine, the preferred one first. Found is not yet verified.
 * @returns {Engine[]}
 */
export function findEngines() {
  const package_ = installedTfjsNode()
  if (!package_) return []
  /** @type {Engine[]} */
  const found = []
  /** @type {(how: Engine['how'], folder: string, tensorflow: string) => void} */
  const look = (how, folder, tensorflow) => {
    const addon = join(folder, addonInside)
    const library = join(folder, 'deps', 'lib')
    if (existsSync(addon)) found.push({ how, folder, addon, library, tensorflow })
  }
  look('built', join(engineCacheFolder(), engineName('built', package_.version)), builtTensorflow)
  look('installer', join(engineCacheFolder(), engineName('installer', package_.version)), installerTensorflow)
  look('package', package_.folder, installerTensorflow)
  return found
}

/**
 * The addon's place inside an engine folder.
 * @param {string} folder
 * @returns {string}
 */
export function addonPath(folder) {
  return join(folder, addonInside)
}

/**
 * Names of the files beside the TensorFlow library of an engine.
 * @param {Engine} engine
 * @returns {string[]}
 */
export function libraryFiles(engine) {
  return existsSync(engine.library) ? readdirSync(engine.library).sort() : []
}
