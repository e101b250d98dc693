import {
  applyMlp,
  Decoder,
  definePlugin,
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
  output: z
    .enum(['sigmoid', 'linear'])
    .default('sigmoid')
    .describe('sigmoid for examples in 0 to 1, linear for any others'),
})

/** Fully connected layers; parameters `0/kernel` `[in, out]`, `0/bias` `[out]`, …; the last bias has the shape of an example. */
class Mlp implements Decoder {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  init(codeShape: readonly number[], exampleShape: readonly number[], rng: Rng): Params {
    const { widths } = this.#options
    return tf.tidy(() => {
      const layers = initMlp([sizeOf(codeShape), ...widths, sizeOf(exampleShape)], rng)
      const last = `${widths.length}/bias`
      return { ...layers, [last]: layers[last]!.reshape([...exampleShape]) }
    })
  }

  decode(params: Params, u: tf.Tensor): tf.Tensor {
    const { widths, output } = this.#options
    return tf.tidy(() => {
      const last = `${widths.length}/bias`
      const bias = params[last]!
      const x = applyMlp({ ...params, [last]: bias.reshape([bias.size]) }, rows(u))
      return (output === 'sigmoid' ? x.sigmoid() : x).reshape([u.shape[0]!, ...bias.shape])
    })
  }
}

/**
 * A decoder of fully connected layers: codes of any shape, flattened → examples `[n, ...example]`,
 * x = s(W₂ relu(W₁u + b₁) + b₂), s the sigmoid or nothing. The mirror of the embedder `mlp`.
 *
 * @example
 * mlp({ widths: [400] })
 */
export const mlp = definePlugin({
  point: Decoder,
  name: 'mlp',
  summary: 'fully connected layers',
  options,
  class: Mlp,
})
