import * as tf from '@tensorflow/tfjs'

/** How far codes have moved, and what that can be held against: means over examples of squares summed over the numbers of a code. */
export interface Movement {
  /** mean ‖b − a‖² */
  readonly moved: number
  /** mean ‖a − ā‖² */
  readonly totalVariance: number
  /** mean ‖a − ā_y‖², ā_y the mean of the codes of the same class */
  readonly withinClassVariance: number
  /** mean ‖a‖² */
  readonly squaredNorm: number
}

/** The movement from codes a to codes b of the same examples, both `[labels.length, size]` row-major. */
export function movement(a: Float32Array, b: Float32Array, labels: Int32Array): Movement {
  const everyone = new Int32Array(labels.length)
  return {
    moved: meanSquare(a, b, labels.length),
    totalVariance: meanSquare(a, classMeans(a, everyone), labels.length),
    withinClassVariance: meanSquare(a, classMeans(a, labels), labels.length),
    squaredNorm: meanSquare(a, new Float32Array(a.length), labels.length),
  }
}

/** Σ (aᵢ − bᵢ)² / count. */
function meanSquare(a: Float32Array, b: ArrayLike<number>, count: number): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return sum / count
}

/** In the place of each code the mean of those with its label. */
function classMeans(codes: Float32Array, labels: Int32Array): Float64Array {
  const size = codes.length / labels.length
  const sums = new Map<number, { readonly mean: Float64Array; count: number }>()
  labels.forEach((label, n) => {
    const sum = sums.get(label) ?? { mean: new Float64Array(size), count: 0 }
    sums.set(label, sum)
    sum.count++
    for (let i = 0; i < size; i++) sum.mean[i]! += codes[n * size + i]!
  })
  const means = new Float64Array(codes.length)
  labels.forEach((label, n) => {
    const { mean, count } = sums.get(label)!
    for (let i = 0; i < size; i++) means[n * size + i] = mean[i]! / count
  })
  return means
}

/**
 * Linear centred kernel alignment of X `[n, p]` and Y `[n, q]`, the same examples in two representations: ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), Frobenius
 * norms, after the mean of each column is taken off. 0 to 1; 1 for Y = X, and the same for any rotation, shift or scale of either. NaN where
 * either does not vary.
 *
 * Kornblith et al. 2019, arXiv:1905.00414, section 3.
 */
export function linearCka(x: tf.Tensor2D, y: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const [a, b] = [x.sub(x.mean(0)) as tf.Tensor2D, y.sub(y.mean(0)) as tf.Tensor2D]
    // ‖YᵀX‖² = Σ XXᵀ∘YYᵀ: whichever matrices are smaller
    if (Math.max(x.shape[1], y.shape[1]) > x.shape[0]) {
      const [k, l] = [tf.matMul(a, a, false, true), tf.matMul(b, b, false, true)]
      return k
        .mul(l)
        .sum()
        .div(norm(k).mul(norm(l))) as tf.Scalar
    }
    const [cross, k, l] = [tf.matMul(b, a, true), tf.matMul(a, a, true), tf.matMul(b, b, true)]
    return cross
      .square()
      .sum()
      .div(norm(k).mul(norm(l))) as tf.Scalar
  })
}

function norm(matrix: tf.Tensor): tf.Tensor {
  return matrix.square().sum().sqrt()
}
