import {
  type Answers,
  definePlugin,
  Evaluator,
  expected,
  inject,
  type Measurement,
  Options,
  type TaskState,
  z,
} from '@lgm/core'
import { accuracyOf, classAccuracies, confusionMatrix, guessesOf, taskGuessing } from './guesses.js'
import { learningCurveArea, mean } from './metrics.js'
import { onTestSet, single, summaryOf } from './summary.js'

const options = z.strictObject({
  detail: z
    .array(z.enum(['classes', 'confusion']))
    .default([])
    .describe(
      'further arrays after each task: the accuracy on each class seen; counts of true and guessed classes, classes² numbers',
    ),
  reference: z
    .array(z.number().min(0).max(1))
    .optional()
    .describe(
      'for intransigence: by task j, the accuracy on task j of a model trained on the data of tasks 0 to j together',
    ),
  untrained: z
    .array(z.number().min(0).max(1))
    .optional()
    .describe(
      'for forward transfer: by task j, the accuracy on task j of a randomly initialized model; chance unless told',
    ),
})

const chance = 'chance'
const guessing = 'task-guessing'

/**
 * Accuracy of every read-out: after each task one row of the matrix R and the mean over the tasks seen; at the end ACC, BWT, FWT,
 * forgetting and the whole matrix. A right answer has the greatest score within the softmax; the first wins a tie.
 */
class Accuracy implements Evaluator {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) parsed: z.output<typeof options>) {
    this.#options = parsed
  }

  evaluate(state: TaskState, answers: readonly Answers[]): readonly Measurement[] {
    for (const given of ['reference', 'untrained'] as const) {
      const accuracies = this.#options[given]
      if (accuracies && accuracies.length <= state.task.index)
        throw expected(
          'evaluator "accuracy"',
          `in ${given} an accuracy for task ${state.task.index + 1}`,
          `${accuracies.length} of them`,
          'give one accuracy a task',
          'options',
        )
    }
    const readouts = Object.keys(answers[0]?.scores ?? {})
    const tasks = Math.max(...answers.map(({ task }) => task + 1), state.task.index + 1)
    const byTask = (name: string, aggregation: string, measure: (answers: Answers) => number | null): Series => {
      const value: (number | null)[] = new Array(tasks).fill(null)
      for (const answer of answers) value[answer.task] = measure(answer)
      return { name, value, unit: 'fraction', axis: 'task', aggregation }
    }
    return [
      ...readouts.flatMap(readout => {
        const guesses = new Map(answers.map(answer => [answer, guessesOf(answer.scores[readout]!, answer.classes)]))
        const row = byTask(`accuracy/${readout}`, onTestSet, answer => accuracyOf(answer.labels, guesses.get(answer)!))
        const rightTask = (answer: Answers) => taskGuessing(answer.labels, guesses.get(answer)!, state.seen.taskOf)
        return [
          row,
          ...single(
            `accuracy-seen/${readout}`,
            mean(row.value.slice(0, state.task.index + 1)),
            'fraction',
            'mean over the tasks seen',
          ),
          ...(state.seen.scenario === 'class' ? [byTask(`${guessing}/${readout}`, onTestSet, rightTask)] : []),
          ...this.#byClass(readout, state, guesses),
        ]
      }),
      byTask(chance, 'one over the classes in the softmax', answer => 1 / activeClasses(state, answer)),
      ...(state.measurements ?? []).filter(({ name }) => name.endsWith('/early-accuracy')).map(learningCurve),
    ]
  }

  /** Over the test sets of the tasks learned. */
  #byClass(readout: string, { task, seen }: TaskState, guesses: ReadonlyMap<Answers, Int32Array>): Measurement[] {
    const { detail } = this.#options
    if (detail.length === 0) return []
    const learned = [...guesses].filter(([answer]) => answer.task <= task.index)
    const joined = (arrays: readonly Int32Array[]) => Int32Array.from(arrays.flatMap(array => [...array]))
    const classes = seen.names.length
    const counts = confusionMatrix(
      joined(learned.map(([{ labels }]) => labels)),
      joined(learned.map(([, guess]) => guess)),
      classes,
    )
    const figures: Record<(typeof detail)[number], Measurement> = {
      classes: {
        name: `class-accuracy/${readout}`,
        value: classAccuracies(counts, classes),
        unit: 'fraction',
        axis: 'class',
        aggregation: 'mean over test examples of the class, in all tasks learned',
      },
      confusion: {
        name: `confusion/${readout}`,
        value: counts,
        unit: 'examples',
        axis: 'true class × guessed class, row-major',
        aggregation: 'count over the test sets of all tasks learned',
      },
    }
    return [...new Set(detail)].map(what => figures[what])
  }

  summarize(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
    const { untrained, reference = [] } = this.#options
    const baseline = untrained ?? rows.map((_, j) => valuesOf(rows[Math.max(0, j - 1)]!, chance)[j] ?? null)
    const against = untrained ? 'an untrained model' : 'chance'
    const readouts = (rows[0] ?? [])
      .filter(({ name }) => name.startsWith('accuracy/'))
      .map(({ name }) => name.slice('accuracy/'.length))
    const areas = rows.flatMap(row => valuesOf(row, 'learning-curve-area'))
    const lca = single('LCA', mean(areas), 'fraction', 'mean over tasks of the area under the early learning curve')
    const figures = readouts.flatMap(readout => {
      const R = rows.map(row => valuesOf(row, `accuracy/${readout}`))
      const learned = valuesOf(rows.at(-1)!, `${guessing}/${readout}`).slice(0, rows.length)
      return [
        ...summaryOf(readout, R, { baseline, against, reference }),
        ...single(`mean-${guessing}/${readout}`, mean(learned), 'fraction', 'mean over tasks after the last'),
      ]
    })
    return [...figures, ...lca]
  }
}

/** The area under a curve of early accuracies, in the place of the curve. */
function learningCurve({ value }: Measurement): Measurement {
  const curve = [value].flat()
  const aggregation = `mean accuracy on the task after 0 to ${curve.length - 1} training steps on it`
  return { name: 'learning-curve-area', value: learningCurveArea(curve), unit: 'fraction', aggregation }
}

type Series = Measurement & { readonly value: readonly (number | null)[] }

function activeClasses({ seen }: TaskState, { task, classes }: Answers): number {
  return seen.scenario === 'task' ? seen.taskOf.filter(other => other === task).length : classes
}

function valuesOf(row: readonly Measurement[], name: string): readonly (number | null)[] {
  const value = row.find(measurement => measurement.name === name)?.value ?? []
  return typeof value === 'number' ? [value] : value
}

/**
 * Accuracy per task and over the tasks seen, by read-out; ACC, BWT, FWT, mean and worst forgetting and the matrix at the end; where the
 * task is not told, how well it is guessed. On demand, accuracy on each class, confusion, and intransigence against a joint reference.
 *
 * @throws LgmError `options` at a task for which the reference has no number.
 * @example
 * accuracy({ detail: ['classes', 'confusion'], reference: [0.998, 0.991, 0.985, 0.98, 0.978] })
 */
export const accuracy = definePlugin({
  point: Evaluator,
  name: 'accuracy',
  summary: 'accuracy matrix, ACC, BWT, FWT, forgetting and what they come from',
  options,
  class: Accuracy,
})
