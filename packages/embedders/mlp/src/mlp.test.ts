import { countNumbers, createRng, Embedder } from '@lgm/core'
import { build, checkEmbedder, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { mlp } from './mlp.js'

checkEmbedder({ plugin: () => mlp({ widths: [5], codes: 4 }) })
checkEmbedder({
  plugin: () => mlp({ widths: [6, 5], codes: 3, activation: 'relu', normalize: 'none' }),
  example: [7],
})

test('by default is 784-400-64: 784 · 400 + 400 + 400 · 64 + 64 = 339,664 numbers for a digit', () => {
  const embedder = build(Embedder, mlp())
  const params = embedder.init([28, 28, 1], createRng(0))
  expect(countNumbers(params)).toBe(339_664)
  expect(embedder.codeShape([28, 28, 1])).toEqual([64])
})

const params = {
  '0/kernel': tf.tensor2d([
    [1, -1],
    [2, 0],
  ]),
  '0/bias': tf.tensor1d([0, 1]),
  '1/kernel': tf.tensor2d([
    [1, 0],
    [0, -1],
  ]),
  '1/bias': tf.tensor1d([0, 0.5]),
}
const x = tf.tensor2d([[3, 1]])

test('computes [3, 1] → relu [3 + 2, −3 + 1] = [5, 0] → [5, 0.5]', () => {
  const embedder = build(Embedder, mlp({ widths: [2], codes: 2, normalize: 'none' }))
  expectClose(embedder.embed(params, x), [5, 0.5], 1e-6)
})

test('normalizes [5, 0.5] to [1, −1]: mean 2.75, deviation 2.25', () => {
  const embedder = build(Embedder, mlp({ widths: [2], codes: 2 }))
  expectClose(embedder.embed(params, x), [1, -1], 1e-5)
})

test('cuts a last layer that is below 0: bias 0.5 − 1 = −0.5 gives [5, 0]', () => {
  const embedder = build(Embedder, mlp({ widths: [2], codes: 2, activation: 'relu', normalize: 'none' }))
  expectClose(embedder.embed({ ...params, '1/bias': tf.tensor1d([0, -0.5]) }, x), [5, 0], 1e-6)
})

test('refuses a mistyped option and one of the wrong type', () => {
  expect(() => mlp({ width: [3] } as object)).toThrow(/did you mean "widths"/)
  expect(() => mlp({ codes: 0 })).toThrow(/embedder "mlp": codes: expected .+, got 0; /)
})
