import { expected } from '@lgm/core'

/** A mean, and how far from it the true mean may be. */
export interface MeanInterval {
  readonly mean: number
  /** Half the width of the 95 % interval; null of one value, which says nothing of its spread. */
  readonly halfWidth: number | null
}

/**
 * The mean of values and half the width of its 95 % interval by Student's t: x̄ ± t₀.₉₇₅,ₙ₋₁ · s / √n with s² = Σ (xᵢ − x̄)² / (n − 1). It
 * supposes values that are independent and about normal.
 * @throws LgmError `runs` of no values.
 * @example
 * meanInterval([0.9, 0.92, 0.94]) // { mean: 0.92, halfWidth: 0.0497 }: 4.3027 · 0.02 / √3
 */
export function meanInterval(values: readonly number[]): MeanInterval {
  const n = values.length
  if (n === 0) throw expected('meanInterval', 'values', 'none', 'give at least one', 'runs')
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n === 1) return { mean, halfWidth: null }
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  return { mean, halfWidth: studentQuantile(n - 1) * Math.sqrt(variance / n) }
}

/**
 * The 97.5 % quantile of Student's t for a whole number of degrees of freedom: the t at which P(|T| < t) = 0.95, by halving. Of whole
 * degrees ν that probability is a finite sum in θ = arctan(t / √ν) (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4).
 */
export function studentQuantile(degrees: number): number {
  let [low, high] = [0, Math.PI / 2]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (within(middle, degrees) < 0.95) low = middle
    else high = middle
  }
  return Math.tan(low) * Math.sqrt(degrees)
}

/** P(|T| < √ν tan θ): for even ν sin θ (1 + ½ cos² θ + (1·3)/(2·4) cos⁴ θ + …), ν/2 terms; for odd ν alike, with θ. */
function within(theta: number, degrees: number): number {
  const odd = degrees % 2
  const square = Math.cos(theta) ** 2
  let [sum, term] = [0, odd ? Math.cos(theta) : 1]
  for (let k = odd; k <= degrees - 2; k += 2) {
    sum += term
    term *= (square * (k + 1)) / (k + 2)
  }
  return odd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum
}
