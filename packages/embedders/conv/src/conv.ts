import {
  convolve,
  definePlugin,
  dense,
  Embedder,
  expected,
  inject,
  layerNorm,
  Options,
  type Params,
  type Rng,
  rows,
  uniformWeights,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  filters: z
    .array(z.int().min(1))
    .min(1)
    .default([16, 32])
    .describe('filters of the convolutions, each followed by ReLU'),
  kernel: z.int().min(1).default(3).describe('side of a filter, in pixels'),
  stride: z.int().min(1).default(2).describe('pixels from one output to the next; each layer divides the sides by it'),
  codes: z.int().min(1).default(64).describe('numbers in a code'),
  activation: z.enum(['linear', 'relu']).default('linear').describe('what follows the last layer'),
  normalize: z
    .enum(['none', 'layer'])
    .default('layer')
    .describe('layer: each code is shifted and scaled to mean 0 and variance 1'),
})

/** Convolutions `0/kernel` `[k, k, in, out]`, `0/bias` `[out]`, `1/kernel`, …, and the layer `code/kernel` `[in, codes]`, `code/bias`. */
class Conv implements Embedder {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  codeShape(exampleShape: readonly number[]): readonly number[] {
    if (exampleShape.length !== 3)
      throw expected(
        'embedder "conv"',
        'examples of shape [height, width, channels]',
        `[${exampleShape.join(', ')}]`,
        'use an embedder for vectors, such as mlp, or give the examples that shape',
        'composition',
      )
    return [this.#options.codes]
  }

  init(exampleShape: readonly number[], rng: Rng): Params {
    this.codeShape(exampleShape)
    const { filters, kernel, stride, codes, activation } = this.#options
    const uniform = (count: number) => rng.uniform(count)
    const params: Record<string, tf.Tensor> = {}
    let [height, width, channels] = exampleShape as [number, number, number]
    filters.forEach((count, layer) => {
      params[`${layer}/kernel`] = uniformWeights([kernel, kernel, channels, count], kernel * kernel * channels, uniform)
      params[`${layer}/bias`] = tf.zeros([count])
      height = Math.ceil(height / stride)
      width = Math.ceil(width / stride)
      channels = count
    })
    const inputs = height * width * channels
    params['code/kernel'] = uniformWeights([inputs, codes], inputs, uniform, activation === 'linear' ? Math.SQRT1_2 : 1)
    params['code/bias'] = tf.zeros([codes])
    return params
  }

  embed(params: Params, x: tf.Tensor): tf.Tensor {
    const { filters, stride, activation, normalize } = this.#options
    return tf.tidy(() => {
      let map = x
      for (let layer = 0; layer < filters.length; layer++)
        map = convolve(map, params[`${layer}/kernel`]!, params[`${layer}/bias`]!, stride, 'relu')
      const u = dense(rows(map), params['code/kernel']!, params['code/bias']!, activation)
      return normalize === 'layer' ? layerNorm(u) : u
    })
  }
}

/**
 * An embedder of convolutions with "same" padding, each followed by ReLU, and one fully connected layer: images
 * `[n, height, width, channels]` → codes `[n, codes]`, by default normalized (Ba, Kiros & Hinton 2016, arXiv:1607.06450, without gain
 * and bias). Per-example gradients are exact, so that importances such as Fisher's are too.
 *
 * @throws LgmError `composition` for examples that are no images `[height, width, channels]`.
 * @example
 * conv({ filters: [16, 32], codes: 64 })
 */
export const conv = definePlugin({
  point: Embedder,
  name: 'conv',
  summary: 'convolutions and one fully connected layer',
  options,
  class: Conv,
})
