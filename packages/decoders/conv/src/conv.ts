import {
  Decoder,
  definePlugin,
  dense,
  expected,
  inject,
  Options,
  type Params,
  type Rng,
  rows,
  sizeOf,
  uniformWeights,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  filters: z
    .array(z.int().min(1))
    .min(1)
    .default([32, 16])
    .describe('channels of the maps from the code outwards, each followed by ReLU'),
  kernel: z.int().min(1).default(3).describe('side of a filter, in pixels'),
  stride: z.int().min(1).default(2).describe('factor by which each transposed convolution enlarges the sides'),
  output: z
    .enum(['sigmoid', 'linear'])
    .default('sigmoid')
    .describe('sigmoid for examples in 0 to 1, linear for any others'),
})

/**
 * The layer `map/kernel` `[code, size]`, `map/bias` `[h, w, channels]`, and transposed convolutions `0/kernel` `[k, k, out, in]`,
 * `0/bias` `[out]`, `1/kernel`, … The last bias has the shape of an example: one number for each pixel.
 */
class Conv implements Decoder {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  init(codeShape: readonly number[], exampleShape: readonly number[], rng: Rng): Params {
    if (exampleShape.length !== 3)
      throw expected(
        'decoder "conv"',
        'examples of shape [height, width, channels]',
        `[${exampleShape.join(', ')}]`,
        'use a decoder for vectors, such as mlp, or give the examples that shape',
        'composition',
      )
    const { filters, kernel, stride } = this.#options
    const uniform = (count: number) => rng.uniform(count)
    const map = [...this.#sides(exampleShape)[0]!, filters[0]!]
    const size = sizeOf(codeShape)
    const params: Record<string, tf.Tensor> = {
      'map/kernel': uniformWeights([size, sizeOf(map)], size, uniform),
      'map/bias': tf.zeros(map),
    }
    filters.forEach((inputs, layer) => {
      const isLast = layer + 1 === filters.length
      const outputs = isLast ? exampleShape[2]! : filters[layer + 1]!
      const fanIn = (inputs * kernel * kernel) / (stride * stride)
      const gain = isLast ? Math.SQRT1_2 : 1
      params[`${layer}/kernel`] = uniformWeights([kernel, kernel, outputs, inputs], fanIn, uniform, gain)
      params[`${layer}/bias`] = tf.zeros(isLast ? [...exampleShape] : [outputs])
    })
    return params
  }

  decode(params: Params, u: tf.Tensor): tf.Tensor {
    const { filters, stride, output } = this.#options
    const count = u.shape[0]!
    const bias = params['map/bias']!
    const example = params[`${filters.length - 1}/bias`]!.shape
    const sides = this.#sides(example)
    return tf.tidy(() => {
      let x: tf.Tensor = dense(rows(u), params['map/kernel']!, bias.reshape([bias.size]), 'relu')
      x = x.reshape([count, ...bias.shape])
      filters.forEach((_, layer) => {
        const kernel = params[`${layer}/kernel`] as tf.Tensor4D
        const [height, width] = sides[layer + 1]!
        const shape: [number, number, number, number] = [count, height, width, kernel.shape[2]]
        x = tf.conv2dTranspose(x as tf.Tensor4D, kernel, shape, stride, 'same').add(params[`${layer}/bias`]!)
        if (layer + 1 < filters.length) x = x.relu()
      })
      return output === 'sigmoid' ? x.sigmoid() : x
    })
  }

  /** Height and width of the maps from the smallest to the example: each is the next, divided by the stride and rounded up. */
  #sides(exampleShape: readonly number[]): [number, number][] {
    const { filters, stride } = this.#options
    let [height, width] = exampleShape as [number, number]
    const sides: [number, number][] = [[height, width]]
    for (let layer = 0; layer < filters.length; layer++) {
      height = Math.ceil(height / stride)
      width = Math.ceil(width / stride)
      sides.unshift([height, width])
    }
    return sides
  }
}

/**
 * A decoder of one fully connected layer with ReLU to a small map, and transposed convolutions with "same" padding (Dumoulin & Visin
 * 2016, arXiv:1603.07285) that enlarge it: codes of any shape, flattened → images `[n, height, width, channels]` of any size, by
 * default with a sigmoid. The mirror of the embedder `conv`.
 *
 * **Deviation:** the bias of the last layer is one number for each pixel, not one for each channel.
 *
 * @throws LgmError `composition` for examples that are no images `[height, width, channels]`.
 * @example
 * conv({ filters: [32, 16] })
 */
export const conv = definePlugin({
  point: Decoder,
  name: 'conv',
  summary: 'one fully connected layer and transposed convolutions',
  options,
  class: Conv,
})
