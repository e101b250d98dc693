import {
  flatten,
  learn,
  mapParams,
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
import { rwalk } from './rwalk.js'

checkRegularizer({ plugin: () => rwalk({ strength: 10 }) })
checkRegularizer({ plugin: () => rwalk({ interval: 2, average: 0.3, damping: 0.1 }) })

type Options = Parameters<typeof rwalk>[0]

const { model } = tinyModel()
const params = flatten(model)
const start = (options?: Options) => build(Regularizer, rwalk(options), { beside: tinyModel().plugins })
const stateAt = (at: Params): TaskState => tinyState([tinyTask()], 0, unflatten(at))
const moved = (from: Params, by: number) => mapParams(from, tensor => tensor.add(by))
const filled = (value: number) => mapParams(params, tensor => tf.fill(tensor.shape, value))
const same = (value: number) => new Array(17).fill(value)
const kept = (regularizer: Regularizer, what: 'fisher' | 'score'): number[] =>
  toGoldenOrder(subset(regularizer.state().tensors, what))
const penaltyAt = (regularizer: Regularizer, at: Params): number =>
  regularizer.penalty!(at, { x: tf.zeros([1, 2]), labels: tf.zeros([1], 'int32') }).dataSync()[0]!

/** A task whose steps move every number, each by its first and along a gradient of its second. */
async function task(
  regularizer: Regularizer,
  from: Params,
  steps: readonly (readonly [by: number, gradient: number])[],
): Promise<Params> {
  let at = from
  await regularizer.begin!(stateAt(from))
  for (const [by, gradient] of steps) {
    const after = moved(at, by)
    regularizer.track!({ before: at, gradients: filled(gradient), after })
    at = after
  }
  await regularizer.consolidate(stateAt(at))
  return at
}

describe('Fisher information', () => {
  test('is the mean of g² over the first interval, then a moving average of that of each', async () => {
    const regularizer = start({ interval: 2, average: 0.75 })
    const steps = [1, 3, 2, 4, 5].map(gradient => [0, gradient] as const)
    const end = await task(regularizer, params, steps)
    // (1 + 9)/2 = 5; ¼ 5 + ¾ (4 + 16)/2 = 8.75; the last interval has one step: ¼ 8.75 + ¾ 25
    expectClose(kept(regularizer, 'fisher'), same(8.75 / 4 + 0.75 * 25), 1e-4)
    await task(regularizer, end, [[0, 2]])
    expectClose(kept(regularizer, 'fisher'), same((8.75 / 4 + 0.75 * 25) / 4 + 0.75 * 4), 1e-4)
  })

  test('is the square of the gradient where an interval is one step and the newest counts alone', async () => {
    const regularizer = start({ interval: 1, average: 1 })
    await task(regularizer, params, [
      [0, 5],
      [0, 3],
    ])
    expectClose(kept(regularizer, 'fisher'), same(9), 1e-5)
  })
})

test('a parameter without a gradient, such as those of a frozen embedder, keeps its F and s', async () => {
  const regularizer = start({ interval: 2 })
  const end = await task(regularizer, params, [[-0.1, 2]])
  const before = regularizer.state().tensors
  const trained = { ...end, 'head/bias': end['head/bias']!.add(1) }
  await regularizer.begin!(stateAt(end))
  for (const at of [end, trained, end])
    regularizer.track!({ before: at, gradients: { 'head/bias': tf.tensor1d([3, 3]) }, after: trained })
  await regularizer.consolidate(stateAt(trained))
  const after = regularizer.state().tensors
  expect(after['fisher/embedder/kernel']!.arraySync()).toEqual(before['fisher/embedder/kernel']!.arraySync())
  // (1 − 0.9)² 4 + 0.09 · 9 + 0.9 · 9
  expectClose(after['fisher/head/bias']!, [8.95, 8.95], 1e-5)
})

describe('the score', () => {
  test('of an interval is the loss saved per KL divergence of its step', async () => {
    const regularizer = start({ interval: 2, damping: 0.5 })
    // ω = 0.1 · 2 + 0.3 · 4 = 1.4, F = (4 + 16) / 2, Δθ = 0.4: 1.4 / (½ · 10 · 0.16 + 0.5)
    await task(regularizer, params, [
      [-0.1, 2],
      [-0.3, 4],
    ])
    expectClose(kept(regularizer, 'score'), same(1.4 / 1.3), 1e-5)
  })

  test('sums over intervals, without those that raised the loss, the last one however short', async () => {
    const regularizer = start({ interval: 1, average: 1, damping: 0.5 })
    const of = (by: number, gradient: number) => (-by * gradient) / (0.5 * gradient ** 2 * by ** 2 + 0.5)
    await task(regularizer, params, [
      [-0.1, 2],
      [0.5, 2],
      [-0.3, 4],
    ])
    expectClose(kept(regularizer, 'score'), same(of(-0.1, 2) + of(-0.3, 4)), 1e-5)
    const short = start({ interval: 10, damping: 0.5 })
    await task(short, params, [[-0.1, 2]])
    expectClose(kept(short, 'score'), same(of(-0.1, 2)), 1e-5)
  })

  test('is averaged with that of the tasks before', async () => {
    const regularizer = start({ interval: 1, average: 1, damping: 0.5 })
    const of = (by: number, gradient: number) => (-by * gradient) / (0.5 * gradient ** 2 * by ** 2 + 0.5)
    let end = await task(regularizer, params, [[-0.1, 2]])
    end = await task(regularizer, end, [[-0.2, 3]])
    await task(regularizer, end, [[-0.3, 1]])
    expectClose(kept(regularizer, 'score'), same(of(-0.1, 2) / 4 + of(-0.2, 3) / 4 + of(-0.3, 1) / 2), 1e-5)
  })
})

describe('the penalty', () => {
  test('is λ Σ (F̃ + s̃) (θ − θ*)², both scaled to at most 1', async () => {
    const regularizer = start({ strength: 7, interval: 1, average: 1, damping: 0.5 })
    const gradients = { ...filled(2), 'embedder/bias': tf.fill([3], 1) }
    const after = moved(params, -0.1)
    await regularizer.begin!(stateAt(params))
    regularizer.track!({ before: params, gradients, after })
    await regularizer.consolidate(stateAt(after))
    // 14 numbers with F = 4 and s = 0.2 / 0.52, the largest; 3 with F = 1 and s = 0.1 / 0.505
    const sum = 14 * (1 + 1) + 3 * (1 / 4 + 0.1 / 0.505 / (0.2 / 0.52))
    expectClose([penaltyAt(regularizer, moved(after, 0.3))], [7 * 0.3 ** 2 * sum], 1e-3)
    expect(penaltyAt(regularizer, after)).toBe(0)
  })

  test('is zero where nothing was trained', async () => {
    const regularizer = start()
    await regularizer.consolidate(stateAt(params))
    expect(penaltyAt(regularizer, moved(params, 1))).toBe(0)
  })

  test('stays what it was while the path of the next task is followed', async () => {
    const regularizer = start({ interval: 1 })
    const end = await task(regularizer, params, [[-0.1, 2]])
    const before = penaltyAt(regularizer, moved(end, 1))
    await regularizer.begin!(stateAt(end))
    regularizer.track!({ before: end, gradients: filled(9), after: moved(end, 1) })
    expect(penaltyAt(regularizer, moved(end, 1))).toBe(before)
  })
})

test('a step of training keeps no tensor, and a task only what the state holds', async () => {
  const parts = composeParts([...tinyModel().plugins, rwalk({ interval: 4 }), learn({ iterations: 30, batchSize: 8 })])
  const regularizer = parts.one(Regularizer)!
  const states = tinyTasks({ tasks: 3, scenario: 'domain' }).map((_, index, tasks) =>
    tinyState(tasks, index, tinyModel({ seed: index }).model, 'domain'),
  )
  const counts: number[] = []
  for (const state of states) {
    const given = new Set(Object.values(flatten(state.model)))
    const before = tf.memory().numTensors
    const trained = await parts.one(Phase)!.run(state)
    await regularizer.consolidate(trained)
    tf.dispose(Object.values(flatten(trained.model)).filter(tensor => !given.has(tensor)))
    counts.push(tf.memory().numTensors - before)
  }
  // θ*, F and s of 4 parameters; then nothing more
  expect(counts).toEqual([3 * 4, 0, 0])
  expect(Math.max(...kept(regularizer, 'score'))).toBeGreaterThan(0)
})
