import { Decoder, definePlugin, expected, inject, Options, type Params, z } from '@lgm/core'
import { imageBasis } from '@lgm/cosine'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  scale: z.number().positive().default(2).describe('factor of the coefficients, that of the embedder dct'),
  clamp: z.boolean().default(true).describe('whether pixels are cut to 0 to 1; their gradient is 0 beyond'),
})

/** An image's shape, and the matrix that makes it. */
interface Synthesis {
  readonly exampleShape: readonly number[]
  readonly basis: tf.Tensor2D
}

/** Holds one matrix, for the shapes of the last `init`. */
class Dct implements Decoder {
  readonly #options: z.output<typeof options>
  #synthesis: Synthesis | undefined

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  init(codeShape: readonly number[], exampleShape: readonly number[]): Params {
    const coefficients = coefficientsOf(codeShape, exampleShape)
    const [height, width] = exampleShape as [number, number]
    const waves = imageBasis(height, width, coefficients).map(value => value / this.#options.scale)
    this.#synthesis?.basis.dispose()
    const basis = tf.tidy(() => tf.keep(tf.tensor2d(waves, [height * width, coefficients]).transpose()))
    this.#synthesis = { exampleShape, basis: basis as tf.Tensor2D }
    return {}
  }

  decode(_params: Params, u: tf.Tensor): tf.Tensor {
    if (!this.#synthesis)
      throw expected('decoder "dct"', 'init before decode, to tell it the shapes', 'decode alone', 'call init once')
    const { exampleShape, basis } = this.#synthesis
    const count = u.shape[0]!
    const [height, width, channels = 1] = exampleShape as [number, number, number?]
    return tf.tidy(() => {
      let planes: tf.Tensor = tf.matMul(u.reshape([count * channels, basis.shape[0]]), basis)
      if (channels > 1) planes = planes.reshape([count, channels, height * width]).transpose([0, 2, 1])
      const x = planes.reshape([count, ...exampleShape])
      return this.#options.clamp ? x.clipByValue(0, 1) : x
    })
  }
}

/** How many coefficients of each channel a code holds. */
function coefficientsOf(codeShape: readonly number[], exampleShape: readonly number[]): number {
  const [height, width, channels = 1] = exampleShape
  const example = `[${exampleShape.join(', ')}]`
  if ((exampleShape.length !== 2 && exampleShape.length !== 3) || !height || !width)
    throw expected(
      'decoder "dct"',
      'examples of shape [height, width] or [height, width, channels]',
      example,
      'use a decoder for vectors, such as mlp, or give the examples that shape',
      'composition',
    )
  const [size] = codeShape
  if (codeShape.length !== 1 || !size || size % channels !== 0 || size > height * width * channels)
    throw expected(
      'decoder "dct"',
      `codes of the embedder dct: at most ${height * width} coefficients for each of ${channels} channels, for examples of shape ${example}`,
      `codes of shape [${codeShape.join(', ')}]`,
      'use the embedder dct, or another decoder',
      'composition',
    )
  return size / channels
}

/**
 * The exact decoder of the embedder `dct`, without parameters: x = Bᵀu / scale, B the orthonormal basis of the lowest two-dimensional
 * cosine coefficients of each channel, cut to 0 to 1 where `clamp` says so; codes `[n, channels · coefficients]` →
 * images `[n, ...example]`. Without the cut E(D(u)) = u; D(E(x)) is x without its high frequencies.
 *
 * `scale` must be that of the embedder. `init` must be called before `decode`, as it tells the shape of an example.
 *
 * @throws LgmError `composition` for examples that are no images, and codes that do not fit.
 * @example
 * createLearner([dctEmbedder(), dct(), ...])
 */
export const dct = definePlugin({
  point: Decoder,
  name: 'dct',
  summary: 'fixed: the image with the given lowest cosine coefficients; the exact decoder of the embedder dct',
  options,
  class: Dct,
})
