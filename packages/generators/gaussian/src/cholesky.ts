/** Where row `i` of a lower triangle begins, packed by rows: (i, j) stands at `rowAt(i) + j`. */
export function rowAt(i: number): number {
  return (i * (i + 1)) / 2
}

/** A packed lower triangle of `d` rows from its entries (i, j), j ≤ i. */
export function triangle(d: number, entry: (i: number, j: number) => number): Float64Array {
  const packed = new Float64Array(rowAt(d))
  for (let i = 0, at = 0; i < d; i++) for (let j = 0; j <= i; j++, at++) packed[at] = entry(i, j)
  return packed
}

/**
 * L with L Lᵀ = A, for symmetric positive definite A given as its packed lower triangle; L is packed alike. In float64.
 * A pivot that rounding has made negative is taken as the least positive number that keeps L regular.
 */
export function cholesky(a: ArrayLike<number>, d: number): Float64Array {
  const l = new Float64Array(rowAt(d))
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      const [rowI, rowJ] = [rowAt(i), rowAt(j)]
      let sum = a[rowI + j]!
      for (let k = 0; k < j; k++) sum -= l[rowI + k]! * l[rowJ + k]!
      l[rowI + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / l[rowJ + j]!
    }
  return l
}

/** The inverse of a packed lower triangle, packed alike: row i is (eᵢ − Σₖ Lᵢₖ rowₖ) / Lᵢᵢ over k < i. */
export function invertTriangle(l: ArrayLike<number>, d: number): Float64Array {
  const inverse = new Float64Array(rowAt(d))
  for (let i = 0; i < d; i++) {
    const at = rowAt(i)
    const pivot = l[at + i]!
    for (let k = 0; k < i; k++) {
      const factor = l[at + k]! / pivot
      const row = rowAt(k)
      for (let j = 0; j <= k; j++) inverse[at + j]! -= factor * inverse[row + j]!
    }
    inverse[at + i] = 1 / pivot
  }
  return inverse
}

/** A B of two packed lower triangles, packed alike. */
export function multiplyTriangles(a: ArrayLike<number>, b: ArrayLike<number>, d: number): Float64Array {
  const product = new Float64Array(rowAt(d))
  for (let i = 0; i < d; i++)
    for (let k = 0; k <= i; k++) {
      const factor = a[rowAt(i) + k]!
      for (let j = 0; j <= k; j++) product[rowAt(i) + j]! += factor * b[rowAt(k) + j]!
    }
  return product
}

/** Lᵀ L of a packed lower triangle (the inverse of A where L is the inverse of A's factor), as a packed lower triangle. */
export function gram(l: ArrayLike<number>, d: number): Float64Array {
  const product = new Float64Array(rowAt(d))
  for (let k = 0; k < d; k++)
    for (let i = 0; i <= k; i++) {
      const factor = l[rowAt(k) + i]!
      for (let j = 0; j <= i; j++) product[rowAt(i) + j]! += factor * l[rowAt(k) + j]!
    }
  return product
}

/** L x of a packed lower triangle and the vector at `from` in `x`, in float64. */
export function applyTriangle(l: ArrayLike<number>, x: ArrayLike<number>, from: number, d: number): Float64Array {
  const product = new Float64Array(d)
  for (let i = 0, at = 0; i < d; i++) {
    let sum = 0
    for (let j = 0; j <= i; j++, at++) sum += l[at]! * x[from + j]!
    product[i] = sum
  }
  return product
}
