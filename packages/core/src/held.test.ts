import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import type { TaskState } from './contracts.js'
import { checkHeld, requireTaskHeads } from './held.js'

const before = { kernel: tf.ones([2, 3]), bias: tf.zeros([3]) }
const free = () => ({ kernel: tf.tensor1d([0, 0.5, 1]), bias: tf.ones([3]), other: tf.zeros([1]) })

test('what is held may not move by a single bit, and what is free in part may', async () => {
  const column = (k: number) => before.kernel.add(tf.oneHot(tf.tensor1d([k], 'int32'), 3).mul(1e-6))
  for (const k of [1, 2]) await checkHeld('here', before, { kernel: column(k), bias: tf.ones([3]) }, free)
  const started = tf.memory().numTensors
  const after = { ...before, kernel: column(0) }
  const made = tf.memory().numTensors
  await expect(checkHeld('here', before, after, free)).rejects.toThrow(/^here: expected what earlier tasks use.*e-7/)
  expect(tf.memory().numTensors).toBe(made)
  expect(made).toBeGreaterThan(started)
})

test('nothing held is nothing to check', async () => {
  await checkHeld('here', {}, {}, () => ({}))
  await checkHeld('here', {}, before, free)
})

test('tasks need heads of their own, and to be told', () => {
  const seen = { scenario: 'task', names: ['a', 'b'], taskOf: [0, 0] } as const
  const head = { '0/kernel': tf.ones([3, 2]), '0/bias': tf.ones([2]) }
  const state = { seen, model: { embedder: {}, head, decoder: {} } } as unknown as TaskState
  requireTaskHeads('here', state)
  const domain = { ...state, seen: { ...seen, scenario: 'domain' as const } }
  expect(() => requireTaskHeads('here', domain)).toThrow('here: expected the scenario task, got domain')
  const deep = { ...head, '1/kernel': tf.ones([2, 5]) }
  expect(() => requireTaskHeads('here', { ...state, model: { ...state.model, head: deep } })).toThrow(
    /head\/1\/kernel of shape \[2, 5\]/,
  )
})
