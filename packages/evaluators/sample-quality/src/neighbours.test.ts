import { createRng } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import { expect, test } from 'vitest'
import { kthNearest, nearest, squaredDistance } from './neighbours.js'

test('of a corner of a square, the nearest others are at 1, 1 and √2', () => {
  const square = [0, 0, 1, 0, 0, 1, 1, 1]
  expect([1, 2, 3].map(k => kthNearest(square, 2, k)[0])).toEqual([1, 1, 2])
  expect(kthNearest(square, 2, 4)[0]).toBe(Number.POSITIVE_INFINITY)
})

test('a point that is there twice has a neighbour at 0', () => {
  expect([...kthNearest([5, 5, 7], 1, 1)]).toEqual([0, 0, 4])
})

test('the nearest of several points, and of none', () => {
  expect([...nearest([0, 10], [3, 6, 8], 1)]).toEqual([9, 4])
  expect([...nearest([0], [], 1)]).toEqual([Number.POSITIVE_INFINITY])
})

test('are the same as by sorting all distances, in more dimensions than are added up at once', () => {
  const [n, d] = [30, 19]
  const points = createRng(1).normal(n * d)
  const all = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => squaredDistance(points, i, points, j, d)).sort((a, b) => a - b),
  )
  let byHand = 0
  for (let k = 0; k < d; k++) byHand += (points[k]! - points[d + k]!) ** 2
  expectClose(squaredDistance(points, 0, points, 1, d), byHand, 1e-9)
  // place 0 is the point itself
  for (const k of [1, 3, 5])
    expectClose(
      kthNearest(points, d, k),
      all.map(row => row[k]!),
      1e-9,
    )
  const others = createRng(2).normal(4 * d)
  expectClose(
    nearest(others, points, d),
    Array.from({ length: 4 }, (_, i) =>
      Math.min(...Array.from({ length: n }, (_, j) => squaredDistance(others, i, points, j, d))),
    ),
    1e-9,
  )
})
