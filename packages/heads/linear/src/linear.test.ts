import { createRng, Head } from '@lgm/core'
import { build, checkHead, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { linear } from './linear.js'

checkHead({ plugin: () => linear() })

test('computes [1, 2] · [[1, 0], [0, −1]] + [0.5, 0] = [1.5, −2]', () => {
  const params = {
    '0/kernel': tf.tensor2d([
      [1, 0],
      [0, -1],
    ]),
    '0/bias': tf.tensor1d([0.5, 0]),
  }
  expectClose(build(Head, linear()).classify(params, tf.tensor2d([[1, 2]])), [1.5, -2], 1e-6)
})

test('begins a new class with a bias of 0 and weights within ±√(3 / code)', () => {
  const head = build(Head, linear())
  const grown = head.grow(head.init([300], 1, createRng(0)), 3, createRng(1))
  expect([...grown['0/bias']!.dataSync()]).toEqual([0, 0, 0])
  const weights = grown['0/kernel']!.slice([0, 1]).abs().dataSync()
  expect(Math.max(...weights)).toBeLessThanOrEqual(0.1)
  expect(Math.max(...weights)).toBeGreaterThan(0.09)
})

test('begins within gain times that', () => {
  const { '0/kernel': kernel } = build(Head, linear({ gain: 0.5 })).init([300], 40, createRng(0))
  const largest = kernel!.abs().max().dataSync()[0]!
  expect(largest).toBeLessThanOrEqual(0.05)
  expect(largest).toBeGreaterThan(0.049)
})
