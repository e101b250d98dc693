import { createRng } from '@lgm/core'
import { expectClose, golden } from '@lgm/testing'
import { describe, expect, test } from 'vitest'
import { fitGaussian, frechetDistance, type Gaussian } from './frechet.js'

const gaussian = (mean: readonly number[], covariance: readonly (readonly number[])[]): Gaussian => ({
  mean: Float64Array.from(mean),
  covariance: Float64Array.from(covariance.flat()),
})

describe('a fitted Gaussian', () => {
  test('has the mean of the rows, and their covariance over n − 1', () => {
    // mean (2, 1); deviations (−2, 0), (0, −1), (2, 1): squares 8 and 2, products 2, over 2
    const { mean, covariance } = fitGaussian([0, 1, 2, 0, 4, 2], 2)
    expectClose(mean, [2, 1], 1e-12)
    expectClose(covariance, [4, 1, 1, 1], 1e-12)
  })

  test('is as exact far from zero', () => {
    const rows = Float32Array.from([0, 1, 2, 0, 4, 2], value => value + 4096)
    expectClose(fitGaussian(rows, 2).covariance, [4, 1, 1, 1], 1e-9)
  })
})

describe('the Fréchet distance', () => {
  test('is the golden one', () => {
    const { a, b, distance } = golden.frechet
    expectClose(frechetDistance(gaussian(a.mean, a.cov), gaussian(b.mean, b.cov)), distance, 1e-9)
  })

  test('of numbers that do not vary together is the sum over them of (μ₁ − μ₂)² + (σ₁ − σ₂)²', () => {
    const a = gaussian(
      [1, 0],
      [
        [4, 0],
        [0, 9],
      ],
    )
    const b = gaussian(
      [0, 5],
      [
        [1, 0],
        [0, 25],
      ],
    )
    expectClose(frechetDistance(a, b), 1 + (2 - 1) ** 2 + 25 + (3 - 5) ** 2, 1e-9)
    expectClose(frechetDistance(b, a), 1 + 1 + 25 + 4, 1e-9)
  })

  test('of a Gaussian to itself is 0, and to itself shifted the square of the shift', () => {
    const rows = createRng(3).normal(40 * 6)
    const fitted = fitGaussian(rows, 6)
    expectClose(frechetDistance(fitted, fitted), 0, 1e-9)
    // each of the 6 numbers moves by 2
    expectClose(
      frechetDistance(
        fitted,
        fitGaussian(
          rows.map(value => value + 2),
          6,
        ),
      ),
      24,
      1e-4,
    )
  })

  test('does not change when both are turned', () => {
    const { a, b, distance } = golden.frechet
    const [c, s] = [0.6, 0.8]
    const turn = ([x, y]: readonly number[], [p, q, r]: readonly number[]) => {
      const mixed = c * s * (p! - r!) + (c * c - s * s) * q!
      return gaussian(
        [c * x! - s * y!, s * x! + c * y!],
        [
          [c * c * p! - 2 * c * s * q! + s * s * r!, mixed],
          [mixed, s * s * p! + 2 * c * s * q! + c * c * r!],
        ],
      )
    }
    // covariances by their entries 11, 12, 22
    const [first, second] = [turn(a.mean, [2, 0.5, 1]), turn(b.mean, [1, 0, 3])]
    expectClose(frechetDistance(first, second), distance, 1e-9)
  })

  test('can be asked where numbers do not vary at all', () => {
    const still = gaussian(
      [0, 0],
      [
        [0, 0],
        [0, 4],
      ],
    )
    // (0 − 0)² + (0 − 3)² + (2 − 2)²
    expectClose(
      frechetDistance(
        still,
        gaussian(
          [0, 0],
          [
            [9, 0],
            [0, 4],
          ],
        ),
      ),
      9,
      1e-9,
    )
    expect(frechetDistance(still, still)).toBeCloseTo(0, 12)
  })
})
