/** Guesses of about the same confidence: how many, their mean confidence and their share of right ones, both `null` of none. */
export interface Bin {
  readonly count: number
  readonly confidence: number | null
  readonly accuracy: number | null
}

/**
 * Guesses by their confidence, in bins of equal width: bin m of M, counted from 1, takes the confidences in ((m − 1)/M, m/M], and the
 * first takes 0 too (Guo et al. 2017, arXiv:1706.04599, section 2).
 */
export function equalWidthBins(confidences: ArrayLike<number>, right: readonly boolean[], bins = 15): Bin[] {
  return gather(confidences, right, bins, confidence => Math.max(0, Math.ceil(confidence * bins) - 1))
}

/**
 * Guesses by their confidence, in bins of about equal counts (Nixon et al. 2019, arXiv:1904.01685, adaptive binning). Equal confidences stay
 * together, in the bin of their middle rank, so that the order of examples does not matter; so bins may be empty.
 */
export function equalMassBins(confidences: ArrayLike<number>, right: readonly boolean[], bins = 15): Bin[] {
  const sorted = Float64Array.from(confidences).sort()
  const ranks = new Map<number, number>()
  for (let from = 0; from < sorted.length; ) {
    let to = from
    while (to < sorted.length && sorted[to] === sorted[from]) to++
    ranks.set(sorted[from]!, (from + to) / 2 / sorted.length)
    from = to
  }
  return gather(confidences, right, bins, confidence => Math.floor(ranks.get(confidence)! * bins))
}

/**
 * The expected calibration error, Σ over bins of count/n · |accuracy − confidence|, 0 to 1 (Naeini et al. 2015; Guo et al. 2017,
 * arXiv:1706.04599, section 2); NaN of no example.
 */
export function calibrationError(bins: readonly Bin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  return (
    bins.reduce((sum, { count, accuracy, confidence }) => sum + count * Math.abs(accuracy! - confidence!), 0) / total
  )
}

function gather(
  confidences: ArrayLike<number>,
  right: readonly boolean[],
  bins: number,
  binOf: (confidence: number) => number,
): Bin[] {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }))
  for (const [i, isRight] of right.entries()) {
    const sum = sums[Math.min(bins - 1, binOf(confidences[i]!))]!
    sum.count += 1
    sum.confidence += confidences[i]!
    sum.right += isRight ? 1 : 0
  }
  return sums.map(sum => ({
    count: sum.count,
    confidence: sum.count === 0 ? null : sum.confidence / sum.count,
    accuracy: sum.count === 0 ? null : sum.right / sum.count,
  }))
}
