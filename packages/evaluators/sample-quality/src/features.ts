import { sizeOf } from '@lgm/core'
import { imageBasis } from '@lgm/cosine'
import * as tf from '@tensorflow/tfjs'

/** A fixed linear map of examples or codes, in which distances are measured; its name is part of the names of figures. */
export interface Features {
  /** `dct64`: 64 cosine coefficients; `raw36`: the 36 numbers themselves. */
  readonly name: string
  readonly count: number
  /** `[n, ...shape]` → `[n, count]`. */
  of(x: tf.Tensor): tf.Tensor2D
}

/** Most coefficients of a channel, and of all: a covariance of more takes seconds to decompose. */
const perChannel = 64
const inAll = 192

/**
 * Features of examples of `shape`. `dct`: of images and maps `[height, width]` or `[height, width, channels]` the lowest coefficients of
 * the orthonormal cosine transform of each channel, at most 64 of each and 192 in all; vectors have no such waves, and are taken as
 * they are. `raw`: the numbers themselves.
 */
export function featuresOf(shape: readonly number[], kind: 'dct' | 'raw'): Features {
  const [height, width, channels = 1] = shape as [number, number, number?]
  if (kind === 'raw' || (shape.length !== 2 && shape.length !== 3) || channels > inAll) {
    const count = sizeOf(shape)
    return { name: `raw${count}`, count, of: x => x.reshape([x.shape[0]!, count]) }
  }
  const each = Math.min(perChannel, Math.floor(inAll / channels), height * width)
  const waves = imageBasis(height, width, each)
  return {
    name: `dct${each * channels}`,
    count: each * channels,
    of: x =>
      tf.tidy(() => {
        const n = x.shape[0]!
        const planes = x.reshape([n, height * width, channels]).transpose([0, 2, 1])
        const basis = tf.tensor2d(waves, [height * width, each])
        return tf.matMul(planes.reshape([n * channels, height * width]), basis).reshape([n, each * channels])
      }),
  }
}
