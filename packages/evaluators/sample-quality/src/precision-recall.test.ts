import { createRng } from '@lgm/core'
import { expect, test } from 'vitest'
import { precisionRecall } from './precision-recall.js'

test('on a line, by hand', () => {
  // real 0, 1, 3: nearest others at 1, 1, 2, so balls [−1, 1], [0, 2], [1, 5]; of the samples −2 is outside.
  // samples −2, 1, 2, 5: nearest others at 3, 1, 1, 3, so balls [−5, 1], [0, 2], [1, 3], [2, 8]; all real ones are inside.
  expect(precisionRecall([0, 1, 3], [-2, 1, 2, 5], 1, 1)).toEqual({ precision: 3 / 4, recall: 1 })
  // the other way round the two change places
  expect(precisionRecall([-2, 1, 2, 5], [0, 1, 3], 1, 1)).toEqual({ precision: 1, recall: 3 / 4 })
})

test('more neighbours make balls larger', () => {
  // with two neighbours, real balls reach [−3, 3], [−1, 3], [0, 6]
  expect(precisionRecall([0, 1, 3], [-2, 1, 2, 5], 1, 2).precision).toBe(1)
})

test('copies are precise and cover all; what is elsewhere neither', () => {
  const real = createRng(1).normal(100)
  expect(precisionRecall(real, real, 2, 3)).toEqual({ precision: 1, recall: 1 })
  expect(
    precisionRecall(
      real,
      real.map(value => value + 100),
      2,
      3,
    ),
  ).toEqual({ precision: 0, recall: 0 })
})

test('a generator of one of two modes is precise and covers half; one of three of which two are real, the reverse', () => {
  const blob = (centre: number, seed: number) => [...createRng(seed).normal(200)].map(value => centre + value)
  const two = [...blob(0, 1), ...blob(50, 2)]
  const one = precisionRecall(two, [...blob(0, 3), ...blob(0, 4)], 2, 3)
  expect(one.precision).toBeGreaterThan(0.8)
  expect(one.recall).toBeLessThan(0.55)
  expect(one.recall).toBeGreaterThan(0.4)
  const three = precisionRecall(two, [...blob(0, 3), ...blob(50, 4), ...blob(100, 5)], 2, 3)
  expect(three.precision).toBeLessThan(0.7)
  expect(three.recall).toBeGreaterThan(0.8)
})
