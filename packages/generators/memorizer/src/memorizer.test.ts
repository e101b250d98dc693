import { arrayExamples, createRng, type Examples, Generator, range } from '@lgm/core'
import { build, checkGenerator, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { halfStep, hashedCodes, packCodes, unpackCodes } from './codes.js'
import { memorizer } from './memorizer.js'
import { advance, newPass } from './passes.js'
import { retrievalRate } from './recall.js'
import { labelsOf } from './shelves.js'

const small = { widths: [16], encoder: [16], codeSize: 2, batchSize: 16, optimizer: { rate: 0.02 } }
checkGenerator({
  plugin: () => memorizer({ ...small, iterations: 150 }),
  quick: () => memorizer({ ...small, iterations: 10, codeBits: 4, weightBits: 4 }),
  maps: () => memorizer({ ...small, net: 'conv', filters: [2, 3], iterations: 10, codeBits: 4, weightBits: 4 }),
})
checkGenerator({
  plugin: () => memorizer({ ...small, codes: 'hashed', codeSize: 8, widths: [32], iterations: 300 }),
  quick: () => memorizer({ ...small, codes: 'hashed', retention: 'restart', iterations: 10, weightBits: 32 }),
})

const figure = (generator: Generator, name: string) =>
  generator.measure!().find(measurement => measurement.name === `generator/memorizer/${name}`)?.value as number

const [task] = tinyTasks({ tasks: 1, classes: 2, count: 5 })
const ten = task!.train

async function trained(options: object, examples: Examples = ten) {
  const generator = build(Generator, memorizer({ ...small, iterations: 10, ...options }))
  await generator.memorize(examples)
  return generator
}

function draw(generator: Generator, labels: Int32Array) {
  const samples = generator.sample(labels)
  const rows = samples.arraySync() as number[][]
  samples.dispose()
  return rows
}

describe('a memorizer', () => {
  test('returns a small set exactly enough that each item is found again, from learned and from hashed codes', async () => {
    for (const codes of ['learned', 'hashed']) {
      const generator = await trained({ codes, codeSize: 4, widths: [32], iterations: 500, optimizer: { rate: 0.01 } })
      expect(figure(generator, 'recall-error'), codes).toBeLessThan(0.01)
      expect(figure(generator, 'retrieval'), codes).toBeGreaterThan(0.8)
    }
  })

  test('keeps what it says it does: packed weights, bounds, and codes', async () => {
    // 2 numbers of code and 2 labels → 16 → 2
    const parameters = 4 * 16 + 16 + 16 * 2 + 2
    for (const [bits, weights] of [
      [32, 4 * parameters],
      // words of levels, and two bounds for each column of a kernel and for each bias
      [8, 64 + 16 + 32 + 4 + 8 * (16 + 1 + 2 + 1)],
      // biases have 8 bits
      [4, 32 + 16 + 16 + 4 + 8 * (16 + 1 + 2 + 1)],
    ] as const) {
      const generator = await trained({ weightBits: bits, codeBits: 4 })
      const { tensors } = generator.state()
      const kept = Object.values(tensors).reduce((sum, { size }) => sum + 4 * size, 0)
      tf.dispose(tensors)
      // five items of two numbers of 4 bits a class: 40 bits in two words
      expect([figure(generator, 'bytes'), kept], `${bits} bits`).toEqual([weights + 2 * 8, weights + 2 * 8])
      expect(figure(generator, 'parameters')).toBe(parameters)
      expect([figure(generator, 'items'), figure(generator, 'numbers'), figure(generator, 'code-numbers')]).toEqual([
        10, 20, 20,
      ])
      expect(figure(generator, 'bits-per-number')).toBeCloseTo((8 * kept) / 20, 6)
    }
    const hashed = await trained({ codes: 'hashed', weightBits: 32 })
    expect([figure(hashed, 'bytes'), figure(hashed, 'code-numbers')]).toEqual([4 * parameters, 0])
  })

  test('returns each stored item of a class once before any again', async () => {
    const generator = await trained({})
    const passes = [0, 1].map(() => draw(generator, new Int32Array(5)).map(String).sort())
    expect(new Set(passes[0]).size).toBe(5)
    expect(passes[1]).toEqual(passes[0])
  })

  test('tells what is lost by telling again, and what was told anew', async () => {
    const generator = await trained({ iterations: 100 })
    expect(figure(generator, 'retelling-error')).toBeUndefined()
    const before = draw(generator, new Int32Array(5)).sort()
    const labels = Int32Array.of(2, 2, 2)
    await generator.memorize(arrayExamples(Float32Array.of(9, 9, 9, 8, 8, 9), [2], labels))
    expect(figure(generator, 'items')).toBe(13)
    const after = draw(generator, new Int32Array(5)).sort()
    const distance = before.flat().reduce((sum, value, i) => sum + (value - after.flat()[i]!) ** 2, 0)
    expect(distance).toBeGreaterThan(0)
    expect(figure(generator, 'retelling-error')).toBeGreaterThan(0)
    expect(figure(generator, 'retelling-error')).toBeLessThan(1)
  })

  test('stores up to a limit of each class', async () => {
    const generator = await trained({ perClass: 3 })
    expect(figure(generator, 'items')).toBe(6)
    expect(new Set(draw(generator, new Int32Array(6)).map(String)).size).toBe(3)
  })

  test('follows recall where recall takes the place of what is stored', async () => {
    const fresh = arrayExamples(Float32Array.of(-5, -5), [2], Int32Array.of(2))
    const moved = arrayExamples(new Float32Array(20).fill(7), [2], ten.labels)
    for (const retention of ['replay', 'replace'] as const) {
      const generator = await trained({ retention, iterations: 200 })
      await generator.memorize(fresh, moved)
      const mean = draw(generator, new Int32Array(5))
        .flat()
        .reduce((sum, value) => sum + value / 10, 0)
      expect(Math.abs(mean - 7) < 1, retention).toBe(retention === 'replace')
      expect(figure(generator, 'items')).toBe(11)
    }
  })
})

test('codes of few bits are levels from −1 to 1, and need no bounds', () => {
  const words = packCodes(Float32Array.of(-1, -0.4, 0.3, 1, 2), 2)
  expect(words).toHaveLength(1)
  const third = 1 / 3
  for (const [i, code] of [-1, -third, third, 1, 1].entries()) expect(unpackCodes(words, 2, 5)[i]).toBeCloseTo(code, 6)
  expect(unpackCodes(packCodes(Float32Array.of(0.123, 5), 32), 32, 2)).toEqual(Float32Array.of(0.123, 5))
})

test('rounding moves a code by half the distance of two levels at most', () => {
  // four levels of 2 bits, −1, −⅓, ⅓ and 1
  expect(halfStep(2)).toBeCloseTo(1 / 3)
  expect(halfStep(32)).toBe(0)
  const codes = Float32Array.from({ length: 201 }, (_, i) => i / 100 - 1)
  const rounded = unpackCodes(packCodes(codes, 4), 4, codes.length)
  expect(Math.max(...codes.map((code, i) => Math.abs(code - rounded[i]!)))).toBeLessThanOrEqual(halfStep(4) + 1e-6)
  expect(Math.max(...codes.map((code, i) => Math.abs(code - rounded[i]!)))).toBeGreaterThan(0.9 * halfStep(4))
})

test('labels of what is stored are ascending, whatever came first', () =>
  expect([
    ...labelsOf(
      new Map([
        [5, 2],
        [1, 1],
      ]),
    ),
  ]).toEqual([1, 5, 5]))

test('hashed codes are those of class and index, however many there are', () => {
  const three = hashedCodes(4, 3, 5)
  expect(hashedCodes(4, 9, 5).subarray(0, 15)).toEqual(three)
  expect(hashedCodes(5, 3, 5)).not.toEqual(three)
})

test('a pass meets every index once, in an order that is not always the same', () => {
  const rng = createRng(0)
  const orders = new Set<string>()
  let pass = newPass(12)
  for (let round = 0; round < 20; round++) {
    const met = Array.from({ length: 12 }, () => {
      const next = advance(pass, rng)
      pass = next.pass
      return next.index
    })
    expect([...met].sort((a, b) => a - b)).toEqual([...range(0, 12)])
    orders.add(String(met))
  }
  expect(orders.size).toBeGreaterThan(10)
})

test('retrieval counts the items that are nearest to what is returned for them', async () => {
  const on = (values: number[]) => arrayExamples(Float32Array.from(values), [1], new Int32Array(values.length))
  const retold = { told: on([0, 10, 20, 30]), returned: on([1, 12, 26, 29]), isNew: [true, true, true, true] }
  // 26 is nearer to 30 than to 20
  expect(await retrievalRate(retold, 10)).toBe(0.75)
  // of two: items 0 and 2
  expect(await retrievalRate(retold, 2)).toBe(0.5)
})
