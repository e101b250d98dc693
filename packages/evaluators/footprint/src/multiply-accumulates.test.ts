import { convolve, dense } from '@lgm/core'
import { expectNoLeak } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { multiplyAccumulates } from './multiply-accumulates.js'

test('a layer takes inputs × outputs for each example, and its activation and bias nothing', () => {
  const layer = () => dense(tf.ones([3, 5]), tf.ones([5, 7]), tf.ones([7]), 'relu')
  expect(multiplyAccumulates(layer)).toBe(3 * 5 * 7)
})

test('a convolution takes one filter for each number of its output', () => {
  // 6 × 5 pixels of 2 channels, stride 2: 3 × 3 outputs of 4 filters of 3 × 3 × 2
  const map = () => convolve(tf.ones([1, 6, 5, 2]), tf.ones([3, 3, 2, 4]), tf.ones([4]), 2, 'relu')
  expect(multiplyAccumulates(map)).toBe(3 * 3 * 4 * (3 * 3 * 2))
  const plain = () => tf.conv2d(tf.ones<tf.Rank.R4>([1, 6, 5, 2]), tf.ones<tf.Rank.R4>([3, 3, 2, 4]), 1, 'valid')
  expect(multiplyAccumulates(plain)).toBe(4 * 3 * 4 * (3 * 3 * 2))
  const deep = () => tf.depthwiseConv2d(tf.ones<tf.Rank.R4>([1, 4, 4, 2]), tf.ones<tf.Rank.R4>([3, 3, 2, 1]), 1, 'same')
  expect(multiplyAccumulates(deep)).toBe(4 * 4 * 2 * 9)
})

test('a transposed convolution takes one filter for each number of its input', () => {
  // 2 × 2 pixels of 3 channels to 4 × 4 of 5
  const compute = () =>
    tf.conv2dTranspose(tf.ones<tf.Rank.R4>([1, 2, 2, 3]), tf.ones<tf.Rank.R4>([3, 3, 5, 3]), [1, 4, 4, 5], 2, 'same')
  expect(multiplyAccumulates(compute)).toBe(2 * 2 * 3 * (3 * 3 * 5))
})

test('a product takes the length of its sums, transposed or not, for each of a batch', () => {
  expect(multiplyAccumulates(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 4])))).toBe(2 * 3 * 4)
  expect(multiplyAccumulates(() => tf.matMul(tf.ones([3, 2]), tf.ones([4, 3]), true, true))).toBe(2 * 3 * 4)
  expect(multiplyAccumulates(() => tf.matMul(tf.ones([6, 2, 3]), tf.ones([6, 3, 4])))).toBe(6 * 2 * 3 * 4)
  expect(multiplyAccumulates(() => tf.ones([9]).mul(2).add(1))).toBe(0)
})

test('afterwards the engine is as before, also where the computation fails', async () => {
  const { runKernel } = tf.engine()
  expect(() =>
    multiplyAccumulates(() => {
      tf.matMul(tf.ones([2, 3]), tf.ones([3, 4]))
      throw new Error('failed')
    }),
  ).toThrow('failed')
  expect(tf.engine().runKernel).toBe(runKernel)
  await expectNoLeak(() => multiplyAccumulates(() => tf.ones([2]).add(1)))
})
