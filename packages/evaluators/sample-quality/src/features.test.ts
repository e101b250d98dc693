import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { featuresOf } from './features.js'

test('are named for their kind and their number', () => {
  const names = (shape: number[]) => [featuresOf(shape, 'dct').name, featuresOf(shape, 'raw').name]
  expect(names([28, 28, 1])).toEqual(['dct64', 'raw784'])
  expect(names([32, 32, 3])).toEqual(['dct192', 'raw3072'])
  expect(names([4, 4])).toEqual(['dct16', 'raw16'])
  // 192 over 32 channels are 6 of each; more channels than 192 have no one each
  expect(names([7, 7, 32])).toEqual(['dct192', 'raw1568'])
  expect(names([2, 2, 500])).toEqual(['raw2000', 'raw2000'])
  // vectors have no waves
  expect(names([36])).toEqual(['raw36', 'raw36'])
})

test('of a constant image are its sum over the root of its size, and zeros', () => {
  const features = featuresOf([3, 3, 1], 'dct')
  // 9 · 0.5 / √9
  expectClose(features.of(tf.fill([1, 3, 3, 1], 0.5)), [[1.5, 0, 0, 0, 0, 0, 0, 0, 0]], 1e-6)
})

test('keep distances of small images, channel by channel', () => {
  const [a, b] = [tf.randomNormal([2, 4, 3, 2], 0, 1, 'float32', 1), tf.randomNormal([2, 4, 3, 2], 0, 1, 'float32', 2)]
  const square = (x: tf.Tensor, y: tf.Tensor) => x.sub(y).reshape([2, -1]).square().sum(1)
  const features = featuresOf([4, 3, 2], 'dct')
  expectClose(square(features.of(a), features.of(b)), square(a, b).dataSync(), 1e-4)
  // the first channel alone moves the first 12 features alone
  const first = tf.concat([tf.ones([1, 4, 3, 1]), tf.zeros([1, 4, 3, 1])], 3)
  const found = features.of(first).dataSync()
  expect(Math.abs(found[0]!)).toBeGreaterThan(1)
  expectClose(found.slice(12), new Array(12).fill(0), 1e-6)
})

test('raw numbers are left as they are', () => {
  expectClose(featuresOf([2, 2], 'raw').of(tf.tensor3d([1, 2, 3, 4], [1, 2, 2])), [[1, 2, 3, 4]], 0)
})
