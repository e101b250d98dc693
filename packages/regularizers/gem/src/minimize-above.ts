/** Added to the diagonal of a Gram matrix with ones on it: what float32 leaves uncertain of it. */
const ridge = 1e-6

/** A slope below this share of the largest is rounding. */
const negligible = 1e-9

/**
 * The v ≥ margin that minimizes ½ vᵀAv + bᵀv, A `[n, n]` symmetric and positive semidefinite up to rounding, in float64; where A is
 * singular, one of them.
 *
 * An active-set method, exact up to rounding and a ridge of 1e-6 on A scaled to a diagonal of ones: u = v − margin is a problem of
 * non-negative least squares in its normal equations (Lawson & Hanson 1974, chapter 23). Numbers leave and enter the set of positive
 * ones until no slope is left that would lower the value. n is the number of tasks, so a dense solve of each set costs nothing.
 */
export function minimizeAbove(A: readonly (readonly number[])[], b: readonly number[], margin: number): number[] {
  const inverse = A.map((row, i) => (row[i]! > 0 ? 1 / Math.sqrt(row[i]!) : 0))
  const scaled = A.map((row, i) => row.map((a, j) => a * inverse[i]! * inverse[j]! + (i === j ? ridge : 0)))
  const linear = b.map((value, i) => (value + margin * sum(A[i]!)) * inverse[i]!)
  const tolerance = negligible * Math.max(...linear.map(Math.abs))
  const u = b.map(() => 0)
  let positive: number[] = []
  // Rounding may make a set come back; then the last is as good as any.
  for (let round = 0; round < 10 * b.length; round++) {
    const slopes = u.map((_, i) => (positive.includes(i) ? 0 : -linear[i]! - dot(scaled[i]!, u)))
    const entering = slopes.indexOf(Math.max(...slopes))
    if (slopes[entering]! <= tolerance) break
    positive.push(entering)
    while (positive.length > 0) {
      const target = solve(
        positive.map(i => positive.map(j => scaled[i]![j]!)),
        positive.map(i => -linear[i]!),
      )
      const steps = positive.map((i, k) => (target[k]! > 0 ? 1 : u[i]! / (u[i]! - target[k]! || 1)))
      const step = Math.min(...steps)
      positive.forEach((i, k) => {
        u[i] = steps[k] === step && target[k]! <= 0 ? 0 : u[i]! + step * (target[k]! - u[i]!)
      })
      if (target.every(value => value > 0)) break
      positive = positive.filter(i => u[i]! > 0)
    }
  }
  return u.map((value, i) => margin + value * inverse[i]!)
}

/** The x with Mx = y, by Gaussian elimination with pivots; M is small and regular. */
function solve(M: readonly (readonly number[])[], y: readonly number[]): number[] {
  const n = y.length
  const rows = M.map((row, i) => [...row, y[i]!])
  for (let k = 0; k < n; k++) {
    const pivot = rows
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + i : best), k)
    ;[rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!]
    for (const row of rows.slice(k + 1)) {
      const factor = row[k]! / rows[k]![k]!
      for (let j = k; j <= n; j++) row[j]! -= factor * rows[k]![j]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let k = n - 1; k >= 0; k--) x[k] = (rows[k]![n]! - dot(rows[k]!.slice(0, n), x)) / rows[k]![k]!
  return x
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, i) => total + value * b[i]!, 0)
}
