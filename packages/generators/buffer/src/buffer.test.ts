import { arrayExamples, Generator } from '@lgm/core'
import { build, checkGenerator } from '@lgm/testing'
import { expect, test } from 'vitest'
import { buffer } from './buffer.js'

checkGenerator({ plugin: () => buffer() })
checkGenerator({ plugin: () => buffer({ perClass: 12 }) })
checkGenerator({ plugin: () => buffer({ perClass: 12, retention: 'replace' }) })

/** Codes of one number each, all of one class. */
const numbers = (values: readonly number[], label = 0) =>
  arrayExamples(Float32Array.from(values), [1], new Int32Array(values.length).fill(label))

const draw = (generator: Generator, count: number, label = 0) => {
  const samples = generator.sample(new Int32Array(count).fill(label))
  const values = Array.from(samples.dataSync())
  samples.dispose()
  return values
}

test('every stored code is drawn once before any is drawn again', async () => {
  const generator = build(Generator, buffer())
  await generator.memorize(numbers([1, 2, 3, 4, 5]))
  for (let pass = 0; pass < 3; pass++) expect(draw(generator, 5).sort()).toEqual([1, 2, 3, 4, 5])
  expect([...draw(generator, 2), ...draw(generator, 3)].sort()).toEqual([1, 2, 3, 4, 5])
})

test('the order of a pass is random', async () => {
  const generator = build(Generator, buffer())
  const values = Array.from({ length: 50 }, (_, i) => i)
  await generator.memorize(numbers(values))
  expect(draw(generator, 50)).not.toEqual(draw(generator, 50))
})

test('with a limit, each example of a class is stored with the same probability, in whichever task it came', async () => {
  const counts = new Array(12).fill(0)
  for (let seed = 0; seed < 600; seed++) {
    const generator = build(Generator, buffer({ perClass: 3 }), { seed })
    await generator.memorize(numbers([0, 1, 2, 3, 4, 5, 6]))
    await generator.memorize(numbers([7, 8, 9, 10, 11]))
    for (const value of draw(generator, 3)) counts[value]++
  }
  // Binomial(600, 3 / 12): mean 150, standard deviation √(600 · 0.25 · 0.75) = 10.6; four of them are 42.
  for (const count of counts) expect(Math.abs(count - 150)).toBeLessThan(42)
})

test('classes are stored apart, each up to the limit', async () => {
  const generator = build(Generator, buffer({ perClass: 2 }))
  await generator.memorize(numbers([1, 2, 3], 0))
  await generator.memorize(numbers([10], 1))
  expect(new Set(draw(generator, 4, 0)).size).toBe(2)
  expect(draw(generator, 2, 1)).toEqual([10, 10])
  const { tensors } = generator.state()
  expect(Object.values(tensors).map(({ size }) => size)).toEqual([2, 1])
})

test('recall takes the place of stored codes where they are to follow the embedder, and is left alone where not', async () => {
  for (const [retention, found] of [
    ['keep', [1, 2]],
    ['replace', [101, 102]],
  ] as const) {
    const generator = build(Generator, buffer({ retention }))
    await generator.memorize(numbers([1, 2], 0))
    await generator.memorize(numbers([5], 1), numbers([101, 102], 0))
    expect(draw(generator, 2, 0).sort()).toEqual(found)
  }
})
