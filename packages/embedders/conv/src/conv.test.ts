import { countNumbers, createRng, Embedder } from '@lgm/core'
import { build, checkEmbedder, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { conv } from './conv.js'

checkEmbedder({ plugin: () => conv({ filters: [3, 2], codes: 4 }), refuses: [[20], [5, 4]] })
checkEmbedder({
  plugin: () => conv({ filters: [3], kernel: 2, stride: 1, codes: 3, activation: 'relu', normalize: 'none' }),
  example: [3, 5, 1],
})

test('by default has (9 + 1) · 16 + (9 · 16 + 1) · 32 + (7 · 7 · 32 + 1) · 64 = 105,216 numbers for a digit', () => {
  const params = build(Embedder, conv()).init([28, 28, 1], createRng(0))
  expect(countNumbers(params)).toBe(105_216)
})

test('of ones everywhere adds up what is under the kernel: corners of a 3 × 3 image 4, at stride 2, so 4 · 4 + 1 = 17', () => {
  const embedder = build(Embedder, conv({ filters: [1], codes: 1, normalize: 'none' }))
  const params = {
    '0/kernel': tf.ones([3, 3, 1, 1]),
    '0/bias': tf.zeros([1]),
    'code/kernel': tf.ones([4, 1]),
    'code/bias': tf.ones([1]),
  }
  expectClose(embedder.embed(params, tf.ones([1, 3, 3, 1])), [17])
})
