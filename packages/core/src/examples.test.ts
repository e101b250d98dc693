import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Examples } from './contracts.js'
import {
  arrayExamples,
  changeExamples,
  checkKnown,
  checkShape,
  indicesByLabel,
  labelsAt,
  mapExamples,
  oneHot,
  range,
  readAll,
  relativeDistance,
  sampler,
  selectExamples,
  sizeOf,
  upload,
} from './examples.js'
import { createRng } from './rng.js'

/** Three examples of shape [2]: 0 1, 2 3, 4 5, labelled 7, 8, 9. */
const three = () => arrayExamples(Float32Array.from([0, 1, 2, 3, 4, 5]), [2], Int32Array.from([7, 8, 9]))
const rows = (...indices: number[]) => Int32Array.from(indices)
/** The same, read later. */
const later = (examples: Examples): Examples => ({ ...examples, read: async indices => examples.read(indices) })

describe('examples in an array', () => {
  test('are read in any order, and more than once', () => {
    expect(three().read(rows(2, 0, 2))).toEqual(Float32Array.from([4, 5, 0, 1, 4, 5]))
    expect(three().read(rows())).toHaveLength(0)
  })

  test('are read as a whole', async () => {
    expect(await readAll(later(three()))).toEqual(Float32Array.from([0, 1, 2, 3, 4, 5]))
  })

  test('have a relative distance, 0 where there is nothing to relate it to', () => {
    expect(relativeDistance(Float32Array.from([3, 4]), Float32Array.from([3, 5]))).toBeCloseTo(1 / 25, 12)
    expect(relativeDistance(new Float32Array(2), Float32Array.from([1, 1]))).toBe(0)
  })

  test('of bytes are scaled to 0…1', () => {
    const bytes = arrayExamples(Uint8Array.from([0, 51, 255, 102]), [2], Int32Array.from([0, 1]))
    expect(bytes.read(rows(1, 0))).toEqual(Float32Array.from([1, 102 / 255, 0, 51 / 255]))
  })

  test('refuse lengths that do not fit, NaN and infinity, naming the place', () => {
    expect(() => arrayExamples(new Float32Array(5), [2], new Int32Array(3), 'mine')).toThrow(
      'mine: expected 3 × 2 numbers (3 labels, shape [2]), got 5; check the shape and the number of labels',
    )
    const bad = (value: number) => () => arrayExamples(Float32Array.from([0, 1, 2, value]), [2], new Int32Array(2))
    expect(bad(Number.NaN)).toThrow(/finite numbers, got NaN in example 1, position 1/)
    expect(bad(-Infinity)).toThrow(/got -Infinity/)
  })
})

describe('views of examples', () => {
  test('select in the given order and relabel', () => {
    const view = selectExamples(three(), rows(2, 0), label => label * 10)
    expect([view.count, ...view.labels]).toEqual([2, 90, 70])
    expect(view.read(rows(1, 0))).toEqual(Float32Array.from([0, 1, 4, 5]))
    expect(selectExamples(view, rows(1)).read(rows(0))).toEqual(Float32Array.from([0, 1]))
  })

  test('change each batch of rows, now or later', async () => {
    const flipped = (examples: Examples) =>
      changeExamples(examples, [2], (values, count) => values.map((_, i) => values[2 * count - 1 - i]!))
    expect(flipped(three()).read(rows(0, 1))).toEqual(Float32Array.from([3, 2, 1, 0]))
    expect(await flipped(later(three())).read(rows(0, 1))).toEqual(Float32Array.from([3, 2, 1, 0]))
  })

  test('are uploaded in their shape', async () => {
    for (const examples of [three(), later(three())]) {
      const batch = await upload(examples, rows(1))
      expect([batch.shape, batch.dtype, Array.from(batch.dataSync())]).toEqual([[1, 2], 'float32', [2, 3]])
    }
    expect(labelsAt(three(), rows(2, 1))).toEqual(rows(9, 8))
  })

  test.each([1, 2, 3, 100])(
    'are mapped in batches of %i to new examples with the same labels, without a leak',
    async size => {
      const before = tf.memory().numTensors
      const sums = await mapExamples(three(), batch => batch.sum(1, true).tile([1, 3]), size)
      expect([sums.shape, sums.labels]).toEqual([[3], three().labels])
      expect(await sums.read(range(0, 3))).toEqual(Float32Array.from([1, 1, 1, 5, 5, 5, 9, 9, 9]))
      expect((await mapExamples(arrayExamples(new Float32Array(0), [2], rows()), batch => batch)).count).toBe(0)
      expect(tf.memory().numTensors).toBe(before)
    },
  )
})

describe('a sampler', () => {
  test('takes every example once per pass, in a new order each pass', () => {
    const next = sampler(10, 5, createRng(1))
    const passes = [0, 1, 2].map(() => [...next(), ...next()])
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(passes[0]).not.toEqual(passes[1])
  })

  test('fills a batch that is larger than the examples, and goes over the end of a pass', () => {
    expect([...sampler(1, 4, createRng(1))()]).toEqual([0, 0, 0, 0])
    const next = sampler(3, 2, createRng(2))
    const drawn = [...next(), ...next(), ...next()]
    expect([drawn.slice(0, 3).sort(), drawn.slice(3).sort()]).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ])
  })
})

describe('small things', () => {
  test('sizes, ranges, one-hot rows and places of labels', () => {
    expect([sizeOf([]), sizeOf([28, 28, 1])]).toEqual([1, 784])
    expect(range(2, 5)).toEqual(rows(2, 3, 4))
    expect(oneHot(rows(1, 0), 3).arraySync()).toEqual([
      [0, 1, 0],
      [1, 0, 0],
    ])
    expect([...indicesByLabel(rows(5, 2, 5))]).toEqual([
      [2, rows(1)],
      [5, rows(0, 2)],
    ])
  })

  test('checks of shape and of known classes say what was wanted', () => {
    checkShape('g', [2], three())
    expect(() => checkShape('g', [3], three())).toThrow(/^g: expected codes of shape \[3\], got \[2\]; /)
    expect(() => checkShape('g', [2, 1], three())).toThrow(/got \[2\]/)
    checkKnown('g', new Set([1, 2]), rows(2, 1))
    expect(() => checkKnown('g', new Set([1, 2]), rows(2, 3))).toThrow(/memorized \(1, 2\), got class 3/)
    expect(() => checkKnown('g', new Set(), rows(0))).toThrow(/none yet/)
  })
})
