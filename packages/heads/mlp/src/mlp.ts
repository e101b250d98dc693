import {
  applyMlp,
  definePlugin,
  growMlp,
  Head,
  initMlp,
  inject,
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
  gain: z
    .number()
    .positive()
    .default(1)
    .describe(
      "scale of the first weights against √(6/n) before a ReLU and √(3/n) elsewhere; 0.577 is PyTorch's default in the latter, 1/√n",
    ),
})

/** Fully connected layers; parameters `0/kernel` `[in, out]`, `0/bias` `[out]`, …; the last has one output a class. */
class Mlp implements Head {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  init(codeShape: readonly number[], classes: number, rng: Rng): Params {
    return initMlp([sizeOf(codeShape), ...this.#options.widths, classes], rng, 'linear', this.#options.gain)
  }

  grow(params: Params, classes: number, rng: Rng): Params {
    return growMlp(params, classes, rng, this.#options.gain)
  }

  classify(params: Params, u: tf.Tensor): tf.Tensor2D {
    return tf.tidy(() => applyMlp(params, rows(u)))
  }
}

/**
 * A head of fully connected layers: codes of any shape, flattened → logits `[n, classes]`, W₂ relu(W₁u + b₁) + b₂. A new class is a new
 * column of the last layer; the hidden layers and the old columns stay as they are. With `[400, 400]` on examples themselves (embedder
 * `identity`) it is the published classifier of Split MNIST, 784-400-400-10 (van de Ven & Tolias 2019, arXiv:1904.07734).
 *
 * @example
 * createLearner([identity(), mlp({ widths: [400, 400] }), ...])
 */
export const mlp = definePlugin({
  point: Head,
  name: 'mlp',
  summary: 'fully connected layers, the last of which grows with the classes',
  options,
  class: Mlp,
})
