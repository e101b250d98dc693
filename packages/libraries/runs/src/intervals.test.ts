import { describe, expect, test } from 'vitest'
import { meanInterval, studentQuantile } from './index.js'

describe('the 97.5 % quantile of Student’s t', () => {
  // Tables of any textbook; 1.959964 is that of the normal distribution, the limit.
  test.each([
    [1, 12.7062],
    [2, 4.3027],
    [3, 3.1824],
    [4, 2.7764],
    [9, 2.2622],
    [30, 2.0423],
    [199, 1.972],
  ])('of %d degrees of freedom is %d', (degrees, quantile) => {
    expect(studentQuantile(degrees)).toBeCloseTo(quantile, 4)
  })

  test('comes near that of the normal distribution', () => {
    // 1.959964 + (1.959964³ + 1.959964) / (4 · 1000) = 1.962336
    expect(studentQuantile(1000)).toBeCloseTo(1.96234, 5)
  })
})

describe('the mean with its interval', () => {
  test('is x̄ ± t s / √n', () => {
    // s² = (0.02² + 0 + 0.02²) / 2 = 0.0004; 4.302653 · 0.02 / √3 = 0.049683
    const three = meanInterval([0.9, 0.92, 0.94])
    expect(three.mean).toBeCloseTo(0.92, 12)
    expect(three.halfWidth).toBeCloseTo(0.049683, 6)
    // s² = (4 + 1 + 0 + 1 + 4) / 4 = 2.5; 2.776445 · √(2.5 / 5) = 1.963243
    expect(meanInterval([1, 2, 3, 4, 5]).halfWidth).toBeCloseTo(1.963243, 6)
  })

  test('has no width of one value, and none to speak of where all are equal', () => {
    expect(meanInterval([0.5])).toEqual({ mean: 0.5, halfWidth: null })
    expect(meanInterval([2, 2, 2])).toEqual({ mean: 2, halfWidth: 0 })
  })

  test('there is none of nothing', () => {
    expect(() => meanInterval([])).toThrow('meanInterval: expected values, got none')
  })
})
