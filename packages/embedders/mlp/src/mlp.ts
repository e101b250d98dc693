import {
  applyMlp,
  definePlugin,
  Embedder,
  initMlp,
  inject,
  layerNorm,
  Options,
  type Params,
  type Rng,
  rows,
  sizeOf,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  widths: z.array(z.int().min(1)).default([400]).describe('units of the hidden layers, which are followed by ReLU'),
  codes: z.int().min(1).default(64).describe('numbers in a code'),
  activation: z.enum(['linear', 'relu']).default('linear').describe('what follows the last layer'),
  normalize: z
    .enum(['none', 'layer'])
    .default('layer')
    .describe('layer: each code is shifted and scaled to mean 0 and variance 1'),
  gain: z
    .number()
    .positive()
    .default(1)
    .describe("scale of the first weights against He's √(6/n) before a ReLU; 0.408 is PyTorch's default there, 1/√n"),
})

/** Fully connected layers; parameters `0/kernel` `[in, out]`, `0/bias` `[out]`, `1/kernel`, … */
class Mlp implements Embedder {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  codeShape(): readonly number[] {
    return [this.#options.codes]
  }

  init(exampleShape: readonly number[], rng: Rng): Params {
    const { widths, codes, activation, gain } = this.#options
    return initMlp([sizeOf(exampleShape), ...widths, codes], rng, activation, gain)
  }

  embed(params: Params, x: tf.Tensor): tf.Tensor {
    const { activation, normalize } = this.#options
    return tf.tidy(() => {
      const u = applyMlp(params, rows(x), activation)
      return normalize === 'layer' ? layerNorm(u) : u
    })
  }
}

/**
 * An embedder of fully connected layers: examples of any shape, flattened → codes `[n, codes]`, u = N(a(W₂ relu(W₁x + b₁) + b₂)),
 * N layer normalization without gain and bias (Ba, Kiros & Hinton 2016, arXiv:1607.06450). The default is 784-400-64 with
 * normalized codes; the trunk of the published Split MNIST classifiers, 784-400-400 (van de Ven & Tolias 2019, arXiv:1904.07734), is in
 * the example.
 *
 * @example
 * mlp({ widths: [400], codes: 400, activation: 'relu', normalize: 'none' })
 */
export const mlp = definePlugin({
  point: Embedder,
  name: 'mlp',
  summary: 'fully connected layers, with layer normalization of the code',
  options,
  class: Mlp,
})
