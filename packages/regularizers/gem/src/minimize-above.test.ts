import { createRng } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import { describe, expect, test } from 'vitest'
import { minimizeAbove } from './minimize-above.js'

type Matrix = readonly (readonly number[])[]

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const slopes = (A: Matrix, b: readonly number[], v: readonly number[]) => A.map((row, i) => dot(row, v) + b[i]!)
const value = (A: Matrix, b: readonly number[], v: readonly number[]) =>
  v.reduce((sum, each, i) => sum + each * (dot(A[i]!, v) / 2 + b[i]!), 0)

/** The Gram matrix of `count` normal vectors in `dimensions`, and their inner products with another. */
function problem(count: number, dimensions: number, seed: number): { A: Matrix; b: readonly number[] } {
  const rng = createRng(seed, '/problem')
  const rows = Array.from({ length: count }, () => [...rng.normal(dimensions)])
  const g = [...rng.normal(dimensions)]
  return { A: rows.map(row => rows.map(other => dot(row, other))), b: rows.map(row => dot(row, g)) }
}

describe('closed forms', () => {
  test('of one number: max(−b / a, margin)', () => {
    expectClose(minimizeAbove([[2]], [-3], 0), [1.5], 1e-5)
    expectClose(minimizeAbove([[2]], [3], 0), [0], 0)
    expectClose(minimizeAbove([[2]], [-3], 1), [1.5], 1e-5)
    expectClose(minimizeAbove([[2]], [-3], 2), [2], 0)
  })

  test('of a diagonal matrix: each number for itself', () => {
    const A = [
      [1, 0, 0],
      [0, 4, 0],
      [0, 0, 2],
    ]
    expectClose(minimizeAbove(A, [-1, 8, -1], 0), [1, 0, 0.5], 1e-5)
    expectClose(minimizeAbove(A, [-1, 8, -1], 0.6), [1, 0.6, 0.6], 1e-5)
  })

  test('of two numbers that are both positive: −A⁻¹b', () => {
    // [2 1; 1 2]⁻¹ = [2 −1; −1 2] / 3, so −A⁻¹ [−3, −3] = [1, 1] and −A⁻¹ [−4, −5] = [1, 2]
    const A = [
      [2, 1],
      [1, 2],
    ]
    expectClose(minimizeAbove(A, [-3, -3], 0), [1, 1], 1e-5)
    expectClose(minimizeAbove(A, [-4, -5], 0), [1, 2], 1e-5)
    // −A⁻¹ [−1, −4] = [−2, 7] / 3, so the first is 0 and the second 4 / 2
    expectClose(minimizeAbove(A, [-1, -4], 0), [0, 2], 1e-5)
  })
})

describe('the conditions of Karush, Kuhn and Tucker hold', () => {
  const sizes = [1, 2, 3, 5, 10, 20, 40]
  test.each(sizes.flatMap(count => [0, 0.5].map(margin => [count, margin] as const)))(
    'for %i gradients and margin %f',
    (count, margin) => {
      for (let seed = 0; seed < 5; seed++) {
        const { A, b } = problem(count, 2 * count + 5, seed)
        const v = minimizeAbove(A, b, margin)
        const w = slopes(A, b, v)
        const size = Math.max(...b.map(Math.abs), ...A.flat().map(Math.abs))
        for (const [i, each] of v.entries()) {
          expect(each).toBeGreaterThanOrEqual(margin)
          expect(w[i]).toBeGreaterThan(-1e-5 * size)
          expect(Math.abs(w[i]! * (each - margin))).toBeLessThan(1e-4 * size)
        }
      }
    },
  )
})

test('no set of positive numbers is better, of all there are', () => {
  for (let seed = 0; seed < 10; seed++) {
    const { A, b } = problem(4, 6, seed)
    const found = value(A, b, minimizeAbove(A, b, 0))
    const rng = createRng(seed, '/others')
    for (let set = 0; set < 16; set++)
      for (let trial = 0; trial < 50; trial++) {
        const other = Array.from(rng.uniform(4), (each, i) => (set & (1 << i) ? 3 * each : 0))
        expect(value(A, b, other)).toBeGreaterThan(found - 1e-5)
      }
  }
})

describe('where A is singular, the slopes are still none below 0', () => {
  const check = (rows: readonly (readonly number[])[], g: readonly number[]) => {
    const A = rows.map(row => rows.map(other => dot(row, other)))
    const v = minimizeAbove(
      A,
      rows.map(row => dot(row, g)),
      0,
    )
    const projected = g.map((value, i) => value + v.reduce((sum, each, k) => sum + each * rows[k]![i]!, 0))
    for (const row of rows) expect(dot(row, projected)).toBeGreaterThan(-1e-4)
    return projected
  }

  test('for the same gradient three times', () => {
    // g = [−1, 1] against [1, 0]: what is left is [0, 1]
    expectClose(
      check(
        [
          [1, 0],
          [1, 0],
          [2, 0],
        ],
        [-1, 1],
      ),
      [0, 1],
      1e-5,
    )
  })

  test('for two that oppose each other', () => {
    expectClose(
      check(
        [
          [1, 0],
          [-1, 0],
        ],
        [-1, 1],
      ),
      [0, 1],
      1e-5,
    )
    // nearly: the two directions differ by less than float32 tells, and the exact answer, [0, 0], has weights beyond 10⁴
    check(
      [
        [1, 1e-4],
        [-1, 1e-4],
      ],
      [-1, -1],
    )
  })

  test('for a gradient of zeros', () => {
    expectClose(
      check(
        [
          [0, 0],
          [1, 0],
        ],
        [-1, 1],
      ),
      [0, 1],
      1e-5,
    )
    expect(minimizeAbove([[0]], [0], 0.5)).toEqual([0.5])
  })

  test('for more gradients than dimensions', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rng = createRng(seed, '/many')
      check(
        Array.from({ length: 12 }, () => [...rng.normal(4)]),
        [...rng.normal(4)],
      )
    }
  })
})
