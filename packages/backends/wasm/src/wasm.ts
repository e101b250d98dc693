import { Backend, definePlugin, type EngineFacts, expected, inject, Options, z } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm'
import { addConvolutionGradients } from './convolution.js'
import { replaceMatrixProducts } from './matrix-product.js'
import { addSegmentSum } from './segment-sum.js'

const options = z.strictObject({
  path: z
    .string()
    .optional()
    .describe('address of the folder with the .wasm files, ending in a slash; needed in a browser without a bundler'),
})

/** The engine on WebAssembly, made ready at most once in a process. */
class Wasm implements Backend {
  static #ready = false
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  async start(): Promise<EngineFacts> {
    if (!Wasm.#ready) await this.#makeReady()
    Wasm.#ready = true
    await tf.setBackend('wasm')
    return { name: 'wasm', version: `tfjs-backend-wasm ${version_wasm}`, threads: 1 }
  }

  async #makeReady(): Promise<void> {
    const path = this.#options.path ?? (await installedFolder())
    if (path !== undefined) setWasmPaths(path)
    if (!(await tf.setBackend('wasm').catch(() => false)))
      throw expected(
        'backend "wasm"',
        `the .wasm files in ${path ?? 'the folder of the page'}`,
        'none that loads',
        'say with the option path where they are',
        'engine',
      )
    await tf.ready()
    replaceMatrixProducts()
    addConvolutionGradients()
    addSegmentSum()
  }
}

/** Under Node, where the package's own `.wasm` files are. */
async function installedFolder(): Promise<string | undefined> {
  if (typeof process === 'undefined' || process.versions?.node === undefined) return undefined
  const [{ createRequire }, { dirname, join, sep }] = await Promise.all([import('node:module'), import('node:path')])
  const package_ = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
  return join(dirname(package_), 'dist') + sep
}

/**
 * Tensor engine on WebAssembly: runs wherever JavaScript does, with nothing to set up; slower than native by two to eight times.
 *
 * To what tfjs-backend-wasm has, it adds the gradients of convolutions and of `gather`, and matrix products that do not lose their
 * speed by a transpose or in a batch.
 *
 * @throws LgmError `engine` when the `.wasm` files are not found.
 * @example
 * createLearner([wasm(), stream, embedder, head])
 */
export const wasm = definePlugin({
  point: Backend,
  name: 'wasm',
  summary: 'WebAssembly; runs everywhere, nothing to set up',
  options,
  class: Wasm,
})
