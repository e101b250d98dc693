/** Row-major scores `[n, classes]` over all classes, labels `[n] int32` among them, and which classes were trained, `[classes]`. */
export interface OpenScores {
  readonly scores: ArrayLike<number>
  readonly classes: number
  readonly labels: Int32Array
  readonly seen: readonly boolean[]
}

/** Accuracies, 0 to 1, each a mean over classes of the accuracy on a class; `null` where no class of the kind has examples. */
export interface OpenAccuracy {
  readonly seen: number | null
  readonly unseen: number | null
}

/**
 * Accuracy on seen and on unseen classes when all compete, after `penalty` was taken off the scores of seen ones (calibrated stacking, Chao et
 * al. 2016, arXiv:1605.04253). Means over classes (Xian et al. 2017, arXiv:1707.00600); of equal scores an unseen class wins.
 */
export function openAccuracy(open: OpenScores, penalty = 0): OpenAccuracy {
  const choices = choicesOf(open)
  const share = (seen: boolean) => {
    const own = choices.filter(choice => choice.seen === seen)
    if (own.length === 0) return null
    return own.reduce((sum, { right, margin, weight }) => sum + (right && margin > penalty === seen ? weight : 0), 0)
  }
  return { seen: share(true), unseen: share(false) }
}

/** 2su / (s + u): high only where both are; 0 where either is, `null` where either is. */
export function harmonicMean({ seen, unseen }: OpenAccuracy): number | null {
  if (seen === null || unseen === null) return null
  return seen + unseen === 0 ? 0 : (2 * seen * unseen) / (seen + unseen)
}

/**
 * Accuracy on seen against accuracy on unseen classes as the penalty on seen ones grows from −∞, where only seen classes are answered, to ∞,
 * where only unseen ones are: every point at which an answer changes. The last `unseen` is the accuracy among unseen classes alone, the
 * first `seen` that among seen ones. Empty where there are no examples of one kind.
 */
export function seenUnseenCurve(open: OpenScores): { readonly seen: number; readonly unseen: number }[] {
  const choices = choicesOf(open).sort((a, b) => a.margin - b.margin)
  if (!choices.some(({ seen }) => seen) || choices.every(({ seen }) => seen)) return []
  const point = {
    seen: choices.reduce((sum, { seen, right, weight }) => sum + (seen && right ? weight : 0), 0),
    unseen: 0,
  }
  const curve = [{ ...point }]
  for (const [i, { margin, seen, right, weight }] of choices.entries()) {
    if (right && seen) point.seen -= weight
    if (right && !seen) point.unseen += weight
    if (choices[i + 1]?.margin !== margin) curve.push({ seen: clipped(point.seen), unseen: clipped(point.unseen) })
  }
  return curve
}

/** The area under the seen-unseen curve, by trapezoids, 0 to 1 (Chao et al. 2016, arXiv:1605.04253); `null` of an empty curve. */
export function areaUnder(curve: readonly { readonly seen: number; readonly unseen: number }[]): number | null {
  if (curve.length === 0) return null
  return curve.reduce((sum, { seen, unseen }, i) => {
    const last = curve[i - 1]
    return last ? sum + ((unseen - last.unseen) * (seen + last.seen)) / 2 : sum
  }, 0)
}

/** An example: whether its class was trained, whether the best class of its kind is right, and the best seen score less the best unseen one. */
interface Choice {
  readonly seen: boolean
  readonly right: boolean
  readonly margin: number
  /** Its part in the mean over the classes of its kind. */
  readonly weight: number
}

function choicesOf({ scores, classes, labels, seen }: OpenScores): Choice[] {
  const counts = new Map<number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const tested = (kind: boolean) => [...counts.keys()].filter(label => seen[label] === kind).length
  const kinds = { true: tested(true), false: tested(false) }
  return Array.from(labels, (label, i) => {
    const best = (kind: boolean) => {
      let found = -1
      for (let k = 0; k < classes; k++)
        if (seen[k] === kind && (found < 0 || scores[i * classes + k]! > scores[i * classes + found]!)) found = k
      return found
    }
    const [known, unknown] = [best(true), best(false)]
    const score = (k: number) => (k < 0 ? -Infinity : scores[i * classes + k]!)
    const kind = seen[label]!
    return {
      seen: kind,
      right: (kind ? known : unknown) === label,
      margin: score(known) - score(unknown),
      weight: 1 / (counts.get(label)! * kinds[`${kind}`]),
    }
  })
}

/** Without what rounding leaves below 0 and above 1. */
function clipped(value: number): number {
  return Math.min(1, Math.max(0, value))
}
