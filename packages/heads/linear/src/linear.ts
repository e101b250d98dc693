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
  gain: z
    .number()
    .positive()
    .default(1)
    .describe("scale of the first weights against √(3/n); 0.577 is PyTorch's default, 1/√n"),
})

/** Parameters `0/kernel` `[code, classes]` and `0/bias` `[classes]`. */
class Linear implements Head {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  init(codeShape: readonly number[], classes: number, rng: Rng): Params {
    return initMlp([sizeOf(codeShape), classes], rng, 'linear', this.#options.gain)
  }

  grow(params: Params, classes: number, rng: Rng): Params {
    return growMlp(params, classes, rng, this.#options.gain)
  }

  classify(params: Params, u: tf.Tensor): tf.Tensor2D {
    return tf.tidy(() => applyMlp(params, rows(u)))
  }
}

/**
 * A head of one layer: codes of any shape, flattened → logits `[n, classes]`, uW + b. A new class is a new column; the old ones stay as
 * they are.
 *
 * @example
 * createLearner([mlp({ widths: [400], codes: 400, activation: 'relu', normalize: 'none' }), linear(), ...])
 */
export const linear = definePlugin({
  point: Head,
  name: 'linear',
  summary: 'one linear layer that grows with the classes',
  options,
  class: Linear,
})
