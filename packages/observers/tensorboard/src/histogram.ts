/** How many values lie between limits: `counts[k]` of them above `limits[k − 1]`, for the first from `min` on, and up to `limits[k]`. */
export interface Histogram {
  readonly min: number
  readonly max: number
  readonly count: number
  readonly sum: number
  readonly sumOfSquares: number
  readonly limits: readonly number[]
  readonly counts: readonly number[]
}

/** A histogram of at least one value, of `buckets` equal widths, or of one bucket where all values are the same. */
export function histogramOf(values: readonly number[], buckets = 30): Histogram {
  const min = values.reduce((a, b) => Math.min(a, b))
  const max = values.reduce((a, b) => Math.max(a, b))
  const width = (max - min) / buckets
  const bucketsUsed = width > 0 ? buckets : 1
  const counts = new Array<number>(bucketsUsed).fill(0)
  for (const value of values) {
    const bucket = width > 0 ? Math.max(0, Math.ceil((value - min) / width) - 1) : 0
    counts[Math.min(bucketsUsed - 1, bucket)]! += 1
  }
  return {
    min,
    max,
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    sumOfSquares: values.reduce((sum, value) => sum + value ** 2, 0),
    limits: counts.map((_, k) => (k === bucketsUsed - 1 ? max : min + (k + 1) * width)),
    counts,
  }
}
