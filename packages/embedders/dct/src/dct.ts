import { definePlugin, Embedder, expected, inject, Options, type Params, z } from '@lgm/core'
import { imageBasis } from '@lgm/cosine'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  coefficients: z
    .int()
    .min(1)
    .default(64)
    .describe('coefficients of each channel, from the lowest: a square number k² takes the k × k block'),
  scale: z.number().positive().default(2).describe('factor of the coefficients'),
})

/** Holds one matrix for each size of image that it has met, for as long as it lives. */
class Dct implements Embedder {
  readonly #options: z.output<typeof options>
  readonly #bases = new Map<string, tf.Tensor2D>()

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  codeShape(exampleShape: readonly number[]): readonly number[] {
    const { coefficients } = this.#options
    const [height, width, channels = 1] = exampleShape
    const shape = `[${exampleShape.join(', ')}]`
    if ((exampleShape.length !== 2 && exampleShape.length !== 3) || !height || !width)
      throw expected(
        'embedder "dct"',
        'examples of shape [height, width] or [height, width, channels]',
        shape,
        'use an embedder for vectors, such as mlp, or give the examples that shape',
        'composition',
      )
    if (coefficients > height * width)
      throw expected(
        'embedder "dct"',
        `at most ${height * width} coefficients for examples of shape ${shape}`,
        `${coefficients}`,
        'lower the option coefficients',
        'composition',
      )
    return [coefficients * channels]
  }

  init(exampleShape: readonly number[]): Params {
    this.codeShape(exampleShape)
    return {}
  }

  embed(_params: Params, x: tf.Tensor): tf.Tensor {
    const { coefficients } = this.#options
    const [count, height, width, channels = 1] = x.shape as [number, number, number, number?]
    return tf.tidy(() => {
      const basis = this.#basis(height, width)
      if (channels === 1) return tf.matMul(x.reshape([count, height * width]), basis)
      const planes = x.reshape([count, height * width, channels]).transpose([0, 2, 1])
      return tf
        .matMul(planes.reshape([count * channels, height * width]), basis)
        .reshape([count, channels * coefficients])
    })
  }

  #basis(height: number, width: number): tf.Tensor2D {
    const { coefficients, scale } = this.#options
    const key = `${height} × ${width}`
    let basis = this.#bases.get(key)
    if (!basis || basis.isDisposed) {
      const waves = imageBasis(height, width, coefficients).map(value => value * scale)
      basis = tf.keep(tf.tensor2d(waves, [height * width, coefficients]))
      this.#bases.set(key, basis)
    }
    return basis
  }
}

/**
 * A fixed embedder without parameters: u = scale · B(x), B the lowest coefficients of the orthonormal two-dimensional discrete cosine
 * transform of type II (Ahmed, Natarajan & Rao 1974, doi:10.1109/T-C.1974.223784) of each channel; images `[n, height, width]` or
 * `[n, height, width, channels]` → codes `[n, channels · coefficients]`, channel by channel. Coefficients are ordered by the larger of
 * their two frequencies, then by the sum; 64 are the block of 8 × 8. Embeddings of this kind never drift: the control for every learned E.
 *
 * @throws LgmError `composition` for examples that are no images, or smaller than the number of coefficients.
 * @example
 * createLearner([dct({ coefficients: 64 }), gaussian({ components: 20 }), ...])
 */
export const dct = definePlugin({
  point: Embedder,
  name: 'dct',
  summary: 'fixed: the lowest two-dimensional cosine coefficients of each channel',
  options,
  class: Dct,
})
