import { countNumbers, createRng, Decoder } from '@lgm/core'
import { build, checkDecoder, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { mlp } from './mlp.js'

checkDecoder({ plugin: () => mlp({ widths: [5] }) })
checkDecoder({ plugin: () => mlp({ widths: [], output: 'linear' }), code: [2, 1, 2], example: [3] })

test('by default is 64-400-784: 64 · 400 + 400 + 400 · 784 + 784 = 340,384 numbers for a digit', () => {
  expect(countNumbers(build(Decoder, mlp()).init([64], [28, 28, 1], createRng(0)))).toBe(340_384)
})

test('computes [ln 3] · [1, −1] + [0, 0] as the sigmoids ¾ and ¼, in the shape of an example', () => {
  const params = { '0/kernel': tf.tensor2d([[1, -1]]), '0/bias': tf.zeros([2, 1]) }
  const u = tf.tensor2d([[Math.log(3)]])
  const x = build(Decoder, mlp({ widths: [] })).decode(params, u)
  expect(x.shape).toEqual([1, 2, 1])
  expectClose(x, [0.75, 0.25], 1e-6)
  expectClose(build(Decoder, mlp({ widths: [], output: 'linear' })).decode(params, u), [1.098612, -1.098612], 1e-6)
})
