import { expectClose } from '@lgm/testing'
import { expect, test } from 'vitest'
import { applyTriangle, cholesky, gram, invertTriangle, multiplyTriangles, triangle } from './cholesky.js'

// A = [[4, 2, 0], [2, 5, 4], [0, 4, 8]] = L Lᵀ with L = [[2, 0, 0], [1, 2, 0], [0, 2, 2]].
const a = [4, 2, 5, 0, 4, 8]
const l = [2, 1, 2, 0, 2, 2]
// L⁻¹ = [[1/2, 0, 0], [−1/4, 1/2, 0], [1/4, −1/2, 1/2]].
const inverse = [0.5, -0.25, 0.5, 0.25, -0.5, 0.5]

test('a positive definite matrix is factored, and the factor inverted', () => {
  expectClose(cholesky(a, 3), l, 1e-12)
  expectClose(invertTriangle(l, 3), inverse, 1e-12)
  expectClose(multiplyTriangles(l, inverse, 3), [1, 0, 1, 0, 0, 1], 1e-12)
})

test('the inverse factor gives the inverse matrix', () => {
  // A⁻¹ = [[24, −16, 8], [−16, 32, −16], [8, −16, 16]] / 64: the cofactors over det A = (2 · 2 · 2)².
  expectClose(gram(inverse, 3), [24 / 64, -16 / 64, 32 / 64, 8 / 64, -16 / 64, 16 / 64], 1e-12)
})

test('a triangle is applied to one of many vectors', () => {
  // L (1, 2, 3) = (2, 1 + 4, 4 + 6).
  expectClose(applyTriangle(l, [9, 9, 9, 1, 2, 3], 3, 3), [2, 5, 10], 1e-12)
})

test('a triangle is packed by rows', () => {
  expect(Array.from(triangle(3, (i, j) => 10 * i + j))).toEqual([0, 10, 11, 20, 21, 22])
})
