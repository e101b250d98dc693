// TensorFlow.js and its engines, for the processes that are measured.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { findEngines, loadEngine } from '@lgm/backend-native/setup'
import { root } from '../tools/steps.mjs'

/** The one TensorFlow.js of this process: that of core. */
export const tf = createRequire(join(root, 'packages', 'core', 'package.json'))('@tensorflow/tfjs')

/**
 * Starts an engine as the framework does, or as it is without the framework.
 * @param {'native' | 'wasm'} name
 * @param {boolean} stock without the kernels that the framework's backend packages add and replace
 */
export async function startEngine(name, stock) {
  if (stock) return name === 'native' ? startStockNative() : startStockWasm()
  const [{ Backend }, { composeParts }] = await Promise.all([import('@lgm/core'), import('@lgm/testing')])
  const plugin =
    name === 'native' ? (await import('@lgm/backend-native')).native() : (await import('@lgm/backend-wasm')).wasm()
  await composeParts([plugin]).one(Backend)?.start()
}

async function startStockNative() {
  const [engine] = findEngines()
  if (!engine) throw new Error('native engine: expected it on this machine, got none; run npm run setup')
  loadEngine({ addon: engine.addon })
  await tf.setBackend('tensorflow')
}

async function startStockWasm() {
  const load = createRequire(join(root, 'packages', 'backends', 'wasm', 'package.json'))
  const { setWasmPaths } = load('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(join(load.resolve('@tensorflow/tfjs-backend-wasm/package.json'), '..', 'dist', '/'))
  await tf.setBackend('wasm')
}
