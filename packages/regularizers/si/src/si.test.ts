import {
  createTrainer,
  flatten,
  learn,
  mapParams,
  optimizerOptions,
  type Params,
  Phase,
  Regularizer,
  subset,
  type TaskState,
  unflatten,
} from '@lgm/core'
import {
  build,
  checkRegularizer,
  composeParts,
  expectClose,
  tinyModel,
  tinyState,
  tinyTask,
  tinyTasks,
  toGoldenOrder,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { si } from './si.js'

checkRegularizer({ plugin: () => si({ strength: 10 }) })
checkRegularizer({ plugin: () => si({ damping: 1e-3, negative: 'keep' }) })

type Options = Parameters<typeof si>[0]

const { model } = tinyModel()
const params = flatten(model)
const start = (options?: Options) => build(Regularizer, si(options), { beside: tinyModel().plugins })
const stateAt = (at: Params): TaskState => tinyState([tinyTask()], 0, unflatten(at))
const moved = (from: Params, by: number) => mapParams(from, tensor => tensor.add(by))
const filled = (value: number) => mapParams(params, tensor => tf.fill(tensor.shape, value))
const importances = (regularizer: Regularizer): number[] =>
  toGoldenOrder(subset(regularizer.state().tensors, 'importance'))
const penaltyAt = (regularizer: Regularizer, at: Params): number =>
  regularizer.penalty!(at, { x: tf.zeros([1, 2]), labels: tf.zeros([1], 'int32') }).dataSync()[0]!

/** A task in which every number moves by `by` along a gradient of `gradient`, in one step. */
async function task(regularizer: Regularizer, from: Params, by: number, gradient: number): Promise<Params> {
  const after = moved(from, by)
  await regularizer.begin!(stateAt(from))
  regularizer.track!({ before: from, gradients: filled(gradient), after })
  await regularizer.consolidate(stateAt(after))
  return after
}

describe('the path', () => {
  test('of a quadratic loss in tiny steps of SGD has as much ω as the loss fell', async () => {
    const regularizer = start({ damping: 0.5 })
    await regularizer.begin!(stateAt(params))
    const lossAt = (at: Params) =>
      tf.addN(
        Object.values(at).map((tensor, i) =>
          tensor
            .sub(0.3)
            .square()
            .sum()
            .mul(i + 1),
        ),
      ) as tf.Scalar
    const end = await createTrainer({ emit: () => undefined }).fit({
      name: 'quadratic',
      params,
      iterations: 200,
      optimizer: optimizerOptions.parse({ use: 'sgd', rate: 1e-3, momentum: 0 }),
      batch: () => ({}),
      loss: at => ({ loss: lossAt(at) }),
      penalties: { other: at => tf.addN(Object.values(at).map(tensor => tensor.sum())) as tf.Scalar },
      track: update => regularizer.track!(update),
    })
    await regularizer.consolidate(stateAt(end))
    const [from, to] = [toGoldenOrder(params), toGoldenOrder(end)]
    const work = importances(regularizer).map((omega, i) => omega * ((to[i]! - from[i]!) ** 2 + 0.5))
    const sum = work.reduce((total, value) => total + value, 0)
    const decrease = lossAt(params).dataSync()[0]! - lossAt(end).dataSync()[0]!
    expect(decrease).toBeGreaterThan(1)
    expectClose([sum / decrease], [1], 0.01)
  })

  test('of one number is what its geometric series says', async () => {
    // loss ½θ², g = θ, rate η: θₖ = (1 − η)ᵏ, ω = Σ η θₖ² = (1 − (1 − η)²ᴷ) / (2 − η), Δ = 1 − (1 − η)ᴷ
    const [rate, steps] = [0.1, 10]
    const regularizer = start({ damping: 0.1 })
    let at = filled(1)
    await regularizer.begin!(stateAt(at))
    for (let step = 0; step < steps; step++) {
      const after = mapParams(at, tensor => tensor.mul(1 - rate))
      regularizer.track!({ before: at, gradients: at, after })
      at = after
    }
    await regularizer.consolidate(stateAt(at))
    const work = (1 - (1 - rate) ** (2 * steps)) / (2 - rate)
    const omega = work / ((1 - (1 - rate) ** steps) ** 2 + 0.1)
    expectClose(importances(regularizer), new Array(17).fill(omega), 1e-5)
  })

  test('is followed from begin to consolidate only', async () => {
    const regularizer = start()
    const update = { before: params, gradients: filled(-1), after: moved(params, 1) }
    regularizer.track!(update)
    await task(regularizer, params, 1, -1)
    const once = importances(regularizer)
    regularizer.track!(update)
    await task(regularizer, params, 0, 0)
    expect(importances(regularizer)).toEqual(once)
  })

  test('leaves out parameters that have no gradient or are not protected', async () => {
    const regularizer = start({ protect: 'embedder' })
    const after = moved(params, 1)
    await regularizer.begin!(stateAt(params))
    const { 'embedder/kernel': _, ...gradients } = filled(-1)
    regularizer.track!({ before: params, gradients, after })
    await regularizer.consolidate(stateAt(after))
    const { tensors } = regularizer.state()
    expectClose(tensors['importance/embedder/kernel']!, new Array(6).fill(0), 0)
    expectClose(tensors['importance/embedder/bias']!, new Array(3).fill(1 / 1.1), 1e-6)
    expect(tensors['importance/head/bias']).toBeUndefined()
  })
})

describe('the penalty', () => {
  test('is c Σ Ω (θ − θ*)², without a half', async () => {
    const regularizer = start({ strength: 7, damping: 0.1 })
    // ω = −(−2 · 0.5) = 1, Ω = 1 / (0.5² + 0.1)
    const end = await task(regularizer, params, 0.5, -2)
    expectClose(importances(regularizer), new Array(17).fill(1 / 0.35), 1e-5)
    expectClose([penaltyAt(regularizer, moved(end, 0.2))], [(7 * 17 * 0.2 ** 2) / 0.35], 1e-4)
  })

  test('adds the Ω of tasks, and holds the newest parameters', async () => {
    const regularizer = start({ damping: 0.1 })
    const end = await task(regularizer, await task(regularizer, params, 0.5, -2), 1, -3)
    expectClose(importances(regularizer), new Array(17).fill(1 / 0.35 + 3 / 1.1), 1e-5)
    expect(penaltyAt(regularizer, end)).toBe(0)
  })

  test.each([
    // each number moves by 0.5 along a gradient of ±2: ω = −(±2 · 0.5), Ω = ∓1 / (0.5² + 0.1)
    ['clip', -2, 2, 0],
    ['keep', -2, 2, 0],
    ['clip', 2, -2, 1 / 0.35],
    ['keep', 2, -2, 0],
    ['keep', 2, 2, -2 / 0.35],
    ['clip', 2, 2, 0],
  ] as const)('can %s a sum of Ω below zero, after gradients %f and %f', async (negative, first, second, omega) => {
    const regularizer = start({ damping: 0.1, negative })
    await task(regularizer, await task(regularizer, params, 0.5, first), 0.5, second)
    expectClose(importances(regularizer), new Array(17).fill(omega), 1e-5)
  })
})

test('a step of training keeps no tensor, and a task only what the state holds', async () => {
  const parts = composeParts([
    ...tinyModel().plugins,
    si(),
    learn({ iterations: 30, batchSize: 8, optimizer: { use: 'sgd', rate: 0.05 } }),
  ])
  const regularizer = parts.one(Regularizer)!
  const states = tinyTasks({ tasks: 3, scenario: 'domain' }).map((_, index, tasks) =>
    tinyState(tasks, index, tinyModel({ seed: index }).model, 'domain'),
  )
  const counts: number[] = []
  for (const state of states) {
    const before = tf.memory().numTensors
    const trained = await parts.one(Phase)!.run(state)
    await regularizer.consolidate(trained)
    tf.dispose(
      Object.values(flatten(trained.model)).filter(tensor => !Object.values(flatten(state.model)).includes(tensor)),
    )
    counts.push(tf.memory().numTensors - before)
  }
  // anchors and importances of 4 parameters, and a constant; then nothing more
  expect(counts).toEqual([2 * 4 + 1, 0, 0])
  expect(Math.max(...importances(regularizer))).toBeGreaterThan(0)
})
