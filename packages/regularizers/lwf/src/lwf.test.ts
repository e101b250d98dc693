import {
  type Batch,
  consolidate,
  createLearner,
  createRng,
  differentiate,
  flatten,
  learn,
  type Model,
  type Params,
  Regularizer,
  type Scenario,
  type TaskState,
} from '@lgm/core'
import {
  build,
  checkRegularizer,
  expectClose,
  finiteDifferences,
  golden,
  tinyModel,
  tinyState,
  tinyTasks,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { distillation } from './distillation.js'
import { lwf } from './lwf.js'

const within = (state: TaskState) => state
checkRegularizer({ plugin: () => lwf(), within, scenario: 'task' })
// the new classes of the student are in its softmax, so that a grown head is not at zero
checkRegularizer({ plugin: () => lwf({ strength: 2, temperature: 1 }), within, anchored: false })
checkRegularizer({ plugin: () => lwf({ strength: 0.5 }), within, scenario: 'domain' })

const { student, teacher, temperature, klBatchMeanWithoutT2, softCrossEntropyWithoutT2 } = golden.distillation
const [studentLogits, teacherLogits] = [tf.tensor2d(student), tf.tensor2d(teacher)]

/** softmax(logits / T) in plain numbers. */
function softened(logits: readonly number[], T: number): number[] {
  const powers = logits.map(logit => Math.exp(logit / T))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map(power => power / sum)
}

function kl(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, value, k) => sum + (value > 0 ? value * Math.log(value / q[k]!) : 0), 0)
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

describe('the distance of two answers', () => {
  test('is golden, and the soft cross-entropy less the entropy of the teacher', () => {
    expectClose(distillation(studentLogits, teacherLogits, temperature), [klBatchMeanWithoutT2], 1e-6)
    const entropy = mean(teacher.map(row => kl(softened(row, 2), [1, 1, 1]) * -1))
    expectClose([klBatchMeanWithoutT2], [softCrossEntropyWithoutT2 - entropy], 1e-7)
  })

  test('is zero, bit for bit, between equal answers', () => {
    expectClose(distillation(teacherLogits, teacherLogits, 3), [0], 0)
  })

  test('gives new classes a target of zero, and the student a softmax over all', () => {
    const grown = student.map((row, n) => [...row, 0.3 * n, -0.2])
    const byHand = mean(grown.map((row, n) => kl([...softened(teacher[n]!, 2), 0, 0], softened(row, 2))))
    expectClose(distillation(tf.tensor2d(grown), teacherLogits, 2), [byHand], 1e-6)
    expect(byHand).toBeGreaterThan(klBatchMeanWithoutT2)
  })

  test('within each task by itself is the mean over tasks, and does not look at new classes', () => {
    // classes 0 and 2 are of one task, class 1 is alone in another, and has no choice
    const masks = tf.tensor2d([
      [0, -1e9, 0],
      [-1e9, 0, -1e9],
    ])
    const pair = (row: readonly number[]) => softened([row[0]!, row[2]!], 2)
    const byHand = mean(student.map((row, n) => kl(pair(teacher[n]!), pair(row)))) / 2
    for (const columns of [[], [5, -7]]) {
      const grown = student.map(row => [...row, ...columns])
      expectClose(distillation(tf.tensor2d(grown), teacherLogits, 2, masks), [byHand], 1e-6)
    }
  })

  test('is differentiated rightly', () => {
    const masks = tf.tensor2d([
      [0, 0, -1e9],
      [-1e9, -1e9, 0],
    ])
    for (const mask of [undefined, masks]) {
      const grown = { student: tf.tensor2d(student.map(row => [...row, 0.4])) }
      const distance = (params: Params) => distillation(params.student as tf.Tensor2D, teacherLogits, 2, mask)
      const { gradients } = differentiate(grown, () => ({ distance: distance(grown) }))
      expectClose(gradients.student!, finiteDifferences(distance, grown).student!, 1e-4)
    }
  })

  test('times T² has, for any T, gradients of the size of those of logits at high T', () => {
    // T² · ∂KL/∂z → (z − z̄ − v + v̄) / classes / n for large T (Hinton et al. 2015, section 2.1)
    const T = 200
    const params = { student: studentLogits }
    const { gradients } = differentiate(params, () => ({
      distance: distillation(studentLogits, teacherLogits, T).mul(T ** 2) as tf.Scalar,
    }))
    const limit = student.map((row, n) =>
      row.map((z, k) => (z - mean(row) - (teacher[n]![k]! - mean(teacher[n]!))) / 3 / 2),
    )
    expectClose(gradients.student!, limit, 5e-3)
  })
})

const embedder = tinyModel().embedder
const head = tinyModel().head
const x = tf.tensor2d([
  [0.4, -1],
  [1.2, 0.3],
  [-0.7, 0.8],
])
const batch: Batch = { x, labels: tf.tensor1d([2, 3, 2], 'int32') }

/** The second of two tasks: four classes seen, two of them by the teacher; the student has moved on. */
function second(scenario: Scenario = 'class'): { state: TaskState; teacher: Model } {
  const { model } = tinyModel({ classes: 2 })
  const student = { ...tinyModel({ seed: 3 }).model, head: head.grow(model.head, 4, createRng(2)) }
  return { state: tinyState(tinyTasks({ scenario }), 1, student, scenario, model), teacher: model }
}

function begun(options: Parameters<typeof lwf>[0], state: TaskState): Regularizer {
  const regularizer = build(Regularizer, lwf(options), { beside: tinyModel().plugins })
  regularizer.begin!(state)
  return regularizer
}

function answers(model: Model): number[][] {
  return head.classify(model.head, embedder.embed(model.embedder, x)).arraySync()
}

describe('the penalty', () => {
  test('is λ T² times the distance of the answers of C(E(x)), over all seen classes where these share one softmax', () => {
    const { state, teacher } = second()
    const penalty = begun({ strength: 3, temperature: 2 }, state).penalty!(flatten(state.model), batch)
    const targets = answers(teacher).map(row => [...softened(row, 2), 0, 0])
    const byHand = mean(answers(state.model).map((row, n) => kl(targets[n]!, softened(row, 2))))
    expectClose(penalty, [3 * 4 * byHand], 1e-5)
  })

  test('is within the classes of each old task in a task-incremental stream', () => {
    const { state, teacher } = second('task')
    const penalty = begun({ strength: 3, temperature: 2 }, state).penalty!(flatten(state.model), batch)
    const old = answers(teacher)
    const byHand = mean(answers(state.model).map((row, n) => kl(softened(old[n]!, 2), softened(row.slice(0, 2), 2))))
    expectClose(penalty, [3 * 4 * byHand], 1e-5)
  })

  test('averages over the old tasks', () => {
    const tasks = tinyTasks({ tasks: 3, scenario: 'task' })
    const [teacher, student] = [tinyModel({ classes: 4, seed: 1 }).model, tinyModel({ classes: 6, seed: 2 }).model]
    const state = tinyState(tasks, 2, student, 'task', teacher)
    const penalty = begun({ strength: 1, temperature: 1 }, state).penalty!(flatten(student), batch)
    const [old, now] = [answers(teacher), answers(student)]
    const within = (from: number) =>
      mean(now.map((row, n) => kl(softened(old[n]!.slice(from, from + 2), 1), softened(row.slice(from, from + 2), 1))))
    expectClose(penalty, [(within(0) + within(2)) / 2], 1e-5)
  })

  test('of strength: tasks is N − 1 times that of strength 1', () => {
    const tasks = tinyTasks({ tasks: 4 })
    const [teacher, student] = [tinyModel({ classes: 6, seed: 1 }).model, tinyModel({ classes: 8, seed: 2 }).model]
    const state = tinyState(tasks, 3, student, 'class', teacher)
    const [one, byTasks] = ([1, 'tasks'] as const).map(strength =>
      begun({ strength }, state).penalty!(flatten(student), batch).dataSync(),
    )
    expectClose(byTasks!, [3 * one![0]!], 1e-5)
  })

  test('takes the batch for codes where the embedder is frozen', () => {
    const { state, teacher } = second()
    const frozen = { ...state, model: { ...state.model, embedder: teacher.embedder } }
    const regularizer = begun({}, frozen)
    const params = flatten(frozen.model)
    const codes = { ...batch, x: embedder.embed(teacher.embedder, x), embedded: true }
    expectClose(regularizer.penalty!(params, codes), regularizer.penalty!(params, batch).dataSync(), 1e-6)
  })

  test('does not reach the teacher', () => {
    const { state } = second()
    const regularizer = begun({}, state)
    const params = flatten(state.model)
    const { gradients } = differentiate(params, () => ({ penalty: regularizer.penalty!(params, batch) }))
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(params).sort())
    for (const gradient of Object.values(gradients)) expect(gradient.abs().sum().dataSync()[0]).toBeGreaterThan(0)
  })
})

test('in the real phases keeps answers on the first task that are lost without it, also with a frozen embedder', async () => {
  const tasks = tinyTasks({ tasks: 2, scenario: 'domain', seed: 3 })
  const accuracy = async (strength: number, frozen: boolean) => {
    const optimizer = { use: 'adam', rate: 0.05 } as const
    const learner = await createLearner([
      ...tinyModel().plugins,
      ...(strength > 0 ? [lwf({ strength })] : []),
      learn({ iterations: 60, optimizer, embedder: frozen ? 'freeze-after-first' : 'train' }),
      ...(strength > 0 ? [consolidate()] : []),
    ])
    await learner.learn(tasks[0]!)
    const before = await learner.predict(tasks[0]!.test)
    await learner.learn(tasks[1]!)
    const after = await learner.predict(tasks[0]!.test)
    await learner.dispose()
    return mean(after.labels.map((label, i) => Number(label === before.labels[i])))
  }
  for (const frozen of [false, true]) expect(await accuracy(10, frozen)).toBeGreaterThan(await accuracy(0, frozen))
})

test('a strength that is neither a number nor tasks, and a temperature of 0, are errors', () => {
  expect(() => lwf({ strength: 'task' as 'tasks' })).toThrow(/regularizer "lwf"/)
  expect(() => lwf({ temperature: 0 })).toThrow(/temperature/)
})
