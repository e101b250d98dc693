import {
  checkKnown,
  createLearner,
  decode,
  definePlugin,
  Evaluator,
  type Examples,
  Generator,
  learn,
  type Measurement,
  memorize,
  run,
  type State,
  type Stateful,
  Stream,
  z,
} from '@lgm/core'
import { build, checkEvaluator, tinyDecoder, tinyGenerator, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { footprint } from './footprint.js'

checkEvaluator({
  plugin: () => footprint(),
  varying: ['tensors', 'tensors-peak', 'process'].map(name => `footprint/memory/${name}`),
})

const tasks = tinyTasks({ tasks: 3, count: 4 })
const { plugins } = tinyModel()
const stream = definePlugin({
  point: Stream,
  name: 'tiny',
  summary: 'tiny tasks',
  options: z.strictObject({}),
  class: class implements Stream {
    readonly scenario = 'class'
    tasks = async () => tasks
  },
})

function figures(measurements: readonly Measurement[]) {
  return Object.fromEntries(measurements.map(({ name, value }) => [name.replace('footprint/', ''), value]))
}

test('in a run, what is kept is what the report says, against all data so far', async () => {
  const learner = await createLearner([
    ...plugins,
    tinyGenerator(),
    stream(),
    learn({ iterations: 1 }),
    memorize(),
    footprint({ bytesPerNumber: 1 }),
  ])
  const report = await run(learner)
  const rows = report.rows.map(row => figures(row as Measurement[]))
  const summary = figures(report.summary as Measurement[])
  for (const [owner, { numbers, bytes }] of Object.entries(report.kept))
    expect([rows[2]![`kept/numbers/${owner}`], rows[2]![`kept/bytes/${owner}`]]).toEqual([numbers, bytes])
  // E: 2·3 + 3, C: 4 numbers for each of two classes a task, G: means of 3 numbers
  expect(rows.map(row => row['kept/numbers'])).toEqual([1, 2, 3].map(task => 9 + 2 * task * (4 + 3)))
  expect(rows[1]!['kept/bytes']).toBe(4 * (9 + 4 * 7))
  // each task has 2 classes of 4 examples of 2 numbers
  expect(rows.map(row => row['data/numbers'])).toEqual([16, 32, 48])
  expect(rows[1]!['data/bytes']).toBe(32)
  expect([rows[1]!['share/numbers'], rows[1]!['share/bytes']]).toEqual([37 / 32, (4 * 37) / 32])
  // E: 2·3, C: 3 for each class
  expect(rows.map(row => row['multiply-accumulates/embedder'])).toEqual([6, 6, 6])
  expect(rows.map(row => row['multiply-accumulates/embedder-and-head'])).toEqual([12, 18, 24])
  for (const phase of ['learn', 'memorize'])
    expect(rows.map(row => row[`seconds/${phase}`])).toEqual(report.seconds.map(task => task[phase]))
  expect(summary['seconds/learn']).toBeCloseTo(
    report.seconds.reduce((sum, task) => sum + task.learn!, 0),
    12,
  )
  expect([summary['kept/numbers'], summary['data/numbers']]).toEqual([9 + 6 * 7, 48])
  expect(summary['memory/tensors']).toBe(Math.max(...rows.map(row => row['memory/tensors'] as number)))
  expect(Object.keys(summary)).not.toContain('kept/numbers/embedder')
  // the instrument's own memory is not the learner's
  expect(Object.keys(report.kept)).toEqual(['embedder', 'head', 'generator/tiny'])
  await learner.dispose()
})

/** Draws codes of 3 numbers by a product with as many numbers as `z` has. */
class Products implements Generator {
  #known: ReadonlySet<number> = new Set()

  async memorize({ labels }: Examples): Promise<void> {
    this.#known = new Set([...this.#known, ...labels])
  }

  sample(labels: Int32Array): tf.Tensor {
    checkKnown('generator "products"', this.#known, labels)
    return tf.tidy(() => tf.matMul(tf.ones([labels.length, 7]), tf.ones([7, 3])))
  }

  state(): State {
    return { tensors: { weight: tf.ones([7, 3]) }, values: { known: [...this.#known] } }
  }

  restore({ values }: State): void {
    this.#known = new Set(values.known as number[])
  }
}
const products = definePlugin({
  point: Generator,
  name: 'products',
  summary: 'products',
  options: z.strictObject({}),
  class: Products,
})

test('one code through D and one sample of G are counted, and the peak of training is above what is there between tasks', async () => {
  const phases = [learn({ iterations: 2 }), decode({ iterations: 2 }), memorize()]
  const learner = await createLearner([...plugins, tinyDecoder(), products(), stream(), ...phases, footprint()])
  const report = await run(learner)
  const rows = report.rows.map(row => figures(row as Measurement[]))
  // D: 3 numbers to 2, G: 7 to 3
  expect(rows.map(row => row['multiply-accumulates/decoder'])).toEqual([6, 6, 6])
  expect(rows.map(row => row['multiply-accumulates/generator-sample'])).toEqual([21, 21, 21])
  const [peak, between] = ['memory/tensors-peak', 'memory/tensors'].map(name => rows.map(row => row[name] as number))
  for (const [t, bytes] of between!.entries()) expect(peak![t]).toBeGreaterThan(bytes)
  expect(figures(report.summary as Measurement[])['memory/tensors-peak']).toBe(Math.max(...peak!))
  await learner.dispose()
})

test('memory is at least that of the model, and the process has more', async () => {
  const { model } = tinyModel()
  const evaluator = build(Evaluator, footprint(), { beside: plugins })
  const row = figures(await evaluator.evaluate(tinyState(tasks, 0, model), []))
  expect(row['memory/tensors']).toBeGreaterThanOrEqual(4 * (9 + 8))
  expect(row['memory/process']).toBeGreaterThan(10e6)
  expect(row['memory/process']).toBeLessThan(1e12)
})

test('where there is no process to ask, its memory is left out', async () => {
  const { process } = globalThis
  const evaluator = build(Evaluator, footprint(), { beside: plugins })
  try {
    Reflect.deleteProperty(globalThis, 'process')
    const row = figures(await evaluator.evaluate(tinyState(tasks, 0, tinyModel().model), []))
    expect(Object.keys(row)).toContain('memory/tensors')
    expect(Object.keys(row)).not.toContain('memory/process')
  } finally {
    globalThis.process = process
  }
})

test('after a checkpoint, data of earlier tasks still count', async () => {
  const start = () => build(Evaluator, footprint(), { beside: plugins }) as Evaluator & Stateful
  const [first, second] = [start(), start()]
  const { model } = tinyModel()
  await first.evaluate(tinyState(tasks, 0, model), [])
  second.restore(JSON.parse(JSON.stringify(first.state())))
  expect(figures(await second.evaluate(tinyState(tasks, 1, model), []))['data/numbers']).toBe(32)
  expect(figures(await start().evaluate(tinyState(tasks, 1, model), []))['data/numbers']).toBe(16)
})
