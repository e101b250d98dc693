import { availableParallelism } from 'node:os'
import { findEngines, loadEngine } from '@lgm/backend-native/setup'
import { Backend, definePlugin, type EngineFacts, expected, inject, Options, z } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { registerAdam } from './adam.js'
import { registerLayers } from './layers.js'
import { nodeBackend } from './node-backend.js'
import { replaceSlowKernels } from './slow-kernels.js'

const options = z.strictObject({
  threads: z.int().min(0).default(0).describe('threads of one operation; 0 leaves it to TensorFlow: all cores'),
})

/** The engine on libtensorflow, loaded into this process at most once. */
class Native implements Backend {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  async start(): Promise<EngineFacts> {
    const [engine] = findEngines()
    if (engine === undefined)
      throw expected(
        'backend "native"',
        'the native engine on this machine',
        'none',
        'set it up with: npx lgm-setup-native',
        'engine',
      )
    const { threads } = this.#options
    const loaded = tf.findBackend('tensorflow') !== null
    if (loaded && threads !== 0 && threads !== threadsInUse())
      throw expected(
        'backend "native"',
        `${threadsInUse()} threads, with which the engine runs in this process`,
        `threads: ${threads}`,
        'use a process of its own',
        'engine',
      )
    if (!loaded) {
      load(engine.addon, threads)
      registerAdam(nodeBackend())
      registerLayers(nodeBackend())
      replaceSlowKernels(nodeBackend())
    }
    await tf.setBackend('tensorflow')
    await tf.ready()
    return { name: 'native', version: `TensorFlow ${engine.tensorflow}`, threads: threadsInUse() }
  }
}

function load(addon: string, threads: number): void {
  try {
    loadEngine({ addon, threads })
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw expected(
      'backend "native"',
      `a working engine in ${addon}`,
      `${reason}`,
      'make it anew with: npx lgm-setup-native --force',
      'engine',
    )
  }
}

/** TensorFlow reads the variable once, when it is loaded. */
function threadsInUse(): number {
  return Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism()
}

/**
 * Tensor engine on libtensorflow through tfjs-node: the fast one, on Linux, macOS and Windows.
 *
 * It must be set up once for the user (`npx lgm-setup-native`). Registers `LgmAdam`, one fused operation for a step of Adam,
 * and replaces a few kernels of tfjs-node that cost several operations where one does. Bits repeat from run to run for a fixed
 * number of threads.
 *
 * @throws LgmError `engine` when the engine is not set up, does not load, or already runs with another number of threads.
 * @example
 * createLearner([native({ threads: 2 }), stream, embedder, head])
 */
export const native = definePlugin({
  point: Backend,
  name: 'native',
  summary: 'libtensorflow through tfjs-node; the fast engine',
  options,
  class: Native,
})
