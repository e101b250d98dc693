import {
  type Answers,
  Evaluator,
  type Kept,
  type Measurement,
  type Params,
  type Plugin,
  type RunFacts,
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
  /** Names of figures that are read off a clock or a gauge, and need not be the same again. */
  readonly varying?: readonly string[]
  /** Where figures by class have the ids from: the answers, or the examples of tasks, whose ids stay when those of the answers change; answers. */
  readonly classesOf?: 'answers' | 'examples'
}

/**
 * What every evaluator must do: name each figure once, with unit and aggregation, and an axis where it is an array; stay within
 * bounds; give the same figures again and, up to rounding, for examples in another order, and for classes under other ids, where an
 * array whose axis is `class`, or `class × class` of some kind, turns with the ids; change neither model nor answers; leave no tensor
 * behind; and sum up the rows of one task and of several.
 *
 * @example
 * checkEvaluator({ plugin: () => accuracy() })
 */
export function checkEvaluator({
  plugin,
  beside = [],
  bounds = { fraction: [0, 1] },
  varying = [],
  classesOf = 'answers',
}: EvaluatorDescription): void {
  const start = () =>
    composeParts([...tinyModel().plugins, ...beside, plugin()])
      .all(Evaluator)
      .at(-1)!
  const steady = (measurements: readonly Measurement[]) => measurements.filter(({ name }) => !varying.includes(name))
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
        for (const { state, answers, facts } of await tinyRun(scenario))
          rows.push(await evaluator.evaluate(state, answers, facts))
        expect(rows[0]!.length + (evaluator.summarize?.(rows).length ?? 0)).toBeGreaterThan(0)
        for (const row of rows) wellFormed(row)
        wellFormed(evaluator.summarize?.(rows) ?? [])
        wellFormed(evaluator.summarize?.(rows.slice(0, 1)) ?? [])
      },
    )

    test('gives the same figures again, and changes nothing', async () => {
      const { state, answers, facts } = (await tinyRun('class')).at(-1)!
      const before = structuredClone(answers)
      const weights = numbers(state)
      const first = await start().evaluate(state, answers, facts)
      const evaluator = start()
      await evaluator.evaluate(state, answers, facts)
      expect(steady(await evaluator.evaluate(state, answers, facts))).toEqual(steady(first))
      expect(answers).toEqual(before)
      expect(numbers(state)).toEqual(weights)
    })

    test('does not care about the order of examples', async () => {
      const { state, answers, facts } = (await tinyRun('class')).at(-1)!
      const figures = await start().evaluate(state, answers, facts)
      const others = await start().evaluate(state, answers.map(reversed), facts)
      expect(steady(others).map(rounded)).toEqual(steady(figures).map(rounded))
    })

    test('does not care about the ids of classes', async () => {
      const { state, answers, facts } = (await tinyRun('class')).at(-1)!
      const figures = await start().evaluate(state, answers, facts)
      const others = await start().evaluate(relabelledState(state), answers.map(relabelled), facts)
      const alike = classesOf === 'answers' ? steady(others).map(turned) : steady(others)
      expect(alike.map(rounded)).toEqual(steady(figures).map(rounded))
    })

    test('outside a run leaves out what needs one', async () => {
      const { state, answers } = (await tinyRun('class')).at(-1)!
      const evaluator = start()
      const row = await evaluator.evaluate(state, answers)
      wellFormed(row)
      wellFormed(evaluator.summarize?.([row]) ?? [])
    })

    test('leaves no tensor behind', async () => {
      const { state, answers, facts } = (await tinyRun('class')).at(-1)!
      const evaluator = start()
      await evaluator.evaluate(state, answers, facts)
      const before = tf.memory().numTensors
      await evaluator.evaluate(state, answers, facts)
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}

/** What an evaluator sees of a run of three tasks with real tiny models, untrained: after each task its state, its answers and the facts. */
async function tinyRun(scenario: Scenario): Promise<{ state: TaskState; answers: Answers[]; facts: RunFacts }[]> {
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
      const kept = () => Object.fromEntries(Object.entries({ embedder: model.embedder, head: model.head }).map(weighed))
      return { state, answers: await Promise.all(answers), facts: { tasks, seconds: { learn: index + 0.5 }, kept } }
    }),
  )
}

function weighed([name, params]: readonly [string, Params]): [string, Kept] {
  const size = Object.values(params).reduce((sum, tensor) => sum + tensor.size, 0)
  return [name, { numbers: size, bytes: 4 * size }]
}

/** Values to nine digits, since sums depend on the order of their terms. */
function rounded({ value, ...rest }: Measurement): Measurement {
  const nine = (number: number | null) => number && Number(number.toPrecision(9))
  return { ...rest, value: typeof value === 'number' ? nine(value)! : value.map(nine) }
}

/** With arrays along classes the other way round. */
function turned(measurement: Measurement): Measurement {
  const { axis = '', value } = measurement
  return /\bclass\b/.test(axis) && typeof value !== 'number'
    ? { ...measurement, value: [...value].reverse() }
    : measurement
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
