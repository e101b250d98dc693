import type { Measurement } from '@lgm/core'
import {
  type AccuracyMatrix,
  averageAccuracy,
  backwardTransfer,
  forgetting,
  forwardTransfer,
  intransigence,
  transferMatrix,
  worstForgetting,
} from './metrics.js'

export const onTestSet = 'mean over the test set of the task'

/** A figure of one number, if there is one. */
export function single(name: string, value: number | null, unit: string, aggregation: string): Measurement[] {
  return value === null ? [] : [{ name, value, unit, aggregation }]
}

/** What a run is compared with: bⱼ, in words too, and R*ⱼ. */
export interface Others {
  readonly baseline: readonly (number | null)[]
  readonly against: string
  readonly reference: readonly number[]
}

/** What is said of one read-out at the end, from its matrix. */
export function summaryOf(readout: string, R: AccuracyMatrix, { baseline, against, reference }: Others): Measurement[] {
  const difference = 'difference of fractions'
  const butLast = 'over all tasks but the last'
  const figures: readonly [string, number | null, string, string][] = [
    ['ACC', averageAccuracy(R), 'fraction', 'mean over tasks after the last'],
    ['BWT', backwardTransfer(R), difference, `mean ${butLast}`],
    ['FWT', forwardTransfer(R, baseline), difference, `mean over all tasks but the first, against ${against}`],
    ['forgetting', forgetting(R), difference, `mean ${butLast}, from the best`],
    ['worst-forgetting', worstForgetting(R), difference, `greatest ${butLast}, from the best`],
    ['intransigence', intransigence(R, reference), difference, 'mean over tasks, against the joint reference'],
  ]
  const matrix = (name: string, value: (number | null)[], aggregation: string): Measurement => ({
    name: `${name}/${readout}`,
    value,
    unit: 'fraction',
    axis: 'task learned × task tested, row-major',
    aggregation,
  })
  const transfer = transferMatrix(R).flat()
  return [
    ...figures.flatMap(([name, ...rest]) => single(`${name}/${readout}`, ...rest)),
    matrix(
      'accuracy-matrix',
      R.flatMap(row => R.map((_, j) => row[j] ?? null)),
      onTestSet,
    ),
    ...(transfer.some(value => value !== null)
      ? [matrix('transfer-matrix', transfer, `${onTestSet}, of tasks that were still to come`)]
      : []),
  ]
}
