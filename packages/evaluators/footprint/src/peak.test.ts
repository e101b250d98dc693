import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { markPeak, peakSince } from './peak.js'

test('counts what lived at once, though it is gone when one asks', () => {
  const mark = markPeak()
  const before = tf.memory().numBytes
  // 1000 and 500 numbers of 4 bytes at once; later 1200 alone
  tf.tidy(() => void [tf.ones([1000]), tf.ones([500])])
  tf.tidy(() => void tf.ones([1200]))
  expect(tf.memory().numBytes).toBe(before)
  expect(peakSince(mark)).toBe(before + 4 * 1500)
})

test('a later mark forgets what was before, and takes nothing from an earlier one', () => {
  const first = markPeak()
  const before = tf.memory().numBytes
  tf.tidy(() => void tf.ones([1000]))
  const second = markPeak()
  tf.tidy(() => void tf.ones([10]))
  expect([peakSince(first), peakSince(second)]).toEqual([before + 4000, before + 40])
})

test('sees the values that wait for the gradient within a step', () => {
  const w = tf.variable(tf.scalar(2))
  const x = tf.ones([1000])
  const mark = markPeak()
  const before = tf.memory().numBytes
  const { grads, value } = tf.variableGrads(() => x.mul(w).square().sum() as tf.Scalar, [w])
  // x w and its square, each of 1000 numbers, live until the gradient is known
  expect(peakSince(mark) - before).toBeGreaterThanOrEqual(4 * 2000)
  tf.dispose([w, x, value, ...Object.values(grads)])
})
