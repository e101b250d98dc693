import { EigenvalueDecomposition, Matrix } from 'ml-matrix'

/** A Gaussian in d dimensions: mean `[d]`, covariance `[d, d]` row-major and symmetric. */
export interface Gaussian {
  readonly mean: Float64Array
  readonly covariance: Float64Array
}

/** The mean and the covariance, with n − 1 in its denominator, of rows `[n, d]`; NaN covariances for a single row. */
export function fitGaussian(rows: ArrayLike<number>, d: number): Gaussian {
  const n = rows.length / d
  const mean = new Float64Array(d)
  for (let i = 0; i < rows.length; i++) mean[i % d]! += rows[i]! / n
  const covariance = new Float64Array(d * d)
  const centred = new Float64Array(d)
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < d; i++) centred[i] = rows[row * d + i]! - mean[i]!
    for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) covariance[i * d + j]! += centred[i]! * centred[j]!
  }
  for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) covariance[j * d + i] = covariance[i * d + j]! /= n - 1
  return { mean, covariance }
}

/**
 * The squared Fréchet distance of two Gaussians, ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½), in squared units of the numbers; 0 if and only if
 * they are equal. With W Wᵀ = Σ₁, tr (Σ₁Σ₂)^½ is the sum of the roots of the eigenvalues of the symmetric Wᵀ Σ₂ W, which are those of Σ₁Σ₂.
 *
 * Dowson & Landau 1982 (doi:10.1016/0047-259X(82)90077-X); as a measure of samples Heusel et al. 2017, arXiv:1706.08500.
 */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const d = a.mean.length
  let distance = 0
  for (let i = 0; i < d; i++)
    distance += (a.mean[i]! - b.mean[i]!) ** 2 + a.covariance[i * d + i]! + b.covariance[i * d + i]!
  const { values, vectors } = symmetricEigen(Matrix.from1DArray(d, d, a.covariance))
  // rounding makes zero eigenvalues a little negative
  const root = vectors.mulRowVector(values.map(value => Math.sqrt(Math.max(0, value))))
  const product = root
    .transpose()
    .mmul(Matrix.from1DArray(d, d, b.covariance))
    .mmul(root)
  const trace = symmetricEigen(product).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0)
  return Math.max(0, distance - 2 * trace)
}

function symmetricEigen(matrix: Matrix): { readonly values: number[]; readonly vectors: Matrix } {
  const { realEigenvalues: values, eigenvectorMatrix: vectors } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  })
  return { values, vectors }
}
