import {
  applyMlp,
  consolidate,
  createLearner,
  definePlugin,
  Embedder,
  flatten,
  initMlp,
  type Learner,
  learn,
  memoryStore,
  type Params,
  type Plugin,
  Regularizer,
  type Rng,
  Stream,
  type Task,
  type TaskState,
  z,
} from '@lgm/core'
import { build, checkRegularizer, expectClose, tinyGenerator, tinyHead, tinyModel, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { packnet } from './packnet.js'

checkRegularizer({ plugin: () => packnet({ retrain: false, prune: 0.8 }), scenario: 'task' })

describe('after training', () => {
  const tasks = tinyTasks({ tasks: 2, scenario: 'task' })
  const { plugins, model } = tinyModel()
  const names = tasks.flatMap(task => task.names)
  const head = { kernel: tf.zeros([3, 2]), bias: tf.zeros([2]) }
  const kernel = tf.tensor2d([
    [0.1, -0.6, 0.3],
    [-0.2, 0.5, 0],
  ])
  const bias = tf.tensor1d([1, 2, 3])
  const figure = { name: 'regularizer/packnet/free', value: 1, unit: 'fraction', aggregation: '' }
  const state = (index: number, embedder: Params, trained = false): TaskState => ({
    task: tasks[index]!,
    seen: { scenario: 'task', names: names.slice(0, 2), taskOf: [0, 0] },
    before: { scenario: 'task', names: [], taskOf: [] },
    model: { ...model, head, embedder },
    ...(trained && { measurements: [figure] }),
  })
  const made = () => build(Regularizer, packnet({ prune: 0.5 }), { beside: plugins })
  const ones = { 'embedder/kernel': tf.ones([2, 3]), 'embedder/bias': tf.ones([3]), 'head/kernel': tf.ones([3, 2]) }
  const free = (packs: Regularizer) => packs.project!(ones, {})['embedder/kernel']!

  test('a task keeps the half of greatest magnitude, |−0.6|, |0.5|, |0.3|; the next a half of what it gave back', async () => {
    const packs = made()
    expect(await packs.begin!(state(0, { kernel, bias }))).toBeUndefined()
    expectClose(free(packs), [1, 1, 1, 1, 1, 1])
    const pruned = (await packs.begin!(state(0, { kernel, bias }, true)))!.model.embedder
    expectClose(pruned.kernel!, [0, -0.6, 0.3, 0, 0.5, 0])
    expect(pruned.bias).toBe(bias)
    expectClose(free(packs), [0, 1, 1, 0, 1, 0])
    expectClose(packs.project!(ones, {})['embedder/bias']!, [1, 1, 1])
    expect(packs.project!(ones, {})['head/kernel']).toBe(ones['head/kernel'])
    await packs.consolidate(state(0, pruned))

    const begun = (await packs.begin!(state(1, pruned)))!.model.embedder
    expectClose(begun.kernel!, [0, -0.6, 0.3, 0, 0.5, 0])
    expectClose(free(packs), [1, 0, 0, 1, 0, 1])
    expectClose(packs.project!(ones, {})['embedder/bias']!, [0, 0, 0])
    const learned = tf.tensor2d([
      [0.01, -0.6, 0.3],
      [0.04, 0.5, -0.03],
    ])
    const kept = (await packs.begin!(state(1, { kernel: learned, bias }, true)))!.model.embedder
    // a half of three, rounded
    expectClose(kept.kernel!, [0, -0.6, 0.3, 0.04, 0.5, -0.03])
    expectClose(free(packs), [0, 0, 0, 1, 0, 1])
    expect(packs.measure!()).toMatchObject([{ name: 'regularizer/packnet/free', value: 1 / 6 }])
    await packs.consolidate(state(1, kept))
    const params = flatten({ embedder: { kernel: learned, bias } })
    expectClose(packs.view!(params, 0)['embedder/kernel']!, [0, -0.6, 0.3, 0, 0.5, 0])
    expectClose(packs.view!(params, 1)['embedder/kernel']!, [0, -0.6, 0.3, 0.04, 0.5, -0.03])
    expect(packs.view!(params, 0)['embedder/bias']).toBe(bias)
    expect(() => packs.view!(params, 2)).toThrow('expected a task from 1 to 2, got 3')
  })

  test('a task that is begun anew, since learning it failed, claims nothing from the first attempt', async () => {
    const packs = made()
    await packs.begin!(state(0, { kernel, bias }))
    await packs.begin!(state(0, { kernel, bias }, true))
    expect(await packs.begin!(state(0, { kernel, bias }))).toBeUndefined()
    expectClose(free(packs), [1, 1, 1, 1, 1, 1])
  })

  test('a third learn phase goes on with what was kept', async () => {
    const packs = made()
    await packs.begin!(state(0, { kernel, bias }))
    const pruned = (await packs.begin!(state(0, { kernel, bias }, true)))!.model.embedder
    const again = (await packs.begin!(state(0, pruned, true)))!.model.embedder
    expect([...again.kernel!.dataSync()]).toEqual([...pruned.kernel!.dataSync()])
    expectClose(free(packs), [0, 1, 1, 0, 1, 0])
  })
})

class Chain implements Embedder {
  codeShape(): readonly number[] {
    return [4]
  }

  init(exampleShape: readonly number[], rng: Rng): Params {
    return initMlp([exampleShape[0]!, 24, 4], rng, 'relu')
  }

  embed(params: Params, x: tf.Tensor): tf.Tensor {
    return applyMlp(params, x, 'relu')
  }
}

const chain = definePlugin({
  point: Embedder,
  name: 'chain',
  summary: 'two layers, for tests',
  options: z.strictObject({}),
  class: Chain,
})

/** A stream for the scenario's sake; tasks are given by hand. */
const byHand = definePlugin({
  point: Stream,
  name: 'by-hand',
  summary: 'task-incremental, for tests',
  options: z.strictObject({}),
  class: class implements Stream {
    readonly scenario = 'task' as const
    async tasks(): Promise<readonly Task[]> {
      return []
    }
  },
})

const tasks = tinyTasks({ tasks: 3, scenario: 'task', shape: [3], spread: 0.7, seed: 2 })
const phase = (iterations: number, more: object = {}) =>
  learn({ iterations, batchSize: 16, optimizer: { rate: 0.02 }, ...more })

function learnerWith(...plugins: readonly Plugin[]): Promise<Learner> {
  return createLearner([byHand(), chain(), tinyHead(), ...plugins])
}

const packed = () => learnerWith(packnet(), phase(40), phase(20), consolidate())

/** Probabilities of the task's own classes for its test examples. */
async function probabilities(learner: Learner, task: Task): Promise<number[]> {
  const { scores, classes, labels } = await learner.answers(task)
  return Array.from(labels.keys()).flatMap(row => task.classes.map(id => Math.exp(scores.head![row * classes + id]!)))
}

/** The share of a task's test examples that are answered rightly. */
async function accuracy(learner: Learner, task: Task): Promise<number> {
  const { scores, labels, classes } = await learner.answers(task)
  const right = labels.filter((label, row) => {
    const own = scores.head!.subarray(row * classes, (row + 1) * classes)
    return own.indexOf(Math.max(...own)) === label
  })
  return right.length / labels.length
}

/** The largest change of a probability of the first two of three tasks, from when each was learned to the end. */
async function forgotten(learner: Learner): Promise<number> {
  const then: number[][] = []
  for (const task of tasks) {
    await learner.learn(task)
    then.push(await probabilities(learner, task))
  }
  const changes = await Promise.all(
    tasks
      .slice(0, 2)
      .map(async (task, k) => (await probabilities(learner, task)).map((p, i) => Math.abs(p - then[k]![i]!))),
  )
  return Math.max(...changes.flat())
}

describe('a learner', () => {
  test('answers old tasks exactly as when it had learned them, and without PackNet does not', async () => {
    const learner = await packed()
    expect(await forgotten(learner)).toBeLessThan(1e-6)
    for (const task of tasks) expect(await accuracy(learner, task)).toBeGreaterThan(0.7)
    expect(await forgotten(await learnerWith(phase(60)))).toBeGreaterThan(0.05)
  })

  test('keeps 1/4 of the free weights a task, and moves no weight that has an owner by a single bit', async () => {
    const learner = await packed()
    const before = flatten((await learner.learn(tasks[0]!)).state.model)
    const first = Object.fromEntries(Object.entries(before).map(([name, tensor]) => [name, tensor.dataSync().slice()]))
    const { model, measurements } = (await learner.learn(tasks[1]!)).state
    const second = Object.fromEntries(
      Object.entries(flatten(model)).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]),
    )
    for (const [layer, size] of [3 * 24, 24 * 4].entries()) {
      const [then, now] = [first[`embedder/${layer}/kernel`]!, second[`embedder/${layer}/kernel`]!]
      expect(then.filter(weight => weight !== 0).length).toBe(size / 4)
      expect(now.filter(weight => weight !== 0).length).toBe(size / 4 + Math.round((size * 3) / 16))
      then.forEach((weight, i) => {
        if (weight !== 0) expect(now[i]).toBe(weight)
      })
      expect(second[`embedder/${layer}/bias`]).toEqual(Array.from(first[`embedder/${layer}/bias`]!))
    }
    const free = measurements!.find(({ name }) => name === 'regularizer/packnet/free')!.value as number
    expect(free).toBeCloseTo((54 - 14 + (72 - 18)) / 168, 6)
    expect(learner.kept()['regularizer/packnet']!.numbers).toBe(3 * 24 + 24 * 4)
  })

  test('goes on from a checkpoint as if it had never stopped', async () => {
    const [steady, stopped, store] = [await packed(), await packed(), memoryStore()]
    for (const task of tasks.slice(0, 2)) await steady.learn(task)
    await steady.save(store)
    await stopped.load(store)
    for (const learner of [steady, stopped]) await learner.learn(tasks[2]!)
    for (const task of tasks) expect(await probabilities(stopped, task)).toEqual(await probabilities(steady, task))
  })

  test('keeps no other tensor than the model and the owners', async () => {
    const before = tf.memory().numTensors
    const learner = await packed()
    for (const task of tasks.slice(0, 2)) await learner.learn(task)
    expect(tf.memory().numTensors - before).toBe(6 + 2)
    await learner.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  test('is refused what PackNet cannot do, with a reason', async () => {
    const [first, second] = tasks as [Task, Task]
    const plugins = [packnet(), phase(2), phase(2), consolidate()]
    const classes = await createLearner([chain(), tinyHead(), ...plugins])
    await expect(classes.learn(first)).rejects.toThrow('expected the scenario task, got class')
    await expect(learnerWith(packnet(), tinyGenerator())).rejects.toThrow('expected no generator')
    const once = await learnerWith(packnet(), phase(2), consolidate())
    await expect(once.learn(first)).rejects.toThrow('expected two learn phases before consolidate')
    const frozen = await learnerWith(packnet(), phase(2, { embedder: 'freeze' }), consolidate())
    await expect(frozen.learn(first)).rejects.toThrow('expected an embedder that learns')
    const adamw = { optimizer: { use: 'adamw', rate: 0.02 } }
    const decayed = await learnerWith(packnet(), phase(2, adamw), phase(2, adamw), consolidate())
    await decayed.learn(first)
    await expect(decayed.learn(second)).rejects.toThrow(/what earlier tasks use to stay.*without weight decay/)
    const full = await learnerWith(packnet({ prune: 0 }), phase(2), phase(2), consolidate())
    await full.learn(first)
    await expect(full.learn(second)).rejects.toThrow('expected weights that no task owns yet, got none')
  })
})
