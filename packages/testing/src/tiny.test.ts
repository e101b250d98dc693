import {
  addClasses,
  createRng,
  crossEntropy,
  differentiate,
  Embedder,
  flatten,
  Head,
  noClasses,
  oneHot,
  Regularizer,
  range,
  subset,
  unflatten,
  upload,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { build, composeParts } from './build.js'
import { expectClose, expectNoLeak, finiteDifferences } from './expectations.js'
import { golden } from './golden.js'
import { fromGoldenOrder, tinyModel, toGoldenOrder } from './tiny-model.js'
import { tinyState, tinyTask, tinyTasks } from './tiny-tasks.js'

const { fixture } = golden
const labels = Int32Array.from(fixture.y)

test('the tiny model with golden weights gives the golden logits, loss and gradient', () => {
  const { embedder, head, model } = tinyModel({ weights: 'golden' })
  const params = flatten(model)
  expectClose(toGoldenOrder(params), fixture.theta, 1e-7)
  const logits = (flat: typeof params) =>
    head.classify(subset(flat, 'head'), embedder.embed(subset(flat, 'embedder'), tf.tensor2d(fixture.x)))
  expectClose(logits(params), fixture.logits, 1e-6)
  const loss = (flat: typeof params) => crossEntropy(logits(flat), oneHot(labels, 2)).mean() as tf.Scalar
  const { terms, gradients } = differentiate(params, () => ({ loss: loss(params) }))
  expectClose(terms.loss!, fixture.meanCrossEntropy, 1e-6)
  expectClose(toGoldenOrder(gradients), fixture.meanGradient, 1e-6)
  const differences = finiteDifferences(loss, params)
  for (const name in gradients) expectClose(gradients[name]!, differences[name]!, 1e-4)
})

test('golden order and back is the identity', () => {
  const numbers = Array.from({ length: 17 }, (_, i) => i)
  expectClose(toGoldenOrder(fromGoldenOrder(numbers)), numbers, 0)
})

describe('the tiny model', () => {
  test('is drawn from its seed', () => {
    const numbers = (seed: number) => toGoldenOrder(flatten(tinyModel({ seed }).model))
    expect(numbers(3)).toEqual(numbers(3))
    expect(numbers(3)).not.toEqual(numbers(4))
  })

  test('grows without changing its old outputs, and leaves no tensor behind', async () => {
    const { head, model } = tinyModel()
    const u = tf.tensor2d([[0.1, -0.2, 0.3]])
    const grown = head.grow(model.head, 5, createRng(1))
    const logits = head.classify(grown, u)
    expect(logits.shape).toEqual([1, 5])
    expectClose(logits.slice([0, 0], [1, 2]), Array.from(head.classify(model.head, u).dataSync()), 0)
    await expectNoLeak(() => tf.dispose(head.grow(model.head, 5, createRng(1))))
    await expectNoLeak(() => tf.dispose(flatten(tinyModel({ weights: 'golden' }).model)))
  })
})

describe('tiny tasks', () => {
  test('have the classes of their scenario, in order of appearance', () => {
    expect(tinyTasks({ tasks: 2, classes: 3 }).map(task => task.classes)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    expect(tinyTasks({ tasks: 2, scenario: 'domain' }).map(task => task.classes)).toEqual([
      [0, 1],
      [0, 1],
    ])
    const tasks = tinyTasks({ tasks: 3 })
    expect(tasks.reduce(addClasses, noClasses('class')).taskOf).toEqual([0, 0, 1, 1, 2, 2])
  })

  test('have as many examples of each class as asked for, drawn from their seed', async () => {
    const { train, test } = tinyTask({ classes: 3, count: 7, shape: [4, 4, 1], seed: 5 })
    expect([0, 1, 2].map(label => train.labels.filter(other => other === label).length)).toEqual([7, 7, 7])
    expect(test.count).toBe(9)
    const again = tinyTask({ classes: 3, count: 7, shape: [4, 4, 1], seed: 5 }).train
    expect(await again.read(range(0, 21))).toEqual(await train.read(range(0, 21)))
    expect(await train.read(range(0, 1))).toHaveLength(16)
  })

  test('can be learned by the tiny model in a hundred steps', async () => {
    const { plugins, embedder, head, model } = tinyModel()
    const task = tinyTask()
    const { train } = task
    const x = await upload(train, range(0, train.count))
    const logits = (flat: ReturnType<typeof flatten>) =>
      head.classify(subset(flat, 'head'), embedder.embed(subset(flat, 'embedder'), x))
    const targets = oneHot(train.labels, 2)
    let params = flatten(model)
    for (let step = 0; step < 100; step++) {
      const { gradients } = differentiate(params, () => ({
        loss: crossEntropy(logits(params), targets).mean() as tf.Scalar,
      }))
      params = Object.fromEntries(
        Object.entries(params).map(([name, tensor]) => [name, tensor.sub(gradients[name]!.mul(0.5))]),
      )
    }
    const right = logits(params).argMax(1).equal(tf.tensor1d(train.labels, 'int32')).mean().dataSync()[0]!
    expect(right).toBeGreaterThan(0.95)
    expect(composeParts(plugins).one(Head)).toBeDefined()
    expect(tinyState([task], 0, unflatten(params)).seen.names).toEqual(['class 0', 'class 1'])
  })
})

test('a part is built with what stands beside it, and a missing part is undefined', () => {
  const { plugins } = tinyModel()
  expect(composeParts(plugins).one(Embedder)).toBeDefined()
  expect(composeParts(plugins).all(Regularizer)).toEqual([])
  expect(build(Head, plugins[1]!, { beside: [plugins[0]!] }).classify).toBeTypeOf('function')
})

describe('the expectations', () => {
  test('fail for a number out of tolerance, a missing number and NaN', () => {
    expectClose(tf.tensor1d([1, 2]), [1.000001, 2], 1e-5)
    expect(() => expectClose([1, 2.1], [1, 2])).toThrow(/number 1 of 2/)
    expect(() => expectClose([1], [1, 2])).toThrow(/how many/)
    expect(() => expectClose([Number.NaN], [1])).toThrow(/NaN/)
  })

  test('see a leak of one tensor', async () => {
    await expect(expectNoLeak(() => tf.scalar(1))).rejects.toThrow(/left behind/)
    await expectNoLeak(() => tf.scalar(1).dispose())
  })

  test('differentiate Σ θ³ to 3θ²', () => {
    const differences = finiteDifferences(({ a }) => a!.pow(3).sum() as tf.Scalar, { a: tf.tensor1d([1, -2]) })
    expectClose(differences.a!, [3, 12], 1e-3)
  })
})
