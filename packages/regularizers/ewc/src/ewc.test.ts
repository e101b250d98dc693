import {
  arrayExamples,
  convolve,
  createRng,
  definePlugin,
  dense,
  Embedder,
  flatten,
  type Params,
  Regularizer,
  type Rng,
  rows,
  type TaskState,
  uniformWeights,
  z,
} from '@lgm/core'
import {
  build,
  checkRegularizer,
  expectClose,
  finiteDifferences,
  fromGoldenOrder,
  golden,
  tinyModel,
  tinyState,
  tinyTask,
  tinyTasks,
  toGoldenOrder,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { ewc } from './ewc.js'

checkRegularizer({ plugin: () => ewc({ strength: 10 }) })
checkRegularizer({
  plugin: () => ewc({ strength: 10, mode: 'online', decay: 0.5, labels: 'sample', examples: 30, batchSize: 7 }),
})

const { fixture, fisher, ewcPenaltyAtThetaPlusDelta: goldenPenalty } = golden
type Options = Parameters<typeof ewc>[0]

function goldenState(): TaskState {
  const examples = arrayExamples(Float32Array.from(fixture.x.flat()), [2], Int32Array.from(fixture.y))
  const task = { index: 0, name: 'golden', classes: [0, 1], names: ['0', '1'], train: examples, test: examples }
  return tinyState([task], 0, tinyModel({ weights: 'golden' }).model)
}

/** EWC as it stands after these states. */
async function after(
  states: readonly TaskState[],
  options: Options,
  beside = tinyModel().plugins,
): Promise<Regularizer> {
  const regularizer = build(Regularizer, ewc(options), { beside })
  for (const state of states) await regularizer.consolidate(state)
  return regularizer
}

function penaltyAt(regularizer: Regularizer, params: Params): number {
  return regularizer.penalty!(params, { x: tf.zeros([1, 2]), labels: tf.zeros([1], 'int32') }).dataSync()[0]!
}

/** The Fisher information in golden order: the importances it keeps. */
function importances(regularizer: Regularizer): number[] {
  const { tensors } = regularizer.state()
  const names = Object.keys(tensors).filter(name => name.startsWith('importance/'))
  return toGoldenOrder(Object.fromEntries(names.map(name => [name.slice('importance/'.length), tensors[name]!])))
}

/** θ + δ, δ_k = 0.1 (−1)^k (1 + k/10). */
const moved = fromGoldenOrder(fixture.theta.map((theta, k) => theta + 0.1 * (-1) ** k * (1 + k / 10)))

describe('Fisher information', () => {
  test.each([1, 4, 500])('is golden at all labels and at the true ones, in batches of %i', async batchSize => {
    expectClose(importances(await after([goldenState()], { labels: 'all', batchSize })), fisher.all, 1e-6)
    expectClose(importances(await after([goldenState()], { labels: 'true', batchSize })), fisher.true, 1e-6)
  })

  test('at the most probable label is at the true one where all are class 0, the most probable by the golden logits', async () => {
    const state = goldenState()
    const zeros = arrayExamples(Float32Array.from(fixture.x.flat()), [2], new Int32Array(6))
    const argmax = importances(await after([state], { labels: 'argmax' }))
    expectClose(
      argmax,
      importances(await after([{ ...state, task: { ...state.task, train: zeros } }], { labels: 'true' })),
      1e-8,
    )
    expect(argmax[16]).not.toBeCloseTo(fisher.true[16]!, 2)
  })

  test('at drawn labels is in the mean that of all labels', async () => {
    // 1200 copies of the 6 examples: the standard error of the last number is about 0.05 / √7200
    const copies = 1200
    const state = goldenState()
    const many = arrayExamples(
      Float32Array.from(Array.from({ length: copies }, () => fixture.x).flat(2)),
      [2],
      new Int32Array(6 * copies),
    )
    const sampled = importances(await after([{ ...state, task: { ...state.task, train: many } }], { labels: 'sample' }))
    expectClose(sampled, fisher.all, 4e-3)
    expect(Math.max(...sampled.map((value, k) => Math.abs(value - fisher.all[k]!)))).toBeGreaterThan(0)
  })

  test('is over the classes of the own task where the scenario is task-incremental', async () => {
    const tasks = tinyTasks({ tasks: 2, scenario: 'task' })
    const state = tinyState(tasks, 1, tinyModel({ classes: 4 }).model, 'task')
    const { tensors } = (await after([state], {})).state()
    // columns 0 and 1 of the head's kernel belong to the other task
    const columns = tensors['importance/head/bias']!.dataSync()
    expectClose(columns.slice(0, 2), [0, 0], 0)
    // with two classes ∂ log p/∂b₂ = −∂ log p/∂b₃
    expect(columns[2]).toBeGreaterThan(0)
    expectClose([columns[3]!], [columns[2]!], 1e-7)
  })

  test.each(['all', 'sample', 'true', 'argmax'] as const)('at labels %s never leaves the own task', async labels => {
    const tasks = tinyTasks({ tasks: 3, scenario: 'task' })
    const { model } = tinyModel({ classes: 6 })
    // the other tasks' classes would be far more probable
    const tempting = { ...model, head: { ...model.head, bias: tf.tensor1d([50, 50, 0, 0, 50, 50]) } }
    const columnsOf = async (of: TaskState['model']) => {
      const { tensors } = (await after([{ ...tinyState(tasks, 2, of, 'task'), task: tasks[1]! }], { labels })).state()
      return Array.from(tensors['importance/head/bias']!.dataSync())
    }
    const columns = await columnsOf(tempting)
    expectClose(
      columns.filter((_, k) => k < 2 || k > 3),
      [0, 0, 0, 0],
      0,
    )
    expect(columns[2]).toBeGreaterThan(0)
    expectClose([columns[3]!], [columns[2]!], 1e-7)
    expect(await columnsOf({ ...model, head: { ...model.head, bias: tf.zeros([6]) } })).toEqual(columns)
  })

  test('is zero where a single class leaves nothing to decide', async () => {
    const state = tinyState([tinyTask({ classes: 1 })], 0, tinyModel({ classes: 1 }).model)
    const { tensors } = (await after([state], { labels: 'all' })).state()
    expectClose(tensors['importance/embedder/kernel']!, new Array(6).fill(0), 0)
  })

  test('on fewer examples is drawn by the Rng', async () => {
    const measure = async (seed: number) => {
      const regularizer = build(Regularizer, ewc({ examples: 2 }), { beside: tinyModel().plugins, seed })
      await regularizer.consolidate(goldenState())
      return importances(regularizer)
    }
    expect(await measure(1)).toEqual(await measure(1))
    expect(await measure(1)).not.toEqual(await measure(2))
  })
})

describe('the penalty', () => {
  test('is golden at θ + δ', async () => {
    for (const labels of ['all', 'true'] as const) {
      const regularizer = await after([goldenState()], { labels, strength: goldenPenalty.lambda })
      expectClose([penaltyAt(regularizer, moved)], [goldenPenalty[labels]], 1e-6)
    }
  })

  test('adds over tasks in mode separate, and costs no more tensors', async () => {
    const [first, second] = [
      goldenState(),
      { ...goldenState(), model: { ...goldenState().model, embedder: tinyModel({ seed: 4 }).model.embedder } },
    ]
    const options = { strength: 10, labels: 'true' } as const
    const apart = await Promise.all([first, second].map(async state => penaltyAt(await after([state], options), moved)))
    const both = await after([first, second], options)
    expectClose([penaltyAt(both, moved)], [apart[0]! + apart[1]!], 1e-5)
    // the other's parameters cost something at either's: the constant of the sum is kept
    expect(penaltyAt(both, flatten(first.model))).toBeGreaterThan(0)
    expectClose(
      [penaltyAt(both, flatten(first.model))],
      [penaltyAt(await after([second], options), flatten(first.model))],
      1e-5,
    )
    expect(Object.keys(both.state().tensors)).toHaveLength(2 * 4 + 1)
  })

  test('holds the newest parameters by γF + F_new in mode online', async () => {
    const options = { mode: 'online', decay: 0.25, labels: 'true', strength: 1 } as const
    const regularizer = await after([goldenState(), goldenState(), goldenState()], options)
    // F, then F/4 + F, then 5/16 F + F = 21/16 F
    expectClose(
      importances(regularizer),
      fisher.true.map(value => (21 / 16) * value),
      1e-6,
    )
    expectClose([penaltyAt(regularizer, moved)], [(21 / 16) * goldenPenalty.true], 1e-6)
    const elsewhere = { ...goldenState(), model: tinyModel({ seed: 5 }).model }
    expect(penaltyAt(await after([goldenState(), elsewhere], options), flatten(elsewhere.model))).toBe(0)
  })

  test('is proportional to the strength, and nothing at strength 0', async () => {
    const [none, one, ten] = await Promise.all(
      [0, 1, 10].map(async strength => penaltyAt(await after([goldenState()], { strength }), moved)),
    )
    expect(none).toBe(0)
    expectClose([ten!], [10 * one!], 1e-6)
  })
})

/** An embedder of tfjs's own operations, which know nothing of single examples. */
class Plain implements Embedder {
  codeShape(): readonly number[] {
    return [3]
  }
  init(_: readonly number[], rng: Rng): Params {
    return { kernel: tf.tensor2d(rng.normal(6), [2, 3]) }
  }
  embed(params: Params, x: tf.Tensor): tf.Tensor {
    return tf.matMul(x as tf.Tensor2D, params.kernel as tf.Tensor2D).tanh()
  }
}
const plain = definePlugin({
  point: Embedder,
  name: 'plain',
  summary: 'for a test',
  options: z.strictObject({}),
  class: Plain,
})

test('a network that is sure of itself passes the check of its layers, and has almost no Fisher information', async () => {
  const state = goldenState()
  const sure = { ...state.model, head: { ...state.model.head, bias: tf.tensor1d([40, -40]) } }
  const regularizer = await after([{ ...state, model: sure }], { labels: 'all' })
  expect(Math.max(...importances(regularizer))).toBeLessThan(1e-6)
})

describe('a network of other layers', () => {
  const { plugins, head, model } = tinyModel({ weights: 'golden' })
  const beside = [plain(), plugins[1]!]
  const kernel = model.embedder.kernel!
  const state: TaskState = { ...goldenState(), model: { ...model, embedder: { kernel } } }

  test('is an error that names the parameter and the remedy', async () => {
    await expect(after([state], {}, beside)).rejects.toThrow(
      /regularizer "ewc": expected layers .* at embedder\/kernel; set batchSize: 1/,
    )
  })

  test('is exact with batchSize: 1', async () => {
    const { tensors } = (await after([state], { batchSize: 1, labels: 'true' }, beside)).state()
    const logProbability = (n: number) => (params: Params) =>
      tf
        .logSoftmax(
          head.classify(model.head, tf.matMul(tf.tensor2d([fixture.x[n]!]), params.kernel as tf.Tensor2D).tanh()),
        )
        .gather(fixture.y[n]!, 1)
        .sum() as tf.Scalar
    const squares = fixture.x.map((_, n) =>
      finiteDifferences(logProbability(n), { kernel }).kernel!.map(gradient => gradient ** 2),
    )
    const mean = squares[0]!.map((_, i) => squares.reduce((sum, square) => sum + square[i]!, 0) / 6)
    expectClose(tensors['importance/embedder/kernel']!, mean, 1e-5)
  })
})

/** Images `[4, 4, 1]` → convolution(2), ReLU → 3 codes. */
class Convolutional implements Embedder {
  codeShape(): readonly number[] {
    return [3]
  }
  init(_: readonly number[], rng: Rng): Params {
    const uniform = (count: number) => rng.uniform(count)
    return {
      '0/kernel': uniformWeights([3, 3, 1, 2], 9, uniform),
      '0/bias': tf.tensor1d([0.1, 0.2]),
      'code/kernel': uniformWeights([8, 3], 8, uniform),
      'code/bias': tf.zeros([3]),
    }
  }
  embed(params: Params, x: tf.Tensor): tf.Tensor {
    const map = convolve(x, params['0/kernel']!, params['0/bias']!, 2, 'relu')
    return dense(rows(map), params['code/kernel']!, params['code/bias']!)
  }
}
const convolutional = definePlugin({
  point: Embedder,
  name: 'convolutional',
  summary: 'for a test',
  options: z.strictObject({}),
  class: Convolutional,
})

describe('a network of convolutions', () => {
  const { plugins, model } = tinyModel()
  const beside = [convolutional(), plugins[1]!]
  const embedder = build(Embedder, convolutional()).init([4, 4, 1], createRng(2))
  const state = tinyState([tinyTask({ shape: [4, 4, 1], count: 9 })], 0, { ...model, embedder })
  const measure = async (options: Options) => {
    const regularizer = build(Regularizer, ewc(options), { beside })
    await regularizer.begin!(state)
    await regularizer.consolidate(state)
    return regularizer
  }
  const kernel = (regularizer: Regularizer) => regularizer.state().tensors['importance/embedder/0/kernel']!

  test.each(['all', 'true', 'argmax'] as const)(
    'has at labels %s, in passes of any size, what single examples have',
    async labels => {
      const alone = kernel(await measure({ labels, batchSize: 1 })).dataSync()
      expect(Math.max(...alone)).toBeGreaterThan(1e-3)
      expectClose(kernel(await measure({ labels, batchSize: 7 })), alone, 1e-6)
      expectClose(kernel(await measure({ labels })), alone, 1e-6)
    },
  )

  test('is measured on as many examples as told', async () => {
    const [some, more] = [kernel(await measure({ examples: 4 })), kernel(await measure({ examples: 17 }))]
    const all = kernel(await measure({ examples: 18 })).dataSync()
    expect(Array.from(all)).toEqual(Array.from(kernel(await measure({})).dataSync()))
    expect(Array.from(some.dataSync())).not.toEqual(Array.from(more.dataSync()))
    // the mean of 17 of the 18: what the missing one has is the difference
    const missing = Array.from(all, (value, i) => 18 * value - 17 * more.dataSync()[i]!)
    expect(Math.min(...missing)).toBeGreaterThan(-1e-6)
    expect(Math.max(...missing)).toBeGreaterThan(0)
  })

  test('is held by the penalty in every filter', async () => {
    const regularizer = await measure({ strength: 2, examples: 10 })
    const at = flatten(state.model)
    const shifted = { ...at, 'embedder/0/kernel': at['embedder/0/kernel']!.add(0.5) }
    // λ/2 Σ F 0.5²
    expectClose([penaltyAt(regularizer, shifted)], [0.25 * kernel(regularizer).sum().dataSync()[0]!], 1e-6)
  })
})

test('nothing to hold, too many classes and a mistyped option are errors that name the remedy', async () => {
  const state = goldenState()
  const fixed = { ...state, model: { ...state.model, embedder: {} } }
  const begin = () => build(Regularizer, ewc({ protect: 'embedder' }), { beside: tinyModel().plugins }).begin!(fixed)
  expect(begin).toThrow(
    'regularizer "ewc": expected parameters to hold in the embedder, got none; use an embedder that learns, or protect: embedder+head',
  )
  const many = tinyState([tinyTask({ classes: 101, count: 1 })], 0, tinyModel({ classes: 101 }).model)
  await expect(after([many], {})).rejects.toThrow(
    'regularizer "ewc": expected at most 100 classes for labels: all, got 101; set labels: sample',
  )
  await after([many], { labels: 'sample' })
  expect(() => ewc({ strenght: 1 } as Options)).toThrow(/did you mean "strength"/)
})
