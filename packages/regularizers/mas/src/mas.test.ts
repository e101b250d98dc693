import {
  arrayExamples,
  definePlugin,
  dense,
  Embedder,
  flatten,
  layerNorm,
  type Params,
  Regularizer,
  type Rng,
  subset,
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
import { mas } from './mas.js'

checkRegularizer({ plugin: () => mas({ strength: 10 }) })
checkRegularizer({ plugin: () => mas({ of: 'embedding', accumulate: 0.3, examples: 30, batchSize: 7 }) })

const { fixture } = golden
type Options = Parameters<typeof mas>[0]

/** The golden task; `scale` multiplies its examples. */
function goldenState(scale = 1): TaskState {
  const examples = arrayExamples(
    Float32Array.from(fixture.x.flat(), x => scale * x),
    [2],
    Int32Array.from(fixture.y),
  )
  const task = { index: 0, name: 'golden', classes: [0, 1], names: ['0', '1'], train: examples, test: examples }
  return tinyState([task], 0, tinyModel({ weights: 'golden' }).model)
}

async function after(states: readonly TaskState[], options: Options = {}): Promise<Regularizer> {
  const regularizer = build(Regularizer, mas(options), { beside: tinyModel().plugins })
  for (const state of states) await regularizer.consolidate(state)
  return regularizer
}

const importances = (regularizer: Regularizer): Params => subset(regularizer.state().tensors, 'importance')

describe('importances', () => {
  test.each([1, 4, 500])('are golden, in batches of %i', async batchSize => {
    expectClose(toGoldenOrder(importances(await after([goldenState()], { batchSize }))), golden.mas.omega, 1e-6)
  })

  test.each(['logits', 'embedding'] as const)('of %s are those of finite differences', async of => {
    const { embedder, head, model } = tinyModel({ weights: 'golden' })
    const squaredLength = (n: number) => (params: Params) => {
      const code = embedder.embed(subset(params, 'embedder'), tf.tensor2d([fixture.x[n]!]))
      return (of === 'logits' ? head.classify(subset(params, 'head'), code) : code).square().sum() as tf.Scalar
    }
    const each = fixture.x.map((_, n) => finiteDifferences(squaredLength(n), flatten(model)))
    for (const [name, omega] of Object.entries(importances(await after([goldenState()], { of })))) {
      const mean = each[0]![name]!.map((_, i) => each.reduce((sum, one) => sum + Math.abs(one[name]![i]!), 0) / 6)
      expectClose(omega, mean, 1e-4)
      if (of === 'embedding' && name.startsWith('head/'))
        expectClose(
          omega,
          mean.map(() => 0),
          0,
        )
    }
  })

  test('do not depend on the labels', async () => {
    const state = goldenState()
    const zeros = { ...state.task.train, labels: new Int32Array(6) }
    const relabelled = { ...state, task: { ...state.task, train: zeros } }
    expect(toGoldenOrder(importances(await after([relabelled])))).toEqual(
      toGoldenOrder(importances(await after([state]))),
    )
  })

  test('are of the logits of the own task where the scenario is task-incremental', async () => {
    const { model } = tinyModel({ classes: 4 })
    const tasks = tinyTasks({ tasks: 2, scenario: 'task' })
    const bias = (regularizer: Regularizer) => Array.from(importances(regularizer)['head/bias']!.dataSync())
    const own = bias(await after([tinyState(tasks, 1, model, 'task')]))
    const all = bias(await after([tinyState(tasks, 1, model, 'class')]))
    expect(own.slice(0, 2)).toEqual([0, 0])
    expect(own.slice(2)).toEqual(all.slice(2))
    expect(Math.min(...all)).toBeGreaterThan(0)
  })
})

describe('over tasks', () => {
  // the head's bias: |∂(b + …)²/∂b| = 2 |logit|, so another example set gives another Ω
  const first = goldenState()
  const second = goldenState(3)
  const bias = async (states: readonly TaskState[], options?: Options) =>
    Array.from(importances(await after(states, options))['head/bias']!.dataSync())

  test('importances are their mean, their sum, or weighted by α', async () => {
    const [a, b] = [await bias([first]), await bias([second])]
    expect(Math.abs(a[0]! - b[0]!)).toBeGreaterThan(0.01)
    const weighted = (x: number, y: number) => a.map((value, i) => x * value + y * b[i]!)
    expectClose(await bias([first, second, second]), weighted(1 / 3, 2 / 3), 1e-6)
    expectClose(await bias([first, second, second], { accumulate: 'sum' }), weighted(1, 2), 1e-6)
    // α = ¼: a, then a/4 + 3b/4, then a/16 + 3b/16 + 3b/4
    expectClose(await bias([first, second, second], { accumulate: 0.25 }), weighted(1 / 16, 15 / 16), 1e-6)
  })

  test('the newest parameters are held, by λ/2 Σ Ω (θ − θ*)²', async () => {
    const elsewhere = { ...second, model: tinyModel({ seed: 1 }).model }
    const regularizer = await after([first, elsewhere], { strength: 6 })
    const penaltyAt = (params: Params) =>
      regularizer.penalty!(params, { x: tf.zeros([1, 2]), labels: tf.zeros([1], 'int32') }).dataSync()[0]!
    expect(penaltyAt(flatten(elsewhere.model))).toBe(0)
    const params = fromGoldenOrder(new Array(17).fill(0))
    const [theta, omega] = [toGoldenOrder(flatten(elsewhere.model)), toGoldenOrder(importances(regularizer))]
    expectClose([penaltyAt(params)], [3 * theta.reduce((sum, value, i) => sum + omega[i]! * value ** 2, 0)], 1e-5)
  })

  test('no task adds a tensor, and the count of tasks goes on after a restart', async () => {
    const whole = await after([first, first, second])
    const part = await after([first, first])
    const resumed = await after([])
    resumed.restore(part.state())
    await resumed.consolidate(second)
    expect(Object.keys(whole.state().tensors)).toHaveLength(2 * 4 + 1)
    expect(toGoldenOrder(importances(resumed))).toEqual(toGoldenOrder(importances(whole)))
  })
})

/** Codes of one length. */
class Normalized implements Embedder {
  codeShape(): readonly number[] {
    return [3]
  }
  init(_: readonly number[], rng: Rng): Params {
    return { kernel: uniformWeights([2, 3], 2, count => rng.uniform(count)), bias: tf.zeros([3]) }
  }
  embed(params: Params, x: tf.Tensor): tf.Tensor {
    return layerNorm(dense(x, params.kernel!, params.bias!))
  }
}
const normalized = definePlugin({
  point: Embedder,
  name: 'normalized',
  summary: 'for a test',
  options: z.strictObject({}),
  class: Normalized,
})

test('codes of one length are an error for of: embedding, and none for logits', async () => {
  const beside = [normalized(), tinyModel().plugins[1]!]
  const { model } = tinyModel()
  const state = tinyState([tinyTask({ spread: 2 })], 0, {
    ...model,
    embedder: { kernel: model.embedder.kernel!.mul(20), bias: model.embedder.bias! },
  })
  await expect(build(Regularizer, mas({ of: 'embedding' }), { beside }).begin!(state)).rejects.toThrow(
    /regularizer "mas": expected codes whose length depends on the example .* got a squared length of 3.00 for each; use of: logits/,
  )
  await build(Regularizer, mas({ of: 'logits' }), { beside }).begin!(state)
  await build(Regularizer, mas({ of: 'embedding' }), { beside: tinyModel().plugins }).begin!(state)
})

test('nothing to hold is an error', async () => {
  const state = goldenState()
  const regularizer = build(Regularizer, mas({ protect: 'embedder' }), { beside: tinyModel().plugins })
  await expect(regularizer.begin!({ ...state, model: { ...state.model, embedder: {} } })).rejects.toThrow(
    /regularizer "mas": expected parameters to hold in the embedder, got none/,
  )
})
