import { createRng, Decoder, LgmError } from '@lgm/core'
import { imageBasis } from '@lgm/cosine'
import { build, checkDecoder, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { dct } from './dct.js'

checkDecoder({
  plugin: () => dct(),
  refuses: [
    { code: [6], example: [20] },
    { code: [7], example: [5, 4, 2] },
    { code: [42], example: [5, 4, 2] },
    { code: [3, 2], example: [5, 4, 2] },
  ],
})
checkDecoder({ plugin: () => dct({ clamp: false, scale: 1 }), code: [4], example: [3, 2] })

test('gives a 4 × 4 image of ones for the code 2 · 4 at frequency 0', () => {
  const decoder = build(Decoder, dct())
  expect(decoder.init([4], [4, 4, 1], createRng(0))).toEqual({})
  expectClose(decoder.decode({}, tf.tensor2d([[8, 0, 0, 0]])), new Array(16).fill(1), 1e-6)
})

test('cuts 1.5 to 1 where it clamps, and lets no gradient through there', () => {
  const [code, free] = [tf.tensor2d([[6, 0, 0, 0]]), dct({ clamp: false, scale: 2 })]
  const [clamped, open] = [build(Decoder, dct()), build(Decoder, free)]
  for (const decoder of [clamped, open]) decoder.init([4], [2, 2, 1], createRng(0))
  expectClose(open.decode({}, code), [1.5, 1.5, 1.5, 1.5], 1e-6)
  expectClose(clamped.decode({}, code), [1, 1, 1, 1], 1e-6)
  const slope = (decoder: Decoder) => tf.grad(u => decoder.decode({}, u).sum())(code)
  // Each of the four pixels is u₀ / 2 / 2, so their sum has the slope 1.
  expectClose(slope(open), [1, 0, 0, 0], 1e-6)
  expectClose(slope(clamped), [0, 0, 0, 0], 1e-6)
})

test('puts the coefficients of each channel into that channel', () => {
  const decoder = build(Decoder, dct({ scale: 1 }))
  decoder.init([2], [2, 2, 2], createRng(0))
  expectClose(decoder.decode({}, tf.tensor2d([[1, 2]])), [0.5, 1, 0.5, 1, 0.5, 1, 0.5, 1], 1e-6)
})

test('gives an image whose coefficients are the code: 2 · D(u) B = u', () => {
  const decoder = build(Decoder, dct({ clamp: false }))
  decoder.init([4], [5, 3, 1], createRng(0))
  const u = tf.tensor2d([
    [1, -2, 3, 4],
    [0.5, 0, -1, 7],
  ])
  const basis = tf.tensor2d(imageBasis(5, 3, 4), [15, 4])
  expectClose(decoder.decode({}, u).reshape([2, 15]).matMul(basis).mul(2), u.dataSync())
})

test('must be told the shapes first', () => {
  expect(() => build(Decoder, dct()).decode({}, tf.ones([1, 4]))).toThrow(LgmError)
})
