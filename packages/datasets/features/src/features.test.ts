import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dataset, encodeArrays, LgmError, range } from '@lgm/core'
import { encodeNpy } from '@lgm/npy'
import { build, checkDataset } from '@lgm/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { features } from './features.js'

const folder = mkdtempSync(join(tmpdir(), 'lgm-features-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const write = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}

type Given = Parameters<typeof features>[0]
const load = (options: Given) => build(Dataset, features(options)).load()

/** The i-th of six rows is i/2, i/2 + 1/4; labels are 0, 1, 2, 0, 1, 2. */
const numbers = Array.from({ length: 12 }, (_, i) => i / 4)
const ids = [0, 1, 2, 0, 1, 2]
const x = write('x.npy', encodeNpy({ shape: [6, 2], values: Float32Array.from(numbers) }))
const y = write('y.npy', encodeNpy({ shape: [6], values: BigInt64Array.from(ids, BigInt) }))
const xt = write('xt.npy', encodeNpy({ shape: [2, 2], values: Float64Array.from(numbers.slice(8)) }))
const yt = write('yt.npy', encodeNpy({ shape: [2, 1], values: Uint8Array.of(1, 2) }))
const arrays: Given = { train: x, test: xt, labels: { train: y, test: yt } }

const tensors = {
  x: { shape: [6, 2], values: Float32Array.from(numbers) },
  y: { shape: [6], values: Int32Array.from(ids) },
  truths: { shape: [6, 2], values: new Uint8Array(12).fill(1) },
}
const safetensors = write('data.safetensors', encodeArrays(tensors))

/** Written by NumPy 2.4. */
const numpy = (name: string) => join(import.meta.dirname, 'numpy', name)
const parts: Given = {
  ...{ train: numpy('parts.npz'), test: numpy('parts.npz') },
  keys: { train: { x: 'x_train', y: 'y_train' }, test: { x: 'x_test', y: 'y_test' } },
}

checkDataset({ plugin: () => features(arrays) })
checkDataset({ plugin: () => features({ train: safetensors, test: safetensors }) })
checkDataset({ plugin: () => features(parts) })

test('.npy: rows from disk, in the order asked for, whatever the type', async () => {
  const { train, test: tests, classes } = await load(arrays)
  expect([train.count, train.shape, [...train.labels]]).toEqual([6, [2], ids])
  expect([tests.count, tests.shape, [...tests.labels]]).toEqual([2, [2], [1, 2]])
  expect(classes).toEqual(['0', '1', '2'])
  expect([...(await train.read(Int32Array.of(5, 0, 5)))]).toEqual([2.5, 2.75, 0, 0.25, 2.5, 2.75])
  expect([...(await tests.read(Int32Array.of(1)))]).toEqual([2.5, 2.75])
})

test('.npz: one file with all four arrays, under keys of their own', async () => {
  const { train, test: tests, classes } = await load(parts)
  expect([[...train.labels], [...tests.labels], classes]).toEqual([
    [0, 1, 2, 0],
    [1, 2],
    ['0', '1', '2'],
  ])
  expect([...(await train.read(Int32Array.of(3, 0)))]).toEqual([1.5, 1.75, 0, 0.25])
  expect([...(await tests.read(Int32Array.of(0)))]).toEqual([2, 2.25])
})

test('images as bytes are scaled to 0 to 1, in .npz and .npy', async () => {
  const images = numpy('images.npz')
  const bytes = write(
    'images.npy',
    encodeNpy({ shape: [2, 2, 2, 3], values: Uint8Array.from({ length: 24 }, (_, i) => 5 * i) }),
  )
  const given = { train: images, test: bytes, labels: { test: images } }
  const { train, test: tests } = await load(given)
  expect([train.shape, tests.shape, [...train.labels]]).toEqual([
    [2, 2, 3],
    [2, 2, 3],
    [1, 0],
  ])
  const row = Array.from({ length: 12 }, (_, i) => Math.fround((5 * (12 + i)) / 255))
  for (const part of [train, tests]) {
    const read = await part.read(Int32Array.of(1))
    row.forEach((value, i) => {
      expect(read[i]).toBeCloseTo(value, 7)
    })
  }
})

test('safetensors, with labels from another file, and names for the classes', async () => {
  const given = { train: safetensors, test: xt, labels: { train: y, test: yt }, classes: ['cat', 'dog', 'cow', 'hen'] }
  const { train, test: tests, classes } = await load(given)
  expect([[...train.labels], [...tests.labels], classes]).toEqual([ids, [1, 2], ['cat', 'dog', 'cow', 'hen']])
  expect([...(await train.read(Int32Array.of(1)))]).toEqual([0.5, 0.75])
})

test('a class that only the test data have has a name too', async () => {
  const test = write('other.npy', encodeNpy({ shape: [2], values: Float32Array.of(0, 4) }))
  expect((await load({ ...arrays, labels: { train: y, test } })).classes).toEqual(['0', '1', '2', '3', '4'])
})

const npy = (name: string, values: Float32Array | Float64Array | Int32Array, shape = [values.length]) =>
  write(name, encodeNpy({ shape, values }))
const six = (change: number) => Float32Array.of(0, 1, 2, 0, 1, change)
const labelled = (name: string, values: Float32Array | Int32Array, shape?: number[]): Given => ({
  ...arrays,
  labels: { train: npy(name, values, shape), test: yt },
})

describe('one clear line for', () => {
  test.each<[string, () => Given, string]>([
    [
      'a missing file',
      () => ({ ...arrays, train: join(folder, 'no.npy') }),
      'no.npy: expected a file that can be read, got no such file',
    ],
    [
      'a missing file that would be read whole',
      () => ({ ...arrays, train: join(folder, 'no.npz') }),
      'got no such file',
    ],
    [
      'no labels',
      () => ({ train: x, test: xt, labels: { train: y } }),
      `dataset "features": expected a file of labels beside ${xt}, got none; give labels: { test: FILE }`,
    ],
    [
      'no array of that name',
      () => ({ ...parts, keys: {} }),
      'parts.npz: expected an array "x", got those named ["x_train","y_train","x_test","y_test"]',
    ],
    [
      'no tensor of that name',
      () => ({ train: safetensors, test: safetensors, keys: { test: { y: 'z' } } }),
      'expected an array "z", got those named ["x","y","truths"]',
    ],
    [
      'a tensor named as what objects inherit',
      () => ({ train: safetensors, test: safetensors, keys: { test: { y: 'toString' } } }),
      'expected an array "toString", got',
    ],
    [
      'damaged safetensors',
      () => ({ train: write('bad.safetensors', Uint8Array.of(1)), test: xt }),
      'bad.safetensors: expected at least 8 bytes, got 1',
    ],
    [
      'labels that are no whole numbers',
      () => labelled('a.npy', six(1.5)),
      'a.npy: expected whole numbers from 0 as labels, got 1.5 in example 5; number',
    ],
    ['labels that are no numbers', () => labelled('b.npy', six(Number.NaN)), 'got NaN in example 5'],
    [
      'negative labels',
      () => labelled('c.npy', six(-1)),
      'expected whole numbers from 0 as labels, got -1 in example 5',
    ],
    ['absurd labels', () => labelled('d.npy', six(2e9)), 'expected labels below 100000, got 2000000000 in example 5'],
    [
      'labels without a name',
      () => ({ ...arrays, classes: ['a', 'b'] }),
      'y.npy: expected labels from 0 to 1, got 2 in example 2; correct it, or name that many classes',
    ],
    [
      'too few labels',
      () => labelled('e.npy', Int32Array.of(1, 2)),
      `e.npy: expected 6 labels, one for each row of ${x}, got 2; take both`,
    ],
    [
      'one-hot labels',
      () => labelled('f.npy', new Float32Array(18), [6, 3]),
      'expected one label a row, got shape [6, 3]; save class ids, [n]',
    ],
    ['a single label', () => labelled('g.npy', new Float32Array(1), []), 'expected one label a row, got shape []'],
    [
      'test features of another length',
      () => ({ ...arrays, test: npy('h.npy', new Float32Array(6), [2, 3]) }),
      `h.npy: expected examples of shape [2], as those of ${x}, got [3]; make both`,
    ],
    [
      'features without rows',
      () => ({ ...arrays, test: npy('i.npy', new Float32Array(2)) }),
      'expected at least one row of features, as [n, d] or [n, height, width, channels], got shape [2]',
    ],
    ['no features', () => ({ ...arrays, test: npy('j.npy', new Float32Array(0), [0, 2]) }), 'got shape [0, 2]'],
    [
      'NaN in what is read whole',
      () => ({
        train: write(
          'k.safetensors',
          encodeArrays({ ...tensors, x: { shape: [6, 2], values: new Float32Array(12).fill(Number.NaN, 7) } }),
        ),
        test: safetensors,
      }),
      'k.safetensors: x: expected finite numbers, got NaN in example 3, position 1',
    ],
  ])('%s', async (_, options, message) => {
    const error = await load(options()).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LgmError)
    expect((error as LgmError).message).toContain(message)
  })

  test.each<[string, object, string]>([
    [
      'an unknown ending',
      { ...arrays, train: 'x.mat' },
      'train: expected a path that ends in .npy, .npz or .safetensors, got "x.mat"',
    ],
    ['a class named twice', { ...arrays, classes: ['a', 'a'] }, 'classes: expected each name once, got ["a","a"]'],
    ['a mistyped option', { ...arrays, label: {} }, 'did you mean "labels"?'],
  ])('%s, at once', (_, options, message) => {
    expect(() => features(options as Given)).toThrow(message)
  })
})

test.each([
  ['NaN', Float32Array.of(0, 0, 0, Number.NaN), 'NaN'],
  ['what float32 cannot hold', Float64Array.of(0, 0, 0, 1e39), 'Infinity'],
])('%s in a .npy is found when that row is read', async (_, values, got) => {
  const test = npy('rows.npy', values, [2, 2])
  const { test: tests } = await load({ ...arrays, test })
  expect([...(await tests.read(Int32Array.of(0)))]).toEqual([0, 0])
  expect(() => tests.read(Int32Array.of(0, 1))).toThrow(
    `${test}: expected finite numbers, got ${got} in example 1, position 1; remove or repair that example`,
  )
})

test('truth values are no pixels: they are 0 and 1', async () => {
  const { train } = await load({ train: safetensors, test: safetensors, keys: { train: { x: 'truths' } } })
  expect([...(await train.read(Int32Array.of(0)))]).toEqual([1, 1])
})

test('of a file of 4 GiB, only the rows asked for are in memory', async () => {
  const [rows, size] = [2 ** 17, 2 ** 13]
  const file = join(folder, 'large.npy')
  const header = Buffer.from(encodeNpy({ shape: [1, 1], values: new Float32Array(1) }).subarray(0, 128))
  header.write(header.toString('latin1').replace('(1, 1), }         ', '(131072, 8192), }'), 'latin1')
  const descriptor = openSync(file, 'w')
  writeSync(descriptor, header)
  ftruncateSync(descriptor, 128 + 4 * rows * size)
  // the last number of row 100,000; all others are 0, and take no room on the disk
  writeSync(descriptor, Float32Array.of(0.5), 0, 4, 128 + 4 * (100_001 * size - 1))
  closeSync(descriptor)
  const labels = npy('many.npy', new Int32Array(rows))
  const before = process.memoryUsage().rss
  const { train } = await load({ ...arrays, train: file, test: file, labels: { train: labels, test: labels } })
  expect([train.count, train.shape]).toEqual([rows, [size]])
  for (const from of [0, 1234, 77_777, 99_999, rows - 31]) {
    const read = await train.read(Int32Array.of(100_000, ...range(from, from + 31)))
    expect([read.length, read[size - 1], read[size], read[31 * size - 1]]).toEqual([32 * size, 0.5, 0, 0])
  }
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(50)
  rmSync(file)
})
