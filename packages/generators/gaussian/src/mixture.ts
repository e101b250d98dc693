import { oneHot, type Rng } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { cholesky, gram, invertTriangle, rowAt, triangle } from './cholesky.js'
import type { Covariance } from './components.js'
import { kMeans } from './k-means.js'
import { features, squaresOf } from './passes.js'
import {
  type FitOptions,
  type Fitted,
  fitWhole,
  fromStandard,
  type Standard,
  single,
  type Weighted,
  type Whole,
} from './standard.js'

/**
 * Fits k Gaussian components to weighted rows: k-means, then expectation maximization (Dempster, Laird & Rubin 1977). Each variance
 * gets a ridge: `ridge` × the mean variance of the class, + 1e-5. Fewer rows than components: as many components as rows.
 *
 * A Gaussian is an exponential family: log π_k N(v; k) = φ(v)·θ_k with φ(v) = [v vᵀ, v, 1], so that one iteration is two matrix
 * products, responsibilities softmax(φθ) and moments softmax(φθ)ᵀφ. φ is built once; standard coordinates keep float32 exact enough.
 */
export async function fitMixture(data: Weighted, d: number, options: FitOptions, rng: Rng): Promise<Fitted> {
  const { covariance, iterations } = options
  const whole = await fitWhole(data, d, options)
  const count = Math.min(options.components, data.weights.length)
  if (count === 1) return fromStandard(single(d, covariance), whole, d, covariance)
  const centred = data.rows.map((value, i) => value - whole.mean[i % d]!)
  const nearest = await kMeans({ ...data, rows: centred }, d, count, options.kMeans, rng)
  const passes = features(data, whole, d, covariance)
  try {
    let fitted = maximize(
      await passes.moments((_, from, to) => oneHot(nearest.subarray(from, to), count)),
      whole,
      d,
      options,
    )
    for (let iteration = 0; iteration < iterations; iteration++) {
      const theta = tf.tensor2d(parameters(fitted, d, covariance), [count, passes.width])
      const byFeature = theta.transpose()
      const moments = await passes.moments(phi => tf.softmax(tf.matMul(phi, byFeature) as tf.Tensor2D))
      tf.dispose([theta, byFeature])
      fitted = maximize(moments, whole, d, options)
    }
    return fromStandard(fitted, whole, d, covariance)
  } finally {
    passes.dispose()
  }
}

/** θ `[k, width]`: −P/2 (twice that off the diagonal, which φ holds once), Pμ, and log π − (log det Σ + μᵀPμ)/2, with P = Σ⁻¹. */
function parameters({ weights, means, factors }: Standard, d: number, covariance: Covariance): Float32Array {
  const width = squaresOf(covariance, d) + d + 1
  const theta = new Float32Array(weights.length * width)
  weights.forEach((weight, k) => {
    const mean = means.subarray(k * d, (k + 1) * d)
    const factor = factors[factors.length === 1 ? 0 : k]!
    const [precision, moved] = covariance === 'diagonal' ? ofDiagonal(factor, mean) : ofTriangle(factor, mean, d)
    let constant = Math.log(Math.max(weight, 1e-30))
    for (let i = 0; i < d; i++)
      constant -= Math.log(factor[covariance === 'diagonal' ? i : rowAt(i) + i]!) + (moved[i]! * mean[i]!) / 2
    const end = (k + 1) * width - 1
    if (covariance !== 'shared') theta.set(precision, k * width)
    theta.set(moved, end - d)
    theta[end] = constant
  })
  return theta
}

function ofDiagonal(factor: Float64Array, mean: Float64Array): [Float64Array, Float64Array] {
  return [factor.map(sigma => -0.5 / sigma ** 2), mean.map((value, i) => value / factor[i]! ** 2)]
}

function ofTriangle(factor: Float64Array, mean: Float64Array, d: number): [Float64Array, Float64Array] {
  const precision = gram(invertTriangle(factor, d), d)
  const moved = new Float64Array(d)
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      const p = precision[rowAt(i) + j]!
      moved[i]! += p * mean[j]!
      if (j < i) moved[j]! += p * mean[i]!
      precision[rowAt(i) + j] = j < i ? -p : -p / 2
    }
  return [precision, moved]
}

/** The M step: π = Σr / Σ1, μ = Σrv / Σr, Σ = Σrvvᵀ / Σr − μμᵀ + ridge; shared: Σ = 1 − Σ_k π_k μ_k μ_kᵀ. */
function maximize(moments: Float32Array, whole: Whole, d: number, { covariance }: FitOptions): Standard {
  const squares = squaresOf(covariance, d)
  const width = squares + d + 1
  const k = moments.length / width
  const counts = Float64Array.from({ length: k }, (_, c) => moments[c * width + width - 1]!)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const held = counts.map(count => Math.max(count, 1e-6))
  const weights = counts.map(count => count / total)
  const means = new Float64Array(k * d).map(
    (_, i) => moments[Math.floor(i / d) * width + squares + (i % d)]! / held[Math.floor(i / d)]!,
  )
  const mean = (c: number, i: number) => means[c * d + i]!
  if (covariance === 'shared') {
    const between = (i: number, j: number) =>
      weights.reduce((sum, weight, c) => sum + weight * mean(c, i) * mean(c, j), 0)
    return {
      weights,
      means,
      factors: [
        cholesky(
          triangle(d, (i, j) => Number(i === j) - between(i, j)),
          d,
        ),
      ],
    }
  }
  const square = (c: number, at: number) => moments[c * width + at]! / held[c]!
  if (covariance === 'diagonal') {
    const ridge = whole.inverse.map(value => whole.ridge * value ** 2)
    const deviation = (c: number) => ridge.map((r, i) => Math.sqrt(Math.max(square(c, i) - mean(c, i) ** 2, 0) + r))
    return { weights, means, factors: Array.from(counts, (_, c) => deviation(c)) }
  }
  const ridge = standardRidge(whole, d)
  const factors = Array.from(counts, (_, c) =>
    cholesky(
      triangle(d, (i, j) => square(c, rowAt(i) + j) - mean(c, i) * mean(c, j) + ridge[rowAt(i) + j]!),
      d,
    ),
  )
  return { weights, means, factors }
}

/** ridge · L₀⁻¹ L₀⁻ᵀ: what the ridge is in standard coordinates. */
function standardRidge({ inverse, ridge }: Whole, d: number): Float64Array {
  return triangle(d, (i, j) => {
    let sum = 0
    for (let k = 0; k <= j; k++) sum += inverse[rowAt(i) + k]! * inverse[rowAt(j) + k]!
    return ridge * sum
  })
}
