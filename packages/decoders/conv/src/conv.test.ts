import { countNumbers, createRng, Decoder } from '@lgm/core'
import { build, checkDecoder, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { conv } from './conv.js'

checkDecoder({
  plugin: () => conv({ filters: [3, 2] }),
  refuses: [
    { code: [6], example: [20] },
    { code: [6], example: [5, 4] },
  ],
})
checkDecoder({
  plugin: () => conv({ filters: [2], kernel: 4, stride: 3, output: 'linear' }),
  code: [1, 2, 2],
  example: [7, 3, 1],
})

test('grows a digit from 7 × 7: 65 · 49 · 32 + (9 · 32 + 1) · 16 + 9 · 16 + 784 = 107,472 numbers', () => {
  const params = build(Decoder, conv()).init([64], [28, 28, 1], createRng(0))
  expect(params['map/bias']!.shape).toEqual([7, 7, 32])
  expect(countNumbers(params)).toBe(107_472)
})

test('copies each number of the map to the 2 × 2 pixels under a kernel of ones, and adds the bias of the pixel', () => {
  const decoder = build(Decoder, conv({ filters: [1], kernel: 2, output: 'linear' }))
  const params = {
    'map/kernel': tf.tensor2d([[1, 2, 3, -4]]),
    'map/bias': tf.zeros([2, 2, 1]),
    '0/kernel': tf.ones([2, 2, 1, 1]),
    '0/bias': tf.tensor3d([0, 0, 0, 0.5, 0, 0, 0, 0, 0], [3, 3, 1]),
  }
  expectClose(decoder.decode(params, tf.ones([1, 1])), [1, 1, 2, 1.5, 1, 2, 3, 3, 0], 1e-6)
})
