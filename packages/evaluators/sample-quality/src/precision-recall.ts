import { kthNearest, squaredDistance } from './neighbours.js'

/** Shares from 0 to 1. */
export interface PrecisionRecall {
  /** Share of the samples that lie in the manifold of real examples: are samples good? */
  readonly precision: number
  /** Share of the real examples that lie in the manifold of samples: is everything covered? */
  readonly recall: number
}

/**
 * Precision and recall of samples `[m, d]` against real examples `[n, d]`. The manifold of a set is the union of balls around its
 * points, each reaching to the k-th nearest other point; so both sets need more than k points, or all lies within. As the balls shrink with more
 * points, m and n should be equal.
 *
 * Kynkäänniemi et al. 2019, arXiv:1904.06991, equations 1 and 2.
 */
export function precisionRecall(
  real: ArrayLike<number>,
  samples: ArrayLike<number>,
  d: number,
  k: number,
): PrecisionRecall {
  return { precision: shareWithin(samples, real, d, k), recall: shareWithin(real, samples, d, k) }
}

/** The share of `points` that lie in the manifold of `support`. */
function shareWithin(points: ArrayLike<number>, support: ArrayLike<number>, d: number, k: number): number {
  const radii = kthNearest(support, d, k)
  const count = points.length / d
  let within = 0
  for (let i = 0; i < count; i++)
    if (radii.some((radius, j) => squaredDistance(points, i, support, j, d, radius) <= radius)) within++
  return within / count
}
