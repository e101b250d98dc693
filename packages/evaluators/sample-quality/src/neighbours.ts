/**
 * ‖x − y‖² of row `i` of x and row `j` of y, d numbers each; where it is above `limit`, any number above `limit`, for it is then given up
 * half-way.
 */
export function squaredDistance(
  x: ArrayLike<number>,
  i: number,
  y: ArrayLike<number>,
  j: number,
  d: number,
  limit = Number.POSITIVE_INFINITY,
): number {
  const block = 8
  let sum = 0
  for (let from = 0; from < d; from += block) {
    const to = Math.min(from + block, d)
    for (let k = from; k < to; k++) {
      const difference = x[i * d + k]! - y[j * d + k]!
      sum += difference * difference
    }
    if (sum > limit) return sum
  }
  return sum
}

/** For each row of `queries` `[m, d]` the squared distance to the nearest of `points` `[n, d]`; infinite where there is no point. */
export function nearest(queries: ArrayLike<number>, points: ArrayLike<number>, d: number): Float64Array {
  const least = new Float64Array(queries.length / d).fill(Number.POSITIVE_INFINITY)
  for (let i = 0; i < least.length; i++)
    for (let j = 0; j < points.length / d; j++) {
      const distance = squaredDistance(queries, i, points, j, d, least[i]!)
      if (distance < least[i]!) least[i] = distance
    }
  return least
}

/** For each of `points` `[n, d]` the squared distance to its k-th nearest other point; infinite where there are no more than k points. */
export function kthNearest(points: ArrayLike<number>, d: number, k: number): Float64Array {
  const n = points.length / d
  const found = new Float64Array(n)
  const least = new Float64Array(k)
  for (let i = 0; i < n; i++) {
    least.fill(Number.POSITIVE_INFINITY)
    for (let j = 0; j < n; j++) {
      if (j === i) continue
      const distance = squaredDistance(points, i, points, j, d, least[k - 1]!)
      if (distance < least[k - 1]!) insert(least, distance)
    }
    found[i] = least[k - 1]!
  }
  return found
}

/** Puts a number in its place among ascending ones; the last drops out. */
function insert(ascending: Float64Array, value: number): void {
  let at = ascending.length - 1
  for (; at > 0 && ascending[at - 1]! > value; at--) ascending[at] = ascending[at - 1]!
  ascending[at] = value
}
