import {
  createLearner,
  definePlugin,
  Evaluator,
  Generator,
  learn,
  type Measurement,
  memorize,
  run,
  type Scenario,
  Stream,
  type Task,
  type TaskState,
  z,
} from '@lgm/core'
import { build, checkEvaluator, expectNoLeak, tinyGenerator, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { zeroShot } from './zero-shot.js'

/** Directions on a circle, for six classes. */
const attributes = Object.fromEntries(
  Array.from({ length: 6 }, (_, k) => [`class ${k}`, [Math.cos(k), Math.sin(k), 1]]),
)

checkEvaluator({ plugin: () => zeroShot({ attributes }) })

/** Class k lies about the code (k, −k, 0) / 4, also where it was never shown: a generator that knows classes from a description. */
class Described implements Generator {
  async memorize() {}
  sample(labels: Int32Array) {
    return tf.tensor2d(Array.from(labels, k => [k / 4, -k / 4, 0]))
  }
  logProbability(u: tf.Tensor, classes: number) {
    return tf.tidy(() => {
      const means = this.sample(Int32Array.from({ length: classes }, (_, k) => k))
      return u.expandDims(1).sub(means.expandDims(0)).square().sum(2).neg() as tf.Tensor2D
    })
  }
  state = () => ({ tensors: {}, values: {} })
  restore() {}
}
const described = definePlugin({
  point: Generator,
  name: 'described',
  summary: 'classes from their ids',
  options: z.strictObject({}),
  class: Described,
})

const tasks = tinyTasks({ tasks: 3, count: 8 })
const { embedder, model, plugins } = tinyModel()
const factsOf = (tasks: readonly Task[]) => ({ tasks, seconds: {}, kept: () => ({}) })
const names = (by: string) => ['seen', 'unseen', 'harmonic', 'area', 'alone'].map(name => `zero-shot-${name}/${by}`)

function figure(measurements: readonly Measurement[], name: string) {
  return measurements.find(measurement => measurement.name === name)?.value as number
}

const streamOf = (scenario: Scenario) =>
  definePlugin({
    point: Stream,
    name: 'tiny',
    summary: 'tiny tasks',
    options: z.strictObject({}),
    class: class implements Stream {
      readonly scenario = scenario
      tasks = async () => tinyTasks({ tasks: 3, scenario, count: 8 })
    },
  })()

describe('by attributes', () => {
  test('a head that is sure of known classes answers unseen ones where their attributes are the same', async () => {
    // class 2 is described as class 0 is, class 3 as none is: the head answers class 0 for everything
    const head = { kernel: tf.zeros([3, 2]), bias: tf.tensor1d([100, 0]) }
    const given = { 'class 0': [1, 0], 'class 1': [0, 1], 'class 2': [3, 0], 'class 3': [-1, 0] }
    const evaluator = build(Evaluator, zeroShot({ attributes: given }), { beside: plugins })
    const row = await evaluator.evaluate(tinyState(tasks, 0, { ...model, head }), [], factsOf(tasks.slice(0, 2)))
    expect(figure(row, 'unseen-classes')).toBe(2)
    // classes 0 and 2 have equal scores for every example: the unseen one wins; of 2 all are right, of 3 none
    // all margins are 0, so the curve goes straight from (seen 1/2, unseen 0) to (0, 1/2): a triangle
    expect(names('attributes').map(name => figure(row, name))).toEqual([0, 1 / 2, 0, 1 / 8, 1 / 2])
  })

  test('every class needs a description', async () => {
    const evaluator = build(Evaluator, zeroShot({ attributes: { 'class 0': [1] } }), { beside: plugins })
    await expect(evaluator.evaluate(tinyState(tasks, 0, model), [], factsOf(tasks))).rejects.toThrow(
      'evaluator "zero-shot": expected attributes of the class "class 1", got those of class 0; describe every class',
    )
  })

  test('in a run, there are figures while classes are to come, and means of them at the end', async () => {
    const report = async (scenario: Scenario) =>
      run(await createLearner([...plugins, streamOf(scenario), learn({ iterations: 1 }), zeroShot({ attributes })]))
    const { rows, summary } = await report('class')
    expect(rows.map(row => figure(row as Measurement[], 'unseen-classes'))).toEqual([4, 2, 0])
    expect(rows.map(row => row.length)).toEqual([6, 6, 1])
    const areas = rows.slice(0, 2).map(row => figure(row as Measurement[], 'zero-shot-area/attributes'))
    expect(figure(summary as Measurement[], 'mean-zero-shot-area/attributes')).toBe((areas[0]! + areas[1]!) / 2)
    const told = await report('task')
    expect(told.rows.map(row => row.map(({ name }) => name))).toEqual(Array(3).fill(['unseen-classes']))
    expect(told.summary).toEqual([])
  })

  test('leaves no tensor behind', async () => {
    const evaluator = build(Evaluator, zeroShot({ attributes, density: true }), { beside: [...plugins, described()] })
    await expectNoLeak(async () => void (await evaluator.evaluate(tinyState(tasks, 0, model), [], factsOf(tasks))))
  })
})

describe('by density', () => {
  const state: TaskState = tinyState(tasks, 0, model)

  test('a generator that knows classes from a description is asked for those it has not memorized', async () => {
    const evaluator = build(Evaluator, zeroShot({ density: true }), { beside: [...plugins, described()] })
    const row = await evaluator.evaluate(state, [], factsOf(tasks))
    // by hand: the nearest mean among all six, and among the four unseen
    const shares = new Map<number, { right: number; alone: number; count: number }>()
    for (const { test, classes } of tasks) {
      const x = tf.tensor2d((await test.read(Int32Array.from(test.labels.keys()))) as Float32Array, [test.count, 2])
      const codes = (embedder.embed(model.embedder, x) as tf.Tensor2D).arraySync()
      for (const id of classes) shares.set(id, { right: 0, alone: 0, count: 0 })
      for (const [i, [a, b, c]] of codes.entries()) {
        const far = (k: number) => (a! - k / 4) ** 2 + (b! + k / 4) ** 2 + c! ** 2
        const nearest = (among: number[]) => among.reduce((best, k) => (far(k) < far(best) ? k : best))
        const share = shares.get(test.labels[i]!)!
        share.count += 1
        if (nearest([0, 1, 2, 3, 4, 5]) === test.labels[i]) share.right += 1
        if (nearest([2, 3, 4, 5]) === test.labels[i]) share.alone += 1
      }
    }
    const mean = (ids: number[], of: 'right' | 'alone') =>
      ids.reduce((sum, id) => sum + shares.get(id)![of] / shares.get(id)!.count, 0) / ids.length
    expect(figure(row, 'zero-shot-seen/density')).toBeCloseTo(mean([0, 1], 'right'), 12)
    expect(figure(row, 'zero-shot-unseen/density')).toBeCloseTo(mean([2, 3, 4, 5], 'right'), 12)
    expect(figure(row, 'zero-shot-alone/density')).toBeCloseTo(mean([2, 3, 4, 5], 'alone'), 12)
    expect(mean([2, 3, 4, 5], 'alone')).toBeGreaterThan(0)
  })

  test('works in a run beside the read-outs', async () => {
    const learner = await createLearner([
      ...plugins,
      described(),
      streamOf('class'),
      learn({ iterations: 1 }),
      memorize(),
      zeroShot({ density: true }),
    ])
    const { rows, readouts } = await run(learner)
    expect(readouts).toContain('bayes')
    expect(rows[0]!.map(({ name }) => name)).toEqual(['unseen-classes', ...names('density')])
  })

  test('is refused without a generator that has one', () => {
    expect(() => build(Evaluator, zeroShot({ density: true }), { beside: [...plugins, tinyGenerator()] })).toThrow(
      'evaluator "zero-shot": expected a generator with a density, for density: true, got none; add one',
    )
  })
})

test('descriptions that do not fit are refused before a run', () => {
  expect(() => zeroShot({})).toThrow(/attributes, or density: true/)
  expect(() => zeroShot({ attributes: { a: [1, 0], b: [1] } })).toThrow(/as many attributes for each class/)
  expect(() => zeroShot({ attributes: { a: [0, 0] } })).toThrow(/not all 0/)
})
