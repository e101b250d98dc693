import { type Answers, definePlugin, Evaluator, type Measurement, type TaskState, z } from '@lgm/core'
import { type AccuracyMatrix, averageAccuracy, backwardTransfer, forgetting, forwardTransfer, mean } from './metrics.js'

const options = z.strictObject({})

const chance = 'chance'

/**
 * Accuracy of every read-out: after each task one row of the matrix R and the mean over the tasks seen; at the end ACC, BWT, FWT,
 * forgetting and the whole matrix. A right answer has the greatest score within the softmax; the first wins a tie.
 */
class Accuracy implements Evaluator {
  evaluate(state: TaskState, answers: readonly Answers[]): readonly Measurement[] {
    const readouts = Object.keys(answers[0]?.scores ?? {})
    const tasks = Math.max(...answers.map(({ task }) => task + 1), state.task.index + 1)
    const byTask = (measure: (answers: Answers) => number | null) => {
      const row: (number | null)[] = new Array(tasks).fill(null)
      for (const answer of answers) row[answer.task] = measure(answer)
      return row
    }
    return [
      ...readouts.flatMap(readout => {
        const row = byTask(answer => accuracyOf(answer, readout))
        const seen = mean(row.slice(0, state.task.index + 1))
        return [
          {
            name: `accuracy/${readout}`,
            value: row,
            unit: 'fraction',
            axis: 'task',
            aggregation: 'mean over the test set of the task',
          },
          ...(seen === null
            ? []
            : [
                {
                  name: `accuracy-seen/${readout}`,
                  value: seen,
                  unit: 'fraction',
                  aggregation: 'mean over the tasks seen',
                },
              ]),
        ]
      }),
      {
        name: chance,
        value: byTask(answer => 1 / activeClasses(state, answer)),
        unit: 'fraction',
        axis: 'task',
        aggregation: 'one over the classes in the softmax',
      },
    ]
  }

  summarize(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
    const baseline = rows.map((_, j) => valuesOf(rows[Math.max(0, j - 1)]!, chance)[j] ?? null)
    const readouts = (rows[0] ?? [])
      .filter(({ name }) => name.startsWith('accuracy/'))
      .map(({ name }) => name.slice('accuracy/'.length))
    return readouts.flatMap(readout =>
      summaryOf(
        readout,
        rows.map(row => valuesOf(row, `accuracy/${readout}`)),
        baseline,
      ),
    )
  }
}

function summaryOf(readout: string, R: AccuracyMatrix, baseline: readonly (number | null)[]): Measurement[] {
  const figures: readonly [string, number | null, string, string][] = [
    ['ACC', averageAccuracy(R), 'fraction', 'mean over tasks after the last'],
    ['BWT', backwardTransfer(R), 'difference of fractions', 'mean over all tasks but the last'],
    [
      'FWT',
      forwardTransfer(R, baseline),
      'difference of fractions',
      'mean over all tasks but the first, against chance',
    ],
    ['forgetting', forgetting(R), 'difference of fractions', 'mean over all tasks but the last, from the best'],
  ]
  const matrix = R.flatMap(row => R.map((_, j) => row[j] ?? null))
  return [
    ...figures.flatMap(([name, value, unit, aggregation]) =>
      value === null ? [] : [{ name: `${name}/${readout}`, value, unit, aggregation }],
    ),
    {
      name: `accuracy-matrix/${readout}`,
      value: matrix,
      unit: 'fraction',
      axis: 'task learned × task tested, row-major',
      aggregation: 'mean over the test set of the task',
    },
  ]
}

/** The share of right answers, 0 to 1; `null` for an empty test set. */
function accuracyOf({ labels, classes, scores }: Answers, readout: string): number | null {
  const rows = scores[readout]!
  let right = 0
  labels.forEach((label, i) => {
    let best = 0
    for (let k = 1; k < classes; k++) if (rows[i * classes + k]! > rows[i * classes + best]!) best = k
    if (best === label) right++
  })
  return labels.length === 0 ? null : right / labels.length
}

function activeClasses({ seen }: TaskState, { task, classes }: Answers): number {
  return seen.scenario === 'task' ? seen.taskOf.filter(other => other === task).length : classes
}

function valuesOf(row: readonly Measurement[], name: string): readonly (number | null)[] {
  const value = row.find(measurement => measurement.name === name)?.value ?? []
  return typeof value === 'number' ? [value] : value
}

/**
 * Accuracy per task and over the tasks seen, by read-out; ACC, BWT, FWT, forgetting and the matrix at the end.
 *
 * @example
 * accuracy()
 */
export const accuracy = definePlugin({
  point: Evaluator,
  name: 'accuracy',
  summary: 'accuracy matrix, ACC, BWT, FWT and forgetting',
  options,
  class: Accuracy,
})
