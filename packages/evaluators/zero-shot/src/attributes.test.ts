import { expectClose } from '@lgm/testing'
import { test } from 'vitest'
import { attributeScores } from './attributes.js'

// a horse, a tiger, and what is half of each
const attributes = [
  [2, 0],
  [0, 5],
  [1, 1],
]

test('one taken for a known class has its attributes', () => {
  expectClose(attributeScores([0, -1000], 2, attributes), [1, 0, Math.SQRT1_2], 1e-12)
})

test('one that is half this and half that is the class between them, which is not known', () => {
  expectClose(attributeScores([-7, -7], 2, attributes), [Math.SQRT1_2, Math.SQRT1_2, 1], 1e-12)
})

test('expected attributes are weighted by probability', () => {
  // p = (3/4, 1/4): â is along (3, 1)
  const length = Math.hypot(3, 1)
  expectClose(
    attributeScores([Math.log(3), 0, 0, Math.log(3)], 2, attributes),
    [3, 1, 4 / Math.SQRT2, 1, 3, 4 / Math.SQRT2].map(value => value / length),
    1e-12,
  )
})
