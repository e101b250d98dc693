/**
 * Loads a native engine into this process and registers it with TensorFlow.js as the backend `tensorflow`.
 */
import { createRequire } from 'node:module'

/**
 * Restores two functions that Node removed and tfjs-node 4.22 still calls.
 * @param {NodeJS.Require} require
 */
function restoreRemovedFunctions(require) {
  const util = require('node:util')
  util.isNullOrUndefined ??= /** @param {unknown} value */ value => value === null || value === undefined
  util.isArray ??= Array.isArray
}

/**
 * Does what `require('@tensorflow/tfjs-node')` does, with an addon from any place: registers the kernels and the backend.
 * @param {{ addon: string, threads?: number | undefined }} options `threads` 0 or absent lets TensorFlow decide
 * @returns {typeof import('@tensorflow/tfjs')} the one instance of TensorFlow.js that the engine belongs to
 */
export function loadEngine({ addon, threads }) {
  const environment = process.env
  environment.TF_CPP_MIN_LOG_LEVEL ??= '2'
  if (threads) {
    environment.TF_NUM_INTRAOP_THREADS = String(threads)
    environment.TF_NUM_INTEROP_THREADS = '1'
  }
  const require = createRequire(import.meta.url)
  restoreRemovedFunctions(require)
  const tf = createRequire(require.resolve('@tensorflow/tfjs-node/package.json'))('@tensorflow/tfjs')
  if (tf.findBackend('tensorflow')) return tf
  require('@tensorflow/tfjs-node/dist/register_all_kernels')
  const { NodeJSKernelBackend } = require('@tensorflow/tfjs-node/dist/nodejs_kernel_backend')
  const binding = require(addon)
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'), 3)
  return tf
}
