/**
 * R: `R[i][j]` is the accuracy on task j after learning task i, both 0-based, from 0 to 1; `null` or missing where task j could not be
 * asked yet, as before its classes were met. T is the number of rows.
 */
export type AccuracyMatrix = readonly (readonly (number | null | undefined)[])[]

/** ACC = meanⱼ R[T−1][j] (Lopez-Paz & Ranzato 2017, arXiv:1706.08840, eq. 2); `null` where no task can be asked. */
export function averageAccuracy(R: AccuracyMatrix): number | null {
  return mean(R.map((_, j) => at(R, R.length - 1, j)))
}

/** BWT = mean over j < T−1 of R[T−1][j] − R[j][j] (arXiv:1706.08840, eq. 3); `null` for fewer than two tasks. */
export function backwardTransfer(R: AccuracyMatrix): number | null {
  return mean(R.slice(0, -1).map((_, j) => minus(at(R, R.length - 1, j), at(R, j, j))))
}

/**
 * FWT = mean over j > 0 of R[j−1][j] − b[j], where b[j] is the accuracy of a random model on task j (arXiv:1706.08840, eq. 4);
 * `null` where no task could be asked before it was learned.
 */
export function forwardTransfer(R: AccuracyMatrix, baseline: readonly (number | null | undefined)[]): number | null {
  return mean(R.map((_, j) => minus(at(R, j - 1, j), baseline[j] ?? null)))
}

/**
 * The task-transfer matrix: R[i][j] for j > i, the accuracy on a task that is still to come, and `null` elsewhere: what FWT sums up of its
 * first diagonal, for every task and every distance.
 */
export function transferMatrix(R: AccuracyMatrix): (number | null)[][] {
  return R.map((_, i) => R.map((_, j) => (j > i ? at(R, i, j) : null)))
}

/**
 * Forgetting = mean over j < T−1 of (max over j ≤ i < T−1 of R[i][j]) − R[T−1][j], signed: negative where the last task helped
 * (Chaudhry et al. 2018, arXiv:1801.10112, section 4.1); `null` for fewer than two tasks.
 */
export function forgetting(R: AccuracyMatrix): number | null {
  return mean(forgettingByTask(R))
}

/** The greatest forgetting of any task but the last: what the mean over tasks can hide; `null` for fewer than two tasks. */
export function worstForgetting(R: AccuracyMatrix): number | null {
  const known = forgettingByTask(R).filter(value => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** For each j < T−1: (max over j ≤ i < T−1 of R[i][j]) − R[T−1][j] (arXiv:1801.10112, section 4.1). */
export function forgettingByTask(R: AccuracyMatrix): (number | null)[] {
  const last = R.length - 1
  return R.slice(0, -1).map((_, j) => {
    const known = R.slice(j, last)
      .map((_, i) => at(R, i + j, j))
      .filter(value => value !== null)
    return known.length === 0 ? null : minus(Math.max(...known), at(R, last, j))
  })
}

/**
 * Intransigence = mean over j of R*[j] − R[j][j], where R*[j] is the accuracy on task j of a reference that was trained on the data of
 * tasks 0 to j together: how much is lost because old knowledge stands in the way of new; negative where it helps (Chaudhry et al. 2018,
 * arXiv:1801.10112); `null` without tasks or references.
 */
export function intransigence(R: AccuracyMatrix, reference: readonly (number | null | undefined)[]): number | null {
  return mean(R.map((_, j) => minus(reference[j] ?? null, at(R, j, j))))
}

function at(R: AccuracyMatrix, i: number, j: number): number | null {
  return R[i]?.[j] ?? null
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b
}

/** The mean of the numbers that are there. */
export function mean(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter(value => typeof value === 'number')
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

/**
 * LCA_β = 1/(β + 1) Σ over b from 0 to β of the accuracy on a task after b training steps on it, here of one task: the area under the
 * curve `accuracies`, whose first point is that before any step (Chaudhry et al. 2019, arXiv:1812.00420, section 3.2).
 */
export function learningCurveArea(accuracies: readonly (number | null)[]): number {
  return mean(accuracies) ?? 0
}
