/** The class of the greatest score of each row, scores `[n, classes]` row-major → `[n]`; the first wins a tie. */
export function guessesOf(scores: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: classes === 0 ? 0 : scores.length / classes }, (_, i) => {
    let best = 0
    for (let k = 1; k < classes; k++) if (scores[i * classes + k]! > scores[i * classes + best]!) best = k
    return best
  })
}

/** The share of guesses that are right, 0 to 1; `null` of none. */
export function accuracyOf(labels: Int32Array, guesses: Int32Array): number | null {
  return share(labels, (label, i) => guesses[i] === label)
}

/**
 * The share of examples, 0 to 1, whose guessed class belongs to the task of their own class: how well the task is guessed where it is not
 * told. The accuracy of a class-incremental learner is this times its accuracy within rightly guessed tasks. `taskOf[k]` is the task of
 * class k; `null` of no example.
 */
export function taskGuessing(labels: Int32Array, guesses: Int32Array, taskOf: readonly number[]): number | null {
  return share(labels, (label, i) => taskOf[guesses[i]!] === taskOf[label])
}

/** Counts of examples, `[classes, classes]` row-major: rows are true classes, columns guessed ones. */
export function confusionMatrix(labels: Int32Array, guesses: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes * classes).fill(0)
  for (const [i, label] of labels.entries()) counts[label * classes + guesses[i]!]! += 1
  return counts
}

/** The accuracy on each class, 0 to 1, from counts `[classes, classes]` row-major; `null` for a class without examples. */
export function classAccuracies(confusion: readonly number[], classes: number): (number | null)[] {
  return Array.from({ length: classes }, (_, k) => {
    const row = confusion.slice(k * classes, (k + 1) * classes)
    const examples = row.reduce((sum, count) => sum + count, 0)
    return examples === 0 ? null : row[k]! / examples
  })
}

function share(labels: Int32Array, holds: (label: number, i: number) => boolean): number | null {
  return labels.length === 0 ? null : labels.filter(holds).length / labels.length
}
