import { countNumbers, createRng, Head } from '@lgm/core'
import { build, checkHead, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { mlp } from './mlp.js'

checkHead({ plugin: () => mlp({ widths: [6, 5] }) })
checkHead({ plugin: () => mlp({ widths: [] }), codes: [[3]] })

test('is the published 784-400-400-10: 785 · 400 + 401 · 400 + 401 · 10 = 478,410 numbers, however it grew', () => {
  const head = build(Head, mlp({ widths: [400, 400] }))
  const two = head.init([28, 28, 1], 2, createRng(0))
  expect(countNumbers(head.grow(two, 10, createRng(1)))).toBe(478_410)
})

test('keeps the hidden layers themselves when it grows', () => {
  const head = build(Head, mlp({ widths: [3] }))
  const old = head.init([2], 2, createRng(0))
  const grown = head.grow(old, 4, createRng(1))
  expect(grown['0/kernel']).toBe(old['0/kernel'])
  expect(grown['0/bias']).toBe(old['0/bias'])
  expectClose(grown['1/kernel']!.slice([0, 0], [3, 2]), old['1/kernel']!.dataSync(), 0)
})

test('computes [1, −1] → relu [1, 0] → [1, −2] with an identity and [[1, −2], [5, 5]]', () => {
  const params = {
    '0/kernel': tf.tensor2d([
      [1, 0],
      [0, 1],
    ]),
    '0/bias': tf.zeros([2]),
    '1/kernel': tf.tensor2d([
      [1, -2],
      [5, 5],
    ]),
    '1/bias': tf.zeros([2]),
  }
  expectClose(build(Head, mlp({ widths: [2] })).classify(params, tf.tensor2d([[1, -1]])), [1, -2], 1e-6)
})
