import * as tf from '@tensorflow/tfjs'
import { applyTriangle, rowAt } from './cholesky.js'
import type { Covariance } from './components.js'
import type { Weighted, Whole } from './standard.js'

/** Passes over φ of all rows. `moments` sums weight · responsibility · φ over the rows, `[k, width]`. */
export interface Passes {
  readonly width: number
  moments(responsibilities: (phi: tf.Tensor2D, from: number, to: number) => tf.Tensor2D): Promise<Float32Array>
  dispose(): void
}

/** φ in chunks of 64 MiB, kept in the engine up to 256 MiB and rebuilt in each pass beyond. */
export function features(data: Weighted, whole: Whole, d: number, covariance: Covariance): Passes {
  const n = data.weights.length
  const width = squaresOf(covariance, d) + d + 1
  const chunk = Math.max(1, Math.floor(2 ** 24 / width))
  const starts = Array.from({ length: Math.ceil(n / chunk) }, (_, i) => i * chunk)
  const build = (from: number) => {
    const size = Math.min(chunk, n - from)
    const phi = new Float32Array(size * width)
    for (let row = 0; row < size; row++) fill(phi, row * width, data.rows, (from + row) * d, whole, d, covariance)
    return tf.tensor2d(phi, [size, width])
  }
  const held = n * width <= 2 ** 26 ? starts.map(build) : undefined
  return {
    width,
    async moments(responsibilities) {
      let total: tf.Tensor | undefined
      for (const [i, from] of starts.entries()) {
        const before = total
        total = tf.tidy(() => {
          const phi = held?.[i] ?? build(from)
          const to = from + phi.shape[0]
          const weights = tf.tensor2d(data.weights.subarray(from, to), [to - from, 1])
          const shares = responsibilities(phi, from, to).mul(weights) as tf.Tensor2D
          const sums = tf.matMul(shares.transpose(), phi)
          return before ? before.add(sums) : sums
        })
        before?.dispose()
      }
      const sums = (await total!.data()) as Float32Array
      total!.dispose()
      return sums
    },
    dispose: () => tf.dispose(held ?? []),
  }
}

/** How many products of coordinates φ holds. */
export function squaresOf(covariance: Covariance, d: number): number {
  return covariance === 'full' ? rowAt(d) : covariance === 'diagonal' ? d : 0
}

/** Writes φ(v) = [v vᵀ as a packed triangle | v² | nothing, v, 1] of one row. */
function fill(
  phi: Float32Array,
  at: number,
  rows: Float32Array,
  from: number,
  whole: Whole,
  d: number,
  covariance: Covariance,
) {
  const centred = whole.mean.map((mean, i) => rows[from + i]! - mean)
  const v =
    covariance === 'diagonal'
      ? centred.map((value, i) => value * whole.inverse[i]!)
      : applyTriangle(whole.inverse, centred, 0, d)
  let place = at
  if (covariance === 'full') for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) phi[place++] = v[i]! * v[j]!
  if (covariance === 'diagonal') for (let i = 0; i < d; i++) phi[place++] = v[i]! ** 2
  for (let i = 0; i < d; i++) phi[place++] = v[i]!
  phi[place] = 1
}
