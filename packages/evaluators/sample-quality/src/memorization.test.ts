import { createRng } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import { expect, test } from 'vitest'
import { memorizationRatio } from './memorization.js'

test('on a line, by hand', () => {
  // from training examples 0 and 10: samples 1 and 9 at 1 and 1; test examples 2 and 13 at 2 and 3
  expectClose(memorizationRatio([1, 9], [2, 13], [0, 10], 1), 1 / 2.5, 1e-12)
})

test('copies give 0, and examples of the same distribution about 1', () => {
  const rng = createRng(1)
  const [training, test, fresh] = [rng.normal(600), rng.normal(600), rng.normal(600)]
  expect(memorizationRatio(training.subarray(0, 200), test, training, 2)).toBe(0)
  const honest = memorizationRatio(fresh, test, training, 2)
  expect(Math.abs(honest - 1)).toBeLessThan(0.25)
  // half of the samples are copies
  const half = Float32Array.from([...fresh.subarray(0, 300), ...training.subarray(0, 300)])
  expect(memorizationRatio(half, test, training, 2)).toBeLessThan(0.75 * honest)
})

test('there is none where test examples are training examples, or nothing was trained on', () => {
  expect(memorizationRatio([1], [0], [0], 1)).toBeNaN()
  expect(memorizationRatio([1], [0], [], 1)).toBeNaN()
})
