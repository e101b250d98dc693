import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dataset, LgmError } from '@lgm/core'
import { build, checkDataset } from '@lgm/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { cifar } from './cifar.js'

const folder = mkdtempSync(join(tmpdir(), 'lgm-cifar-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** `count` records: the labels given, then planes whose byte at pixel p is (label + p) mod 251, the same + 1, and + 2. */
function records(count: number, labelsOf: (record: number) => number[]): Uint8Array {
  return Buffer.concat(
    Array.from({ length: count }, (_, record) => {
      const labels = labelsOf(record)
      const plane = (more: number) => Uint8Array.from({ length: 1024 }, (_, p) => ((labels.at(-1)! + p) % 251) + more)
      return Buffer.concat([Uint8Array.from(labels), plane(0), plane(1), plane(2)])
    }),
  )
}

function write(name: string, files: Record<string, Uint8Array>): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(path, file), bytes)
  return path
}

/** Batch b has b records, labelled b, b + 1, …; the test batch all classes. */
const batches = Object.fromEntries(
  [1, 2, 3, 4, 5].map(batch => [`data_batch_${batch}.bin`, records(batch, record => [batch + record])]),
)
const ten = write('ten', { ...batches, 'test_batch.bin': records(10, record => [record]) })
const hundred = write('hundred', {
  'train.bin': records(4, record => [record, 99 - record]),
  'test.bin': records(2, record => [19, 50 + record]),
})

checkDataset({ plugin: () => cifar({ folder: ten }) })
checkDataset({ plugin: () => cifar({ folder: hundred, version: 100 }) })

const load = (options: Parameters<typeof cifar>[0]) => build(Dataset, cifar(options)).load()

test('CIFAR-10: the batches stand behind one another, in order', async () => {
  const { train, test: tests, classes } = await load({ folder: ten })
  expect([train.count, tests.count, train.shape]).toEqual([15, 10, [32, 32, 3]])
  expect([...train.labels]).toEqual([1, 2, 3, 3, 4, 5, 4, 5, 6, 7, 5, 6, 7, 8, 9])
  expect([classes.length, classes[0], classes[9]]).toEqual([10, 'airplane', 'truck'])
})

test('planes become pixels: of the image labelled 9, red of pixel 3 is 12, green 13, blue 14, of 255', async () => {
  const { train } = await load({ folder: ten })
  const row = await train.read(Int32Array.of(14))
  expect([...row.subarray(9, 12)]).toEqual([12, 13, 14].map(value => Math.fround(value / 255)))
  // pixel 250 has (9 + 250) mod 251 = 8
  expect([...row.subarray(750, 753)]).toEqual([8, 9, 10].map(value => Math.fround(value / 255)))
})

test('images of several files come in the order asked for, twice if they are', async () => {
  const { train } = await load({ folder: ten })
  const indices = Int32Array.of(14, 0, 7, 14, 2)
  const rows = await train.read(indices)
  const first = [...indices].map((_, i) => Math.round(255 * rows[i * 3072]!))
  expect(first).toEqual([...indices].map(index => train.labels[index]))
  for (const index of [-1, 15]) expect(() => train.read(Int32Array.of(0, index))).toThrow('expected an index from 0 to')
})

test('CIFAR-100: the second label is the class, the first the superclass', async () => {
  const whole = await load({ folder: hundred, version: 100 })
  expect([...whole.train.labels]).toEqual([99, 98, 97, 96])
  expect([...whole.test.labels].map(label => whole.classes[label])).toEqual(['mouse', 'mushroom'])
  expect([whole.classes.length, new Set(whole.classes).size, whole.classes[99]]).toEqual([100, 100, 'worm'])
  const above = await load({ folder: hundred, version: 100, labels: 'coarse' })
  expect([...above.train.labels]).toEqual([0, 1, 2, 3])
  expect([above.classes.length, above.classes[19], above.test.labels[0]]).toEqual([20, 'vehicles_2', 19])
  expect(await above.test.read(Int32Array.of(1))).toEqual(await whole.test.read(Int32Array.of(1)))
})

describe('one clear line for', () => {
  const file = (name: string) => join(ten, name)
  const changed = (name: string, bytes: Uint8Array) =>
    write(`changed-${name}`, { ...batches, 'test_batch.bin': records(1, () => [0]), [name]: bytes })
  const files =
    'data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, test_batch.bin'
  const page = 'from https://www.cs.toronto.edu/~kriz/cifar.html and unpack it, or correct the option folder'
  const nine = records(1, () => [10])

  test.each<[string, () => Parameters<typeof cifar>[0], string]>([
    [
      'a missing folder',
      () => ({ folder: file('none/at/all') }),
      `a folder ${file('none/at/all')} with ${files}, got no such folder; fetch the binary version of CIFAR-10 ${page}`,
    ],
    ['a file in its place', () => ({ folder: file('test_batch.bin') }), 'got something that is not a folder; fetch'],
    ['missing files', () => ({ folder: write('few', { 'test_batch.bin': nine }) }), `expected ${files} in `],
    ['the other version', () => ({ folder: hundred }), 'set version: 100, since those files are there'],
    [
      'the other version, too',
      () => ({ folder: ten, version: 100 }),
      'got none named train.bin, test.bin; set version: 10',
    ],
    [
      'the folder above',
      () => ({ folder: join(write('above/cifar-100-binary', {}), '..'), version: 100 }),
      'name the folder cifar-100-binary in it',
    ],
    [
      'files for Python',
      () => ({ folder: write('python', { data_batch_1: nine }) }),
      'these files are of the version for Python',
    ],
    [
      'coarse labels of CIFAR-10',
      () => ({ folder: ten, labels: 'coarse' }),
      'expected labels: fine, since CIFAR-10 has no others, got coarse',
    ],
    [
      'a file cut short',
      () => ({ folder: changed('data_batch_4.bin', nine.subarray(1)) }),
      'data_batch_4.bin: expected a multiple of 3073 bytes, 1 for labels and 3072 for pixels, got 3072; unpack',
    ],
    [
      'an empty file',
      () => ({ folder: changed('data_batch_2.bin', nine.subarray(0, 0)) }),
      'for pixels, got 0; unpack',
    ],
    [
      'a label that is no class',
      () => ({ folder: changed('data_batch_5.bin', Buffer.concat([Buffer.alloc(1200 * 3073), nine])) }),
      'data_batch_5.bin: expected labels from 0 to 9, got 10 in record 1200; fetch the file again',
    ],
  ])('%s', async (_, options, message) => {
    const error = await load(options()).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LgmError)
    expect((error as LgmError).message).toContain(message)
  })
})
