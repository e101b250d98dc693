import { expectClose } from '@lgm/testing'
import { expect, test } from 'vitest'
import { calibrationError, equalMassBins, equalWidthBins } from './reliability.js'

test('bins of equal width are closed on the right, and the first takes 0', () => {
  const bins = equalWidthBins([0, 0.25, 0.5, 0.50001, 0.75, 1], [true, true, false, true, false, true], 4)
  expect(bins.map(({ count }) => count)).toEqual([2, 1, 2, 1])
  expect(bins[0]).toEqual({ count: 2, confidence: 0.125, accuracy: 1 })
  expect(bins[2]!.accuracy).toBe(1 / 2)
})

test('the error is the distance of accuracy from confidence, weighted by the examples of each bin', () => {
  // (0.5, 1]: confidences 0.6, 0.8, 1 with 1 of 3 right; (0, 0.5]: 0.4, right
  const bins = equalWidthBins([0.6, 0.8, 1, 0.4], [true, false, false, true], 2)
  expectClose(calibrationError(bins), (3 / 4) * Math.abs(1 / 3 - 0.8) + (1 / 4) * Math.abs(1 - 0.4), 1e-12)
})

test('one that is as often right as it says has no error, and one that is sure and wrong has all', () => {
  expect(calibrationError(equalWidthBins([0.75, 0.75, 0.75, 0.75], [true, true, false, true]))).toBe(0)
  expect(calibrationError(equalWidthBins([1, 1], [false, false]))).toBe(1)
  expect(calibrationError(equalWidthBins([], []))).toBeNaN()
  expect(equalWidthBins([], [], 2)).toEqual([
    { count: 0, confidence: null, accuracy: null },
    { count: 0, confidence: null, accuracy: null },
  ])
})

test('bins of equal mass hold as many examples each, whatever their order', () => {
  const bins = equalMassBins([0.9, 0.91, 0.5, 0.92, 0.93, 0.94], [true, true, false, false, true, true], 3)
  expect(bins.map(({ count }) => count)).toEqual([2, 2, 2])
  expectClose(
    bins.map(({ confidence }) => confidence!),
    [0.7, 0.915, 0.935],
    1e-12,
  )
  expect(bins.map(({ accuracy }) => accuracy)).toEqual([1 / 2, 1 / 2, 1])
})

test('equal confidences stay together in the bin of their middle rank', () => {
  // ranks of the ones: 1 to 4 of 4, middle 2.5 / 4, of two bins the second
  const [few, many] = [equalMassBins([0.5, 1, 1, 1], [true, true, false, true], 2), [0.5, 1, 1, 1].reverse()]
  expect(few.map(({ count }) => count)).toEqual([1, 3])
  expect(equalMassBins(many, [true, false, true, true], 2)).toEqual(few)
  expect(equalMassBins([1, 1], [true, false], 3).map(({ count }) => count)).toEqual([0, 2, 0])
})
