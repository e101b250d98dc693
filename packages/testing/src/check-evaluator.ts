import {
  type Answers,
  Evaluator,
  type Measurement,
  type Plugin,
  range,
  type Scenario,
  type TaskState,
  upload,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { composeParts } from './build.js'
import { tinyModel } from './tiny-model.js'
import { tinyState, tinyTasks } from './tiny-tasks.js'

/** What `checkEvaluator` is told about a plugin. */
export interface EvaluatorDescription {
  readonly plugin: () => Plugin
  /** What may stand beside it, beyond the tiny model. */
  readonly beside?: readonly Plugin[]
  /** Least and greatest value of a measurement by its unit; numbers of other units need only be finite. `fraction` is 0 to 1 unless told. */
  readonly bounds?: Readonly<Record<string, readonly [number, number]>>
}

/**
 * What every evaluator must do: name each figure once, with unit and aggregation, and an axis where it is an array; stay within
 * bounds; give the same figures again, for examples in another order, and for classes under other ids; change neither model nor
 * answers; leave no tensor behind; and sum up the rows of one task and of several.
 *
 * @example
 * checkEvaluator({ plugin: () => accuracy() })
 */
export function checkEvaluator({ plugin, beside = [], bounds = { fraction: [0, 1] } }: EvaluatorDescription): void {
  const start = () =>
    composeParts([...tinyModel().plugins, ...beside, plugin()])
      .all(Evaluator)
      .at(-1)!
  const wellFormed = (measurements: readonly Measurement[]) => {
    expect(new Set(measurements.map(({ name }) => name)).size).toBe(measurements.length)
    for (const { name, value, unit, axis, aggregation } of measurements) {
      expect(name && unit && aggregation, `name, unit and aggregation of ${name}`).toBeTruthy()
      expect(axis !== undefined, `an axis of ${name} if and only if it is an array`).toBe(typeof value !== 'number')
      const [least, greatest] = bounds[unit] ?? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
      for (const number of typeof value === 'number' ? [value] : value)
        if (number !== null)
          expect(number >= least && number <= greatest, `${name} = ${number} within [${least}, ${greatest}]`).toBe(true)
    }
  }

  describe(`evaluator "${plugin().definition.name}" conforms`, () => {
    test.each<Scenario>(['class', 'task', 'domain'])(
      'gives well-formed figures for a %s-incremental stream',
      async scenario => {
        const evaluator = start()
        const rows: (readonly Measurement[])[] = []
        for (const { state, answers } of await tinyRun(scenario)) rows.push(await evaluator.evaluate(state, answers))
        expect(rows[0]!.length + (evaluator.summarize?.(rows).length ?? 0)).toBeGreaterThan(0)
        for (const row of rows) wellFormed(row)
        wellFormed(evaluator.summarize?.(rows) ?? [])
        wellFormed(evaluator.summarize?.(rows.slice(0, 1)) ?? [])
      },
    )

    test('gives the same figures again, and changes nothing', async () => {
      const { state, answers } = (await tinyRun('class')).at(-1)!
      const before = structuredClone(answers)
      const weights = numbers(state)
      const first = await start().evaluate(state, answers)
      const evaluator = start()
      await evaluator.evaluate(state, answers)
      expect(await evaluator.evaluate(state, answers)).toEqual(first)
      expect(answers).toEqual(before)
      expect(numbers(state)).toEqual(weights)
    })

    test('does not care about the order of examples', async () => {
      const { state, answers } = (await tinyRun('class')).at(-1)!
      expect(await start().evaluate(state, answers.map(reversed))).toEqual(await start().evaluate(state, answers))
    })

    test('does not care about the ids of classes', async () => {
      const { state, answers } = (await tinyRun('class')).at(-1)!
      expect(await start().evaluate(relabelledState(state), answers.map(relabelled))).toEqual(
        await start().evaluate(state, answers),
      )
    })

    test('leaves no tensor behind', async () => {
      const { state, answers } = (await tinyRun('class')).at(-1)!
      const evaluator = start()
      await evaluator.evaluate(state, answers)
      const before = tf.memory().numTensors
      await evaluator.evaluate(state, answers)
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}

/** What an evaluator sees of a run of three tasks with real tiny models, untrained: after each task its state and its answers. */
async function tinyRun(scenario: Scenario): Promise<{ state: TaskState; answers: Answers[] }[]> {
  const tasks = tinyTasks({ tasks: 3, scenario, count: 12 })
  return Promise.all(
    tasks.map(async (_, index) => {
      const classes = scenario === 'domain' ? 2 : 2 * (index + 1)
      const { embedder, head, model } = tinyModel({ classes, seed: index })
      const state = tinyState(tasks, index, model, scenario)
      const met = tasks.filter(task => task.classes.every(id => id < classes))
      const answers = met.map(async ({ index, test }): Promise<Answers> => {
        const x = await upload(test, range(0, test.count))
        const scores = Float32Array.from(
          tf.tidy(() => tf.logSoftmax(head.classify(model.head, embedder.embed(model.embedder, x)))).dataSync(),
        )
        if (scenario === 'task')
          for (const at of scores.keys()) if (state.seen.taskOf[at % classes] !== index) scores[at] = -Infinity
        return {
          task: index,
          labels: test.labels,
          classes,
          scores: { head: scores, bayes: scores.map(score => score * 2) },
        }
      })
      return { state, answers: await Promise.all(answers) }
    }),
  )
}

function numbers({ model }: TaskState): number[][] {
  return [model.embedder, model.head].flatMap(params =>
    Object.values(params).map(tensor => Array.from(tensor.dataSync())),
  )
}

function reversed(answers: Answers): Answers {
  const rows = (scores: Float32Array) =>
    scores.map(
      (_, at) =>
        scores[
          (answers.labels.length - 1 - Math.floor(at / answers.classes)) * answers.classes + (at % answers.classes)
        ]!,
    )
  return {
    ...answers,
    labels: answers.labels.slice().reverse(),
    scores: Object.fromEntries(Object.entries(answers.scores).map(([name, scores]) => [name, rows(scores)])),
  }
}

/** Class id k becomes classes − 1 − k, in labels and in the columns of the scores. */
function relabelled(answers: Answers): Answers {
  const { classes, labels, scores } = answers
  const columns = (rows: Float32Array) =>
    rows.map((_, at) => rows[at - (at % classes) + (classes - 1 - (at % classes))]!)
  return {
    ...answers,
    labels: labels.map(label => classes - 1 - label),
    scores: Object.fromEntries(Object.entries(scores).map(([name, rows]) => [name, columns(rows)])),
  }
}

function relabelledState(state: TaskState): TaskState {
  const turned = <Value>(values: readonly Value[]) => [...values].reverse()
  const ids = (classes: readonly number[]) => classes.map(id => state.seen.names.length - 1 - id)
  const { task, seen } = state
  return {
    ...state,
    task: { ...task, classes: ids(task.classes) },
    seen: { ...seen, names: turned(seen.names), taskOf: turned(seen.taskOf) },
  }
}
