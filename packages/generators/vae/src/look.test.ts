import { arrayExamples, createRng, range } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import { expect, test } from 'vitest'
import { checkUnit, largestVariance, lookAt, typicalOf } from './look.js'

const counted = (count: number, labels = new Int32Array(count)) =>
  arrayExamples(Float32Array.from(range(0, count)), [1], labels)

test('a look takes all of few codes, and a thousand from all over many, of every class', async () => {
  expect([...(await lookAt(counted(3))).values]).toEqual([0, 1, 2])
  // labels that take turns are met as often as each other
  const { values, labels } = await lookAt(
    counted(
      4000,
      range(0, 4000).map(i => i % 4),
    ),
  )
  expect(values).toHaveLength(1000)
  expect(Math.max(...values)).toBeGreaterThan(3990)
  for (const label of [0, 1, 2, 3]) expect(Math.abs(labels.filter(one => one === label).length - 250)).toBeLessThan(10)
})

test('typical codes have the moments of their class, or of all where there are none of it', async () => {
  const examples = arrayExamples(Float32Array.of(1, 0, 3, 0, 10, 0), [2], Int32Array.of(0, 0, 2))
  const typical = typicalOf(await lookAt(examples), createRng(0))
  const meanOf = (label: number) =>
    Array.from({ length: 400 }, () => typical(label)).reduce((sum, [u]) => sum + u! / 400, 0)
  // mean 2 of deviation 1 over 400: ± 0.05
  expectClose(meanOf(0), 2, 0.2)
  expect([...typical(2)]).toEqual([10, 0])
  // mean 14 / 3 of deviation 3.9
  expectClose(meanOf(1), 14 / 3, 0.8)
})

test('the largest variance is that in the direction of most, within classes', async () => {
  // ±(3, 4) and ±(0.8, −0.6) about (0, 0), the same about (9, 9): 25 / 2 along (0.6, 0.8), 1 / 2 across
  const about = (at: number) => [3, 4, -3, -4, 0.8, -0.6, -0.8, 0.6].map(value => at + value)
  const look = await lookAt(
    arrayExamples(Float32Array.of(...about(0), ...about(9)), [2], Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1)),
  )
  expectClose(largestVariance(look), 12.5, 1e-5)
  expect(largestVariance(await lookAt(counted(1)))).toBe(0)
})

test('codes that are no probabilities are refused', async () => {
  const look = await lookAt(arrayExamples(Float32Array.of(0, 1, -0.5), [1], new Int32Array(3)))
  expect(() => checkUnit('me', look)).toThrow('me: expected codes from 0 to 1 for likelihood: bernoulli, got -0.5')
})
