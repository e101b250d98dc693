import { Dataset, type Examples, type Plugin, range, sizeOf } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { build } from './build.js'
import type { Data } from './tiny-data.js'

/** What `checkDataset` is told about a plugin. */
export interface DatasetDescription {
  /** A new plugin with its options; large data sets should be asked for a small part, or given a small folder. */
  readonly plugin: () => Plugin
}

/**
 * Registers the tests that every data set must pass: distinct names of classes; training and test examples of one shape, with labels
 * that name a class; finite float32 rows, in the order asked for, alike however they are asked for, and the caller's to change; the
 * same data when loaded again; no tensors.
 *
 * @example
 * checkDataset({ plugin: () => mnist() })
 */
export function checkDataset({ plugin }: DatasetDescription): void {
  describe(`dataset "${plugin().definition.name}" conforms:`, () => {
    let data: Data
    let parts: [string, Examples][]
    beforeAll(async () => {
      data = await build(Dataset, plugin()).load()
      parts = [
        ['train', data.train],
        ['test', data.test],
      ]
    })

    test('classes have distinct names', () => {
      expect(data.classes.length).toBeGreaterThan(0)
      expect(new Set(data.classes).size).toBe(data.classes.length)
      for (const name of data.classes) expect(typeof name === 'string' && name.length > 0, `name "${name}"`).toBe(true)
    })

    test('there is something to learn and something to test, of one shape', () => {
      expect(data.test.shape).toEqual(data.train.shape)
      expect(sizeOf(data.train.shape)).toBeGreaterThan(0)
      for (const [name, part] of parts) expect(part.count, name).toBeGreaterThan(0)
    })

    test('every example has a label that names a class', () => {
      for (const [name, part] of parts) {
        expect(part.labels, name).toBeInstanceOf(Int32Array)
        expect(part.labels.length, name).toBe(part.count)
        expect(
          part.labels.every(label => label >= 0 && label < data.classes.length),
          name,
        ).toBe(true)
      }
    })

    test('rows are finite float32, in the order asked for, one by one or together', async () => {
      for (const [name, part] of parts) {
        const indices = Int32Array.of(part.count - 1, 0, part.count >> 1, 0)
        const rows = await part.read(indices)
        expect(rows, name).toBeInstanceOf(Float32Array)
        expect(rows.length, name).toBe(indices.length * sizeOf(part.shape))
        expect(rows.every(Number.isFinite), `${name}: finite`).toBe(true)
        const single: number[] = []
        for (const index of indices) single.push(...(await part.read(Int32Array.of(index))))
        expect(Array.from(rows), name).toEqual(single)
        expect((await part.read(new Int32Array(0))).length, `${name}: nothing asked for`).toBe(0)
      }
    })

    test('what has been read is the caller’s to change', async () => {
      for (const [name, part] of parts) {
        const first = await part.read(Int32Array.of(0))
        const kept = Array.from(first)
        first.fill(-7)
        expect(Array.from(await part.read(Int32Array.of(0))), name).toEqual(kept)
      }
    })

    test('loading again gives the same data', async () => {
      const again = await build(Dataset, plugin(), { seed: 5 }).load()
      expect(again.classes).toEqual(data.classes)
      for (const [part, other] of [
        [data.train, again.train],
        [data.test, again.test],
      ] as const) {
        expect(other.count).toBe(part.count)
        expect(other.labels.every((label, i) => label === part.labels[i])).toBe(true)
        const some = range(0, Math.min(20, part.count))
        expect(await other.read(some)).toEqual(await part.read(some))
      }
    })

    test('makes no tensors', async () => {
      const before = tf.memory().numTensors
      const again = await build(Dataset, plugin()).load()
      await again.train.read(Int32Array.of(0))
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}
