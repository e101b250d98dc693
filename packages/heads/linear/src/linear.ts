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

const options = z.strictObject({})

/** Parameters `0/kernel` `[code, classes]` and `0/bias` `[classes]`. */
class Linear implements Head {
  constructor(@inject(Options) _options: z.output<typeof options>) {}

  init(codeShape: readonly number[], classes: number, rng: Rng): Params {
    return initMlp([sizeOf(codeShape), classes], rng)
  }

  grow(params: Params, classes: number, rng: Rng): Params {
    return growMlp(params, classes, rng)
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
