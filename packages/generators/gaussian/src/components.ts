import * as tf from '@tensorflow/tfjs'
import { invertTriangle, rowAt } from './cholesky.js'

/** A matrix for each component, a diagonal for each component, or one matrix for all. */
export type Covariance = 'full' | 'diagonal' | 'shared'

/**
 * k Gaussian components in d dimensions: weights π `[k]`, means μ `[k, d]`, and L of the covariances L Lᵀ: lower triangles packed by
 * rows `[k, d(d + 1)/2]` (full) or standard deviations `[k, d]` (diagonal). Shared: one triangle `[d(d + 1)/2]` for all.
 */
export interface Components {
  readonly d: number
  readonly covariance: Covariance
  readonly weights: Float32Array
  readonly means: Float32Array
  readonly factors: Float32Array
}

/** What turns u into standardized residuals r = L⁻¹(u − μ) of every component at once; u is centred first, to keep float32 exact. */
export interface Whitening {
  readonly d: number
  readonly count: number
  readonly covariance: Covariance
  /** Full: the L⁻ᵀ side by side, `[d, count · d]`; diagonal: 1 / σ, `[count, d]`; shared: L⁻ᵀ `[d, d]`. */
  readonly scale: Float32Array
  /** What the components' means become, `[count, d]`. */
  readonly offset: Float32Array
  /** log π − log det L − d/2 log 2π, `[count]`. */
  readonly constant: Float32Array
  readonly centre: Float32Array
}

/** Prepares the densities of components, which may be those of many classes in a row. */
export function whiten(parts: readonly Components[]): Whitening {
  const { d, covariance } = parts[0]!
  const count = parts.reduce((sum, { weights }) => sum + weights.length, 0)
  const side = covariance === 'full' ? count * d : d
  const scale = new Float32Array(covariance === 'diagonal' ? count * d : d * side)
  const offset = new Float32Array(count * d)
  const constant = new Float32Array(count)
  const centre = meanOfMeans(parts, d, count)
  let at = 0
  for (const { weights, means, factors } of parts) {
    const common = covariance === 'shared' ? invertTriangle(factors, d) : undefined
    for (let k = 0; k < weights.length; k++, at++) {
      const own = (size: number) => factors.subarray(k * size, (k + 1) * size)
      const inverse =
        common ??
        (covariance === 'full' ? invertTriangle(own(rowAt(d)), d) : Float64Array.from(own(d), sigma => 1 / sigma))
      let logDeterminant = 0
      for (let i = 0; i < d; i++) {
        let moved = 0
        if (covariance === 'diagonal') {
          scale[at * d + i] = inverse[i]!
          moved = inverse[i]! * (means[k * d + i]! - centre[i]!)
          logDeterminant -= Math.log(inverse[i]!)
        } else {
          const row = rowAt(i)
          for (let j = 0; j <= i; j++) {
            scale[j * side + (covariance === 'full' ? at * d : 0) + i] = inverse[row + j]!
            moved += inverse[row + j]! * (means[k * d + j]! - centre[j]!)
          }
          logDeterminant -= Math.log(inverse[row + i]!)
        }
        offset[at * d + i] = moved
      }
      constant[at] = Math.log(Math.max(weights[k]!, 1e-30)) - logDeterminant - (d / 2) * Math.log(2 * Math.PI)
    }
  }
  return { d, count, covariance, scale, offset, constant, centre }
}

function meanOfMeans(parts: readonly Components[], d: number, count: number): Float32Array {
  const centre = new Float32Array(d)
  for (const { means } of parts)
    means.forEach((value, i) => {
      centre[i % d]! += value / count
    })
  return centre
}

/** A whitening in the engine. */
export interface Uploaded {
  readonly scale: tf.Tensor
  readonly offset: tf.Tensor
  readonly constant: tf.Tensor
  readonly centre: tf.Tensor
}

/** Uploads what `logJoint` needs; the tensors belong to the caller. */
export function uploadWhitening({ d, count, covariance, scale, offset, constant, centre }: Whitening): Uploaded {
  return {
    scale: tf.tensor(scale, covariance === 'diagonal' ? [count, d] : [d, scale.length / d]),
    offset: tf.tensor(offset, [count, d]),
    constant: tf.tensor1d(constant),
    centre: tf.tensor1d(centre),
  }
}

/** log π_k + log N(u | μ_k, Σ_k) in nats of each row and each component: u `[n, d]` → `[n, count]`. */
export function logJoint(u: tf.Tensor2D, { d, count, covariance }: Whitening, uploaded: Uploaded): tf.Tensor2D {
  return tf.tidy(() => {
    const centred = u.sub(uploaded.centre)
    const scaled =
      covariance === 'full'
        ? tf.matMul(centred, uploaded.scale).reshape([-1, count, d])
        : covariance === 'shared'
          ? tf.matMul(centred, uploaded.scale).expandDims(1)
          : centred.expandDims(1).mul(uploaded.scale)
    return uploaded.constant.sub(scaled.sub(uploaded.offset).square().sum(2).mul(0.5)) as tf.Tensor2D
  })
}

/** How many rows to handle at once, so that the residuals of all components fill 16 MiB. */
export function rowsAtOnce({ count, d }: { readonly count: number; readonly d: number }): number {
  return Math.max(1, Math.floor(2 ** 22 / (count * d)))
}

/** Draws u = μ_k + L_k z with k of probability π_k and z standard normal into `into` at `at`. */
export function draw(
  { d, covariance, weights, means, factors }: Components,
  uniform: number,
  z: Float32Array,
  into: Float32Array,
  at: number,
): void {
  let k = 0
  for (let left = uniform - weights[0]!; left >= 0 && k + 1 < weights.length; left -= weights[k]!) k++
  const from = covariance === 'full' ? k * rowAt(d) : covariance === 'diagonal' ? k * d : 0
  for (let i = 0; i < d; i++) {
    let value = means[k * d + i]!
    if (covariance === 'diagonal') value += factors[from + i]! * z[i]!
    else for (let j = 0, row = from + rowAt(i); j <= i; j++) value += factors[row + j]! * z[j]!
    into[at + i] = value
  }
}
