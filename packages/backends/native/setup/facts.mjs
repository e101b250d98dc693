/**
 * What a user can be told about the native engine of this machine.
 */
import { engineCacheFolder, findEngines, installedTfjsNode } from './locate.mjs'
import { isVerified, verifyEngine } from './verify.mjs'

/**
 * @typedef {object} Facts
 * @property {string} cache folder of the native engines
 * @property {string | undefined} tfjsNode installed version of tfjs-node
 * @property {import('./locate.mjs').Engine | undefined} engine the one that would be used
 * @property {string | undefined} problem what is wrong, undefined when nothing is
 * @property {string | undefined} remedy what to do about it
 */

/**
 * The state of the native engine. Loads nothing into this process.
 * @returns {Promise<Facts>}
 */
export async function facts() {
  const tfjsNode = installedTfjsNode()?.version
  const engine = findEngines()[0]
  const state = { cache: engineCacheFolder(), tfjsNode, engine }
  if (!tfjsNode) {
    return {
      ...state,
      problem: '@tensorflow/tfjs-node is not installed',
      remedy: 'install the dependencies of @lgm/backend-native',
    }
  }
  const remedy = 'npx lgm-setup-native'
  if (!engine) return { ...state, problem: 'no native engine is set up', remedy }
  const { ok, problem } = isVerified(engine) ? { ok: true, problem: '' } : await verifyEngine(engine)
  if (!ok) return { ...state, problem: `${engine.addon} does not work: ${problem}`, remedy: `${remedy} --force` }
  return { ...state, problem: undefined, remedy: undefined }
}
