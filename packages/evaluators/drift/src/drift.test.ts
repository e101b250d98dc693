import {
  addClasses,
  createLearner,
  createRng,
  Decoder,
  Evaluator,
  type Learner,
  learn,
  type Measurement,
  type Model,
  memoryStore,
  noClasses,
  range,
  type Stateful,
  type Task,
  type TaskState,
} from '@lgm/core'
import {
  build,
  checkEvaluator,
  expectClose,
  expectNoLeak,
  tinyDecoder,
  tinyModel,
  tinyState,
  tinyTasks,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { drift } from './drift.js'

checkEvaluator({ plugin: () => drift() })
checkEvaluator({ plugin: () => drift({ examples: 3 }) })

const tasks = tinyTasks({ tasks: 3, count: 12 })
const { embedder, model, plugins } = tinyModel()
const names = ['drift-total-variance', 'drift-within-class-variance', 'drift-squared-norm', 'cka']

function figure(measurements: readonly Measurement[], name: string) {
  return measurements.find(measurement => measurement.name === name)?.value
}

/** The same model with another embedder. */
function withEmbedder(kernel: tf.Tensor, bias: tf.Tensor = model.embedder.bias!): Model {
  return { ...model, embedder: { kernel, bias } }
}

async function after(models: readonly Model[], evaluator = build(Evaluator, drift(), { beside: plugins })) {
  const rows: (readonly Measurement[])[] = []
  for (const [index, model] of models.entries()) rows.push(await evaluator.evaluate(tinyState(tasks, index, model), []))
  return { rows, summary: evaluator.summarize!(rows), evaluator }
}

async function codesOf(task: Task, { embedder: params }: Model): Promise<number[][]> {
  const values = await task.test.read(range(0, task.test.count))
  return (embedder.embed(params, tf.tensor(values, [task.test.count, ...task.test.shape])) as tf.Tensor2D).arraySync()
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length
const square = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)
const centre = (codes: readonly number[][]) => codes[0]!.map((_, i) => mean(codes.map(code => code[i]!)))

describe('after each task', () => {
  test('an embedder that stays has no drift and a similarity of 1, on each earlier task', async () => {
    const { rows } = await after([model, model, model])
    expect(names.map(name => figure(rows[0]!, name))).toEqual([[null], [null], [null], [null]])
    for (const name of names.slice(0, 3)) expect(figure(rows[2]!, name)).toEqual([0, 0, null])
    expectClose((figure(rows[2]!, 'cka') as number[]).slice(0, 2), [1, 1], 1e-6)
  })

  test('what has moved is held against the variances and the size of the codes as they were just after the task', async () => {
    const other = tinyModel({ seed: 5 }).model
    const { rows } = await after([model, other])
    const [was, is] = [await codesOf(tasks[0]!, model), await codesOf(tasks[0]!, other)]
    const { labels } = tasks[0]!.test
    const moved = mean(was.map((code, n) => square(code, is[n]!)))
    const ofClass = (label: number) => centre(was.filter((_, n) => labels[n] === label))
    const byHand = {
      'drift-total-variance': moved / mean(was.map(code => square(code, centre(was)))),
      'drift-within-class-variance': moved / mean(was.map((code, n) => square(code, ofClass(labels[n]!)))),
      'drift-squared-norm': moved / mean(was.map(code => square(code, [0, 0, 0]))),
    }
    for (const [name, value] of Object.entries(byHand))
      expectClose([(figure(rows[1]!, name) as number[])[0]!], [value], 1e-4 * value)
    expect((figure(rows[1]!, 'cka') as number[])[0]).toBeLessThan(0.999)
  })

  test('a turn of the code is drift, and similarity does not see it', async () => {
    // the units of the layer change places
    const turned = withEmbedder(tf.reverse(model.embedder.kernel!, 1), tf.reverse(model.embedder.bias!))
    const { rows } = await after([model, turned])
    expect((figure(rows[1]!, 'drift-total-variance') as number[])[0]).toBeGreaterThan(0.1)
    expectClose([(figure(rows[1]!, 'cka') as number[])[0]!], [1], 1e-6)
  })

  test('codes that do not vary have nothing to be held against', async () => {
    const still = withEmbedder(tf.zeros([2, 3]), tf.tensor1d([0.1, 0.2, 0.3]))
    const { rows } = await after([still, model])
    expect(names.map(name => (figure(rows[1]!, name) as unknown[])[0] === null)).toEqual([true, true, false, true])
  })

  test('a task of one example, and one without test examples, are measured as far as they can be', async () => {
    const evaluator = build(Evaluator, drift({ examples: 1 }), { beside: plugins })
    const one = await after([model, tinyModel({ seed: 5 }).model], evaluator)
    expect(names.map(name => (figure(one.rows[1]!, name) as unknown[])[0] === null)).toEqual([true, true, false, true])
    const none = { ...tasks[0]!.test, count: 0, labels: new Int32Array(0) }
    const empty = build(Evaluator, drift(), { beside: plugins })
    await empty.evaluate(tinyState([{ ...tasks[0]!, test: none }], 0, model), [])
    const row = await empty.evaluate(tinyState(tasks, 1, model), [])
    expect(names.map(name => figure(row, name))).toEqual(names.map(() => [null, null]))
  })

  test('at most as many examples are remembered as the option says, spread over the test set', async () => {
    const evaluator = build(Evaluator, drift({ examples: 4 }), { beside: plugins }) as Evaluator & Stateful
    await evaluator.evaluate(tinyState(tasks, 0, model), [])
    const { tensors } = evaluator.state()
    expect(tensors['0/inputs']!.shape).toEqual([4, 2])
    // every third of twelve
    const rows = await tasks[0]!.test.read(Int32Array.from([0, 3, 6, 9]))
    expectClose(tensors['0/inputs']!, rows, 0)
    tf.dispose(tensors)
  })
})

describe('the round trip', () => {
  const decoder = build(Decoder, tinyDecoder())
  const complete = { ...model, decoder: decoder.init([3], [2], createRng(1)) }
  const state: TaskState = tinyState(tasks, 0, complete)

  test('is Σ ‖u − E(D(u))‖² / Σ ‖u‖², on the task at hand too', async () => {
    const evaluator = build(Evaluator, drift(), { beside: [...plugins, tinyDecoder()] })
    const u = await codesOf(tasks[0]!, complete)
    const back = embedder.embed(complete.embedder, decoder.decode(complete.decoder, tf.tensor2d(u))) as tf.Tensor2D
    const returned = back.arraySync()
    const byHand = mean(u.map((code, n) => square(code, returned[n]!))) / mean(u.map(code => square(code, [0, 0, 0])))
    expectClose(figure(await evaluator.evaluate(state, []), 'round-trip-error') as number[], [byHand], 1e-5)
  })

  test('leaves no tensor behind', async () => {
    const evaluator = build(Evaluator, drift(), { beside: [...plugins, tinyDecoder()] })
    await expectNoLeak(async () => void (await evaluator.evaluate(state, [])))
  })

  test('is not there without a decoder', async () => {
    expect((await after([model])).rows[0]!.map(({ name }) => name)).toEqual(names)
  })
})

test('the summary is the mean over earlier tasks at the end, and empty after one task', async () => {
  const { rows, summary } = await after([model, tinyModel({ seed: 5 }).model, tinyModel({ seed: 6 }).model])
  expect(summary.map(({ name }) => name)).toEqual(names.map(name => `mean-${name}`))
  const [first, second] = figure(rows[2]!, 'drift-total-variance') as number[]
  expect(figure(summary, 'mean-drift-total-variance')).toBe((first! + second!) / 2)
  expect((await after([model])).summary).toEqual([])
})

test('in a real run it survives a checkpoint, and does not count as kept by the learner', async () => {
  const start = () => createLearner([...tinyModel().plugins, drift(), learn({ iterations: 5 })])
  const measure = async (learner: Learner, index: number) => {
    const { state } = await learner.learn(tasks[index]!)
    return learner.parts.one(Evaluator)!.evaluate(state, [])
  }
  const [steady, resumed] = [await start(), await start()]
  await measure(steady, 0)
  const store = memoryStore()
  await steady.save(store)
  await resumed.load(store)
  expect(Object.keys(resumed.kept())).toEqual(['embedder', 'head'])
  const row = await measure(steady, 1)
  expect(await measure(resumed, 1)).toEqual(row)
  expect((figure(row, 'drift-total-variance') as number[])[0]).toBeGreaterThan(0)
  await steady.dispose()
  await resumed.dispose()
})

test('codes of a class that comes back are those of the task, not of the class', async () => {
  const again = tinyTasks({ tasks: 2, scenario: 'domain', count: 12 })
  const evaluator = build(Evaluator, drift(), { beside: plugins })
  const seen = addClasses(noClasses('domain'), again[0]!)
  for (const [index, task] of again.entries()) {
    const row = await evaluator.evaluate({ task, model, seen, before: seen }, [])
    expect(figure(row, 'drift-total-variance')).toEqual(index === 0 ? [null] : [0, null])
  }
})

test('a mistyped option is an error', () => {
  expect(() => drift({ example: 3 } as Parameters<typeof drift>[0])).toThrow(/did you mean "examples"/)
})
