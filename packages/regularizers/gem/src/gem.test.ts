import { flatten, learn, type Params, Phase, Regularizer, type TaskState } from '@lgm/core'
import {
  build,
  checkRegularizer,
  composeParts,
  expectClose,
  expectNoLeak,
  golden,
  tinyDecoder,
  tinyGenerator,
  tinyModel,
  tinyState,
  tinyTasks,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { gem, mixture } from './gem.js'

checkRegularizer({ plugin: () => gem() })
checkRegularizer({ plugin: () => gem({ perClass: 3, batchSize: 4, margin: 0 }), scenario: 'domain' })
checkRegularizer({ plugin: () => gem({ protect: 'embedder' }), scenario: 'task' })

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

/** g + Mᵀv. */
function projected(gradient: readonly number[], memories: readonly (readonly number[])[], margin: number): number[] {
  const { weights = memories.map(() => 0) } = mixture(
    tf.tensor1d([...gradient]),
    tf.tensor2d(memories.map(row => [...row])),
    margin,
  )
  return gradient.map((value, i) => value + weights.reduce((sum, weight, k) => sum + weight * memories[k]![i]!, 0))
}

describe('the mixture', () => {
  test.each(golden.aGem)('with one memory and no margin is the golden projection of A-GEM, for $reference', vectors => {
    expectClose(projected(vectors.gradient, [vectors.reference], 0), vectors.projected, 1e-5)
  })

  test('with two at right angles takes away what points against each', () => {
    // g = [−1, −2, 3] against [1, 0, 0] and [0, 2, 0]: v = [1, 1]; with margin 1.5 both get more: [0.5, 1, 3]
    const memories = [
      [1, 0, 0],
      [0, 2, 0],
    ]
    expectClose(projected([-1, -2, 3], memories, 0), [0, 0, 3], 1e-5)
    expectClose(projected([-1, -2, 3], memories, 1.5), [0.5, 1, 3], 1e-5)
  })

  test('with a violated one gives the margin to the others too, and without one changes nothing', () => {
    const memories = [
      [1, 0],
      [0, 1],
    ]
    expectClose(projected([-1, 1], memories, 0), [0, 1], 1e-5)
    expectClose(projected([-1, 1], memories, 0.5), [0, 1.5], 1e-5)
    expect(mixture(tf.tensor1d([1, 1]), tf.tensor2d(memories), 0.5)).toEqual({ violated: 0 })
    expect(mixture(tf.tensor1d([-1, 1]), tf.tensor2d(memories), 0.5).violated).toBe(1)
  })

  test('is where a projection on one after the other is not', () => {
    // Taking away what points against [1, 0] and then what points against [−1, 1]/√2 ends at a point that violates the first again.
    const memories = [
      [1, 0],
      [-Math.SQRT1_2, Math.SQRT1_2],
    ]
    const [x, y] = projected([-1, -1], memories, 0)
    expect(x).toBeGreaterThan(-1e-5)
    expect(y! - x!).toBeGreaterThan(-1e-5)
    expectClose([x!, y!], [0, 0], 1e-5)
  })
})

/** GEM within the last of some tasks, on a model with the classes of all. */
async function within(options: Parameters<typeof gem>[0], count = 4) {
  const tasks = tinyTasks({ tasks: count, scenario: 'domain' })
  const { model, plugins } = tinyModel()
  const regularizer = build(Regularizer, gem(options), { beside: plugins })
  const states = tasks.map((_, index) => tinyState(tasks, index, model, 'domain'))
  for (const state of states.slice(0, -1)) await regularizer.consolidate(state)
  await regularizer.begin!(states.at(-1)!)
  return { regularizer, states, params: flatten(model) }
}

/** The gradient of the mean cross-entropy on all training examples of a task, by name. */
function gradientOn({ task }: TaskState, params: Params): Params {
  const { embedder, head } = tinyModel()
  const { count, labels, read } = task.train
  const x = tf.tensor2d(read(Int32Array.from(labels.keys())) as Float32Array, [count, 2])
  const names = Object.keys(params)
  const part = (prefix: string, tensors: tf.Tensor[]) =>
    Object.fromEntries(
      names.flatMap((name, i) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensors[i]!] as const] : [])),
    )
  const loss = (...tensors: tf.Tensor[]) =>
    tf.losses.softmaxCrossEntropy(
      tf.oneHot(tf.tensor1d(labels, 'int32'), 2),
      head.classify(part('head/', tensors), embedder.embed(part('embedder/', tensors), x)),
    ) as tf.Scalar
  const gradients = tf.grads(loss)(names.map(name => params[name]!))
  return Object.fromEntries(names.map((name, i) => [name, gradients[i]!]))
}

const numbers = (params: Params, like: Params) => Object.keys(like).flatMap(name => [...params[name]!.dataSync()])

test.each([0, 0.5])('with margin %f the projected gradient points against no task before', async margin => {
  const { regularizer, states, params } = await within({ margin })
  const memories = states.slice(0, -1).map(state => numbers(gradientOn(state, params), params))
  for (const given of [...states.map(state => gradientOn(state, params)), params])
    for (const sign of [1, -1]) {
      const gradients = Object.fromEntries(Object.entries(given).map(([name, tensor]) => [name, tensor.mul(sign)]))
      const before = numbers(gradients, params)
      const after = numbers(regularizer.project!(gradients, params), params)
      for (const memory of memories) expect(dot(after, memory)).toBeGreaterThan(-1e-5)
      if (memories.every(memory => dot(before, memory) > 0)) expect(after).toEqual(before)
    }
  const figures = regularizer.measure!()
  expect(figures.map(({ name }) => name)).toEqual([
    'regularizer/gem/violations',
    'regularizer/gem/projected',
    'regularizer/gem/violated-tasks',
  ])
  expect(figures[1]!.value).toBeGreaterThan(0)
  expect(figures[0]!.value).toBe((figures[1]!.value as number) / 10)
  expect(figures[2]!.value).toBeLessThanOrEqual(3)
})

test('with protect: embedder is over the vector of the embedder alone', async () => {
  const { regularizer, states, params } = await within({ protect: 'embedder', margin: 0 }, 2)
  const memory = gradientOn(states[0]!, params)
  const against = Object.fromEntries(Object.entries(memory).map(([name, tensor]) => [name, tensor.neg()]))
  const projected = regularizer.project!(against, params)
  for (const [name, tensor] of Object.entries(against))
    expectClose(projected[name]!, name.startsWith('head/') ? tensor.dataSync() : tensor.dataSync().map(() => 0), 1e-5)
})

test('leaves no tensor behind', async () => {
  const { regularizer, params } = await within({})
  const against = Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, tensor.neg()]))
  await expectNoLeak(() => tf.dispose(regularizer.project!(against, params) as tf.TensorContainer))
})

test('keeps the loss on the memory of every task where training without it does not', async () => {
  const tasks = tinyTasks({ tasks: 3, scenario: 'domain' })
  const train = async (plugins: Parameters<typeof composeParts>[0]) => {
    const parts = composeParts([...tinyModel().plugins, ...plugins])
    let { model } = tinyModel()
    const losses: number[][] = []
    for (const index of tasks.keys()) {
      const state = await parts.one(Phase)!.run(tinyState(tasks, index, model, 'domain', index > 0 ? model : undefined))
      for (const regularizer of parts.all(Regularizer)) await regularizer.consolidate(state)
      model = state.model
      losses.push(tasks.slice(0, 2).map(task => lossOn(task, model)))
    }
    return losses[2]!.map((loss, task) => loss - losses[task]![task]!)
  }
  const phase = learn({ iterations: 60, batchSize: 10, optimizer: { use: 'sgd', rate: 0.05 } })
  const [free, held] = [await train([phase]), await train([gem({ margin: 0 }), phase])]
  expect(Math.max(...free)).toBeGreaterThan(0.2)
  expect(Math.max(...held)).toBeLessThan(0.05)
})

function lossOn(task: TaskState['task'], model: TaskState['model']): number {
  const { embedder, head } = tinyModel()
  const { count, labels, read } = task.train
  const x = tf.tensor2d(read(Int32Array.from(labels.keys())) as Float32Array, [count, 2])
  return tf.losses
    .softmaxCrossEntropy(
      tf.oneHot(tf.tensor1d(labels, 'int32'), 2),
      head.classify(model.head, embedder.embed(model.embedder, x)),
    )
    .dataSync()[0]!
}

test('generated memory in a domain-incremental stream is an error that names the remedy', async () => {
  const beside = [...tinyModel().plugins, tinyGenerator(), tinyDecoder()]
  const regularizer = build(Regularizer, gem({ memory: 'decoded' }), { beside })
  const tasks = tinyTasks({ scenario: 'domain' })
  const state = tinyState(tasks, 1, tinyModel().model, 'domain')
  await expect(regularizer.begin!({ ...state, decodedRecall: tasks[0]!.train })).rejects.toThrow(
    'regularizer "gem": expected tasks that can be told from the classes of recall, got a domain-incremental stream; set memory: examples',
  )
})
