import { expect, test } from 'vitest'
import { cosineBasis, imageBasis, lowestFrequencies } from './cosine.js'

test.each([1, 2, 5, 28])('the %i waves of as many points are orthonormal', size => {
  const basis = cosineBasis(size)
  for (let k = 0; k < size; k++)
    for (let l = 0; l < size; l++) {
      let product = 0
      for (let i = 0; i < size; i++) product += basis[k * size + i]! * basis[l * size + i]!
      expect(product).toBeCloseTo(k === l ? 1 : 0, 12)
    }
})

test('the waves of three points are (1, 1, 1)/√3, (1, 0, −1)/√2 and (1, −2, 1)/√6', () => {
  // cos π/6, cos 3π/6, cos 5π/6 = √¾, 0, −√¾, and √(2/3) · √¾ = 1/√2; cos π/3, cos π, cos 5π/3 = ½, −1, ½, and √(2/3) / 2 = 1/√6.
  const waves = [1, 1, 1].map(x => x / Math.sqrt(3))
  waves.push(...[1, 0, -1].map(x => x / Math.SQRT2), ...[1, -2, 1].map(x => x / Math.sqrt(6)))
  cosineBasis(3).forEach((value, i) => {
    expect(value).toBeCloseTo(waves[i]!, 12)
  })
})

test('a square number of frequencies is a square block, the next begin the shell around it', () => {
  expect(lowestFrequencies(5, 4, 4)).toEqual([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])
  expect(lowestFrequencies(5, 4, 7).slice(4)).toEqual([
    [0, 2],
    [2, 0],
    [1, 2],
  ])
  const block = lowestFrequencies(28, 28, 64)
  expect(Math.max(...block.flat())).toBe(7)
  expect(new Set(block.map(String)).size).toBe(64)
})

test('an image with fewer frequencies than asked for is refused', () => {
  expect(() => lowestFrequencies(2, 3, 7)).toThrow(/at most 6 frequencies of a 2 × 3 image, got 7/)
})

test('the waves of an image are orthonormal', () => {
  const [height, width, count] = [7, 5, 12]
  const basis = imageBasis(height, width, count)
  for (let a = 0; a < count; a++)
    for (let b = 0; b < count; b++) {
      let product = 0
      for (let i = 0; i < height * width; i++) product += basis[i * count + a]! * basis[i * count + b]!
      expect(product).toBeCloseTo(a === b ? 1 : 0, 6)
    }
})

test('all waves of an image give back any image', () => {
  const image = Array.from({ length: 12 }, (_, i) => Math.sin(i * i))
  const basis = imageBasis(3, 4, 12)
  const coefficients = image.map((_, f) => image.reduce((sum, value, i) => sum + value * basis[i * 12 + f]!, 0))
  image.forEach((value, i) => {
    expect(coefficients.reduce((sum, u, f) => sum + u * basis[i * 12 + f]!, 0)).toBeCloseTo(value, 6)
  })
})
