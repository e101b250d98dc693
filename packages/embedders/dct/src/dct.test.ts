import { createRng, Embedder } from '@lgm/core'
import { build, checkEmbedder, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { dct } from './dct.js'

checkEmbedder({ plugin: () => dct({ coefficients: 5 }), refuses: [[20], [2, 2, 1], [1, 5, 4, 2]] })
checkEmbedder({ plugin: () => dct({ coefficients: 4, scale: 1 }), example: [3, 2] })

test('of a 28 × 28 image of ones is 2 · 28 at frequency 0, and 0 elsewhere', () => {
  const embedder = build(Embedder, dct())
  expect(embedder.codeShape([28, 28, 1])).toEqual([64])
  expect(embedder.init([28, 28, 1], createRng(0))).toEqual({})
  const code = Array.from({ length: 64 }, (_, k) => (k === 0 ? 56 : 0))
  expectClose(embedder.embed({}, tf.ones([1, 28, 28, 1])), code, 1e-4)
})

test('of [[1, 0], [0, 0]] is ½ at each of its four frequencies, times the scale', () => {
  const embedder = build(Embedder, dct({ coefficients: 4, scale: 3 }))
  expectClose(embedder.embed({}, tf.tensor([1, 0, 0, 0], [1, 2, 2])), [1.5, 1.5, 1.5, 1.5], 1e-6)
})

test('with all coefficients keeps distances: ‖u‖² = scale² ‖x‖² = 4 · (1 + 4 + 9 + 16) = 120', () => {
  const u = build(Embedder, dct({ coefficients: 4 })).embed({}, tf.tensor([1, 2, 3, 4], [1, 2, 2]))
  expect(u.square().sum().dataSync()[0]).toBeCloseTo(120, 4)
})

test('embeds each channel by itself: 2 · √4 · [1, 3] for a 2 × 2 image whose channels are 1 and 3', () => {
  const embedder = build(Embedder, dct({ coefficients: 2 }))
  expect(embedder.codeShape([2, 2, 2])).toEqual([4])
  expectClose(embedder.embed({}, tf.tensor([1, 3, 1, 3, 1, 3, 1, 3], [1, 2, 2, 2])), [4, 0, 12, 0], 1e-5)
})

test('holds one matrix for each size of image, whoever tidies around it', () => {
  const embedder = build(Embedder, dct({ coefficients: 4 }))
  const before = tf.memory().numTensors
  for (let i = 0; i < 3; i++) tf.dispose(tf.tidy(() => embedder.embed({}, tf.ones([2, 3, 3, 1]))))
  expect(tf.memory().numTensors).toBe(before + 1)
  tf.dispose(tf.tidy(() => embedder.embed({}, tf.ones([2, 3, 4, 1]))))
  expect(tf.memory().numTensors).toBe(before + 2)
})
