import * as tf from '@tensorflow/tfjs'
import { applyTriangle, cholesky, invertTriangle, multiplyTriangles, rowAt, triangle } from './cholesky.js'
import type { Components, Covariance } from './components.js'

/** What is fitted: how many components with what covariance, for how long. */
export interface FitOptions {
  readonly covariance: Covariance
  readonly components: number
  readonly kMeans: number
  readonly iterations: number
  readonly ridge: number
}

/** Weighted examples of one class: rows `[n, d]` row-major, and how many examples each row stands for `[n]`. */
export interface Weighted {
  readonly rows: Float32Array
  readonly weights: Float32Array
}

/** One Gaussian for all rows: mean μ₀, and L₀ with L₀ L₀ᵀ = Σ₀ + ridge and L₀⁻¹ (packed triangles, or `[d]` if diagonal). */
export interface Whole {
  readonly mean: Float64Array
  readonly factor: Float64Array
  readonly inverse: Float64Array
  readonly ridge: number
}

/** Components in the coordinates v = L₀⁻¹(u − μ₀), in which the class has mean 0 and covariance 1. */
export interface Standard {
  readonly weights: Float64Array
  readonly means: Float64Array
  readonly factors: readonly Float64Array[]
}

/** Fitted components; where the covariance is shared, the class's own as a packed triangle `[d(d + 1)/2]`. */
export interface Fitted {
  readonly components: Components
  readonly within?: Float64Array
}

/** The mean and covariance of weighted rows, with the ridge that `options` ask for. */
export async function fitWhole(
  { rows, weights }: Weighted,
  d: number,
  { covariance, ridge }: FitOptions,
): Promise<Whole> {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = new Float64Array(d)
  rows.forEach((value, i) => {
    mean[i % d]! += (weights[Math.floor(i / d)]! * value) / total
  })
  const second = tf.tidy(() => {
    const centred = tf.tensor2d(
      rows.map((value, i) => value - mean[i % d]!),
      [weights.length, d],
    )
    const weighted = centred.mul(tf.tensor2d(weights, [weights.length, 1])) as tf.Tensor2D
    return covariance === 'diagonal' ? centred.mul(weighted).sum(0) : tf.matMul(centred.transpose(), weighted)
  })
  const sums = await second.data()
  second.dispose()
  const side = covariance === 'diagonal' ? 0 : d
  let variance = 0
  for (let i = 0; i < d; i++) variance += sums[i * side + i]! / (total * d)
  const added = ridge * variance + 1e-5
  if (covariance === 'diagonal') {
    const factor = Float64Array.from(sums, sum => Math.sqrt(sum / total + added))
    return { mean, factor, inverse: factor.map(sigma => 1 / sigma), ridge: added }
  }
  const factor = cholesky(
    triangle(d, (i, j) => sums[i * d + j]! / total + (i === j ? added : 0)),
    d,
  )
  return { mean, factor, inverse: invertTriangle(factor, d), ridge: added }
}

/** The whole class as one component. */
export function single(d: number, covariance: Covariance): Standard {
  const identity = covariance === 'diagonal' ? new Float64Array(d).fill(1) : triangle(d, (i, j) => Number(i === j))
  return { weights: Float64Array.of(1), means: new Float64Array(d), factors: [identity] }
}

/** Back to codes: μ = μ₀ + L₀ m and L = L₀ M for the component N(m, M Mᵀ). */
export function fromStandard(
  { weights, means, factors }: Standard,
  whole: Whole,
  d: number,
  covariance: Covariance,
): Fitted {
  const diagonal = covariance === 'diagonal'
  const placed = Array.from(weights, (_, c) => {
    const mean = means.subarray(c * d, (c + 1) * d)
    const moved = diagonal ? mean.map((value, i) => value * whole.factor[i]!) : applyTriangle(whole.factor, mean, 0, d)
    return moved.map((value, i) => value + whole.mean[i]!)
  })
  const product = (factor: Float64Array) =>
    diagonal ? factor.map((value, i) => value * whole.factor[i]!) : multiplyTriangles(whole.factor, factor, d)
  const components = {
    d,
    covariance,
    weights: Float32Array.from(weights),
    means: concat(placed),
    factors: concat(factors.map(product)),
  }
  if (covariance !== 'shared') return { components }
  const own = product(factors[0]!)
  return {
    components,
    within: triangle(d, (i, j) =>
      own.subarray(rowAt(j), rowAt(j) + j + 1).reduce((sum, value, k) => sum + value * own[rowAt(i) + k]!, 0),
    ),
  }
}

function concat(arrays: readonly Float64Array[]): Float32Array {
  const all = new Float32Array(arrays.length * arrays[0]!.length)
  for (const [i, array] of arrays.entries()) all.set(array, i * array.length)
  return all
}

/** New rows, each standing for itself, and old ones, which together stand for `met` examples. */
export function together(fresh: Float32Array, old: Float32Array, met: number, d: number): Weighted {
  const rows = new Float32Array(fresh.length + old.length)
  rows.set(fresh)
  rows.set(old, fresh.length)
  const weights = new Float32Array(rows.length / d).fill(1)
  weights.fill((met * d) / old.length, fresh.length / d)
  return { rows, weights }
}
