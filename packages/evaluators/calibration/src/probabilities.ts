/** Row-major scores `[n, classes]` in nats up to a constant per row, −∞ outside the softmax, with labels `[n] int32`. */
export interface Scored {
  readonly scores: ArrayLike<number>
  readonly classes: number
  readonly labels: Int32Array
}

/** softmax of each row: scores `[n, classes]` → probabilities `[n, classes]`, however large or small the scores are. */
export function probabilitiesOf({ scores, classes, labels }: Scored): Float64Array {
  const probabilities = new Float64Array(labels.length * classes)
  for (let i = 0; i < labels.length; i++) {
    const total = logSumExp(scores, i * classes, classes)
    for (let k = i * classes; k < (i + 1) * classes; k++) probabilities[k] = Math.exp(scores[k]! - total)
  }
  return probabilities
}

/** The probability of each row's best class, `[n]`, and whether that class is the label; the first wins a tie. */
export function confidencesOf(scored: Scored): { readonly confidences: Float32Array; readonly right: boolean[] } {
  const { classes, labels } = scored
  const probabilities = probabilitiesOf(scored)
  const confidences = new Float32Array(labels.length)
  const right = Array.from(labels, (label, i) => {
    let best = 0
    for (let k = 1; k < classes; k++) if (probabilities[i * classes + k]! > probabilities[i * classes + best]!) best = k
    confidences[i] = probabilities[i * classes + best]!
    return best === label
  })
  return { confidences, right }
}

/** The mean of −log softmax(scores)_label, in nats from 0; ∞ where a label lies outside the softmax, NaN of no example. */
export function negativeLogLikelihood({ scores, classes, labels }: Scored): number {
  let sum = 0
  for (const [i, label] of labels.entries()) {
    // one that is certain has no loss, not a rounding error's worth of it
    sum += Math.max(0, logSumExp(scores, i * classes, classes) - scores[i * classes + label]!)
  }
  return sum / labels.length
}

/** The mean of Σₖ (pₖ − yₖ)² with y the one-hot label, 0 to 2 (Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2); NaN of no example. */
export function brierScore(scored: Scored): number {
  const { classes, labels } = scored
  let sum = 0
  for (const [at, probability] of probabilitiesOf(scored).entries()) {
    const target = labels[Math.floor(at / classes)] === at % classes ? 1 : 0
    sum += (probability - target) ** 2
  }
  return sum / labels.length
}

/** log Σ exp over `count` scores from `from`, by the greatest of them. */
function logSumExp(scores: ArrayLike<number>, from: number, count: number): number {
  let most = -Infinity
  for (let k = from; k < from + count; k++) most = Math.max(most, scores[k]!)
  let sum = 0
  for (let k = from; k < from + count; k++) sum += Math.exp(scores[k]! - most)
  return most + Math.log(sum)
}
