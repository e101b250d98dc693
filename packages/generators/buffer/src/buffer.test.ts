import { arrayExamples, createRng, Generator, LgmError } from '@lgm/core'
import { build, checkGenerator, expectClose, expectNoLeak } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { buffer } from './buffer.js'
import { principalComponents, project, reconstruct } from './principal.js'

checkGenerator({ plugin: () => buffer() })
checkGenerator({ plugin: () => buffer({ perClass: 12 }) })
checkGenerator({ plugin: () => buffer({ perClass: 12, retention: 'replace' }) })
checkGenerator({ plugin: () => buffer({ bits: 4, components: 2 }) })

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

const figure = (generator: Generator, name: string) =>
  generator.measure!().find(measurement => measurement.name === `generator/buffer/${name}`)!.value as number

/** Bytes of all tensors of the state. */
const bytesIn = (generator: Generator) => {
  const { tensors } = generator.state()
  const bytes = Object.values(tensors).reduce((sum, { size }) => sum + 4 * size, 0)
  tf.dispose(tensors)
  return bytes
}

describe('of fewer bits', () => {
  test('codes come out as levels, and cost what they are said to', async () => {
    const generator = build(Generator, buffer({ bits: 2 }))
    // 0 to 3 in steps of 1: the numbers are levels but for the 2.25
    await generator.memorize(numbers([0, 1, 2.25, 3, 0, 1]))
    expect(draw(generator, 6).sort()).toEqual([0, 0, 1, 1, 2, 3])
    // six levels of 2 bits in one word, and two bounds
    expect([figure(generator, 'bytes'), bytesIn(generator)]).toEqual([4 + 8, 4 + 8])
    expect([figure(generator, 'items'), figure(generator, 'bits-per-number')]).toEqual([6, (8 * 12) / 6])
    // 0.25² / (1 + 2.25² + 9 + 1)
    expect(figure(generator, 'recall-error')).toBeCloseTo(0.0625 / 16.0625, 6)
  })

  test('bounds are those of each number, or one pair', async () => {
    const codes = arrayExamples(Float32Array.of(0, 0, 1, 100, 2, 200, 3, 300), [2], new Int32Array(4))
    const each = build(Generator, buffer({ bits: 2 }))
    await each.memorize(codes)
    expect(figure(each, 'recall-error')).toBe(0)
    const one = build(Generator, buffer({ bits: 2, bounds: 'one' }))
    await one.memorize(codes)
    // the steps are 100 for the first number too: at least 0² + 1² + 2² + 3² is lost
    expect(figure(one, 'recall-error')).toBeGreaterThanOrEqual(14 / (14 + 140_000))
    expect([bytesIn(each), bytesIn(one)]).toEqual([4 + 16, 4 + 8])
  })

  test('a class that returns is rounded again with the new codes', async () => {
    const generator = build(Generator, buffer({ bits: 2 }))
    await generator.memorize(numbers([0, 3]))
    await generator.memorize(numbers([6, 9]))
    expect(draw(generator, 4).sort()).toEqual([0, 3, 6, 9])
  })
})

describe('as components', () => {
  /** Codes on a line in three dimensions, (1, 2, 2) · t + (1, 0, 0), and a little beside it. */
  const line = (beside: number) => {
    const values = [-3, -1, 1, 3].flatMap((t, i) => [t + 1 + (i % 2 ? beside : -beside) * 2, 2 * t, 2 * t])
    return arrayExamples(Float32Array.from(values), [3], Int32Array.of(0, 0, 1, 1))
  }

  test('the first directions are those of most variance', async () => {
    const { mean, directions } = await principalComponents(line(0), 2, createRng(0))
    expectClose(Array.from(mean), [1, 0, 0], 1e-6)
    const sign = Math.sign(directions[0]!)
    // (1, 2, 2) / 3, and nothing beyond the one direction there is
    expectClose(
      Array.from(directions, value => sign * value),
      [1 / 3, 0, 2 / 3, 0, 2 / 3, 0],
      1e-6,
    )
  })

  test('codes are projected and reconstructed, and as many components as numbers lose nothing', async () => {
    const codes = line(0.5)
    const values = await codes.read(Int32Array.of(0, 1, 2, 3))
    const basis = await principalComponents(codes, 3, createRng(0))
    expectClose(Array.from(reconstruct(project(values, basis), basis)), Array.from(values), 1e-5)
    const generator = build(Generator, buffer({ components: 1 }))
    await generator.memorize(line(0))
    expect(figure(generator, 'recall-error')).toBeLessThan(1e-10)
    expect(draw(generator, 1, 0)).toHaveLength(3)
    // four coefficients, a mean of three numbers, and a direction of three
    expect([figure(generator, 'bytes'), bytesIn(generator)]).toEqual([4 * (4 + 3 + 3), 4 * (4 + 3 + 3)])
  })

  test('each task has its own, for as long as there are codes of them', async () => {
    const generator = build(Generator, buffer({ components: 1, bits: 8 }))
    await generator.memorize(line(0))
    const bases = () => {
      const { tensors } = generator.state()
      tf.dispose(tensors)
      return Object.keys(tensors).filter(name => name.endsWith('/mean'))
    }
    expect(bases()).toEqual(['basis/0/mean'])
    await generator.memorize(arrayExamples(Float32Array.of(5, 5, 5, 6, 6, 6), [3], Int32Array.of(2, 2)))
    expect(bases()).toEqual(['basis/0/mean', 'basis/1/mean'])
    await generator.memorize(line(0))
    expect(bases()).toEqual(['basis/1/mean', 'basis/2/mean'])
  })

  test('they leave no tensors behind', async () => {
    const generator = build(Generator, buffer({ components: 2, bits: 8 }))
    await expectNoLeak(() => generator.memorize(line(1)))
  })

  test('they cannot follow an embedder', () => {
    expect(() => build(Generator, buffer({ components: 1, retention: 'replace' }))).toThrow(LgmError)
  })
})
