import { Dataset, LgmError, type Plugin } from '@lgm/core'
import { build, checkDataset } from '@lgm/testing'
import { expect, test } from 'vitest'
import { arrays } from './arrays.js'

const x = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
const train = { x, labels: [0, 1, 0] }
const part = {
  x: [
    [1, 2],
    [3, 4],
  ],
  labels: ['b', 'a'],
}

checkDataset({ plugin: () => arrays({ train, test: train, shape: [2, 2, 1] }) })
checkDataset({ plugin: () => arrays({ train: part, test: part }) })
checkDataset({
  plugin: () =>
    arrays({
      train: { x: Uint8Array.of(0, 255), labels: Uint8Array.of(3, 7) },
      test: { x: Uint8Array.of(51), labels: [7] },
    }),
})

const load = (plugin: Plugin) => build(Dataset, plugin).load()

test('typed arrays with a shape', async () => {
  const { train: examples, classes } = await load(arrays({ train, test: train, shape: [2, 2, 1] }))
  expect([examples.count, examples.shape, classes]).toEqual([3, [2, 2, 1], ['0', '1']])
  expect([...(await examples.read(Int32Array.of(1)))]).toEqual([5, 6, 7, 8])
})

test('without a shape, examples are flat: 12 numbers, 3 labels, 4 each', async () => {
  expect((await load(arrays({ train, test: train }))).train.shape).toEqual([4])
})

test('bytes are scaled to 0 to 1', async () => {
  const bytes = { x: Uint8Array.of(0, 51, 255), labels: [0, 1, 0] }
  const { train: examples } = await load(arrays({ train: bytes, test: bytes }))
  expect([...(await examples.read(Int32Array.of(0, 1, 2)))]).toEqual([0, Math.fround(0.2), 1])
})

test('string labels get ids in ascending order, or in the order given', async () => {
  const sorted = await load(arrays({ train: part, test: part }))
  expect([sorted.classes, [...sorted.train.labels]]).toEqual([
    ['a', 'b'],
    [1, 0],
  ])
  const given = await load(arrays({ train: part, test: part, classes: ['b', 'c', 'a'] }))
  expect([given.classes, [...given.test.labels]]).toEqual([
    ['b', 'c', 'a'],
    [0, 2],
  ])
})

test('numbers with gaps are mapped to 0, 1, 2, … and keep their names; 10 comes after 9', async () => {
  const gaps = { x: [[0], [0], [0]], labels: [10, 9, 10] }
  const { classes, train: examples } = await load(arrays({ train: gaps, test: gaps }))
  expect([classes, [...examples.labels]]).toEqual([
    ['9', '10'],
    [1, 0, 1],
  ])
})

test('numbers beside names are positions in the list of names', async () => {
  const { classes, train: examples } = await load(arrays({ train, test: train, classes: ['cat', 'dog', 'cow'] }))
  expect([classes, [...examples.labels]]).toEqual([
    ['cat', 'dog', 'cow'],
    [0, 1, 0],
  ])
})

const bad = (change: object) => ({ train, test: train, shape: [4], ...change }) as Parameters<typeof arrays>[0]

test.each<[string, object, string]>([
  [
    'NaN',
    { train: { x: Float32Array.of(1, 2, 3, Number.NaN), labels: [0] } },
    'dataset "arrays": train: expected finite numbers, got NaN in example 0, position 3; remove or repair',
  ],
  [
    'an infinite number',
    { test: { x: [[1, 2, Number.POSITIVE_INFINITY, 4]], labels: [0] } },
    'test: expected finite numbers, got Infinity in example 0, position 2',
  ],
  [
    'too few numbers',
    { train: { x: x.subarray(0, 11), labels: [0, 1, 0] } },
    'train: expected 3 × 4 numbers (3 labels, shape [4]), got 11',
  ],
  [
    'more labels than rows',
    { test: { x: [[1, 2, 3, 4]], labels: [0, 1] } },
    'test: expected 2 × 4 numbers (2 labels, shape [4]), got 4',
  ],
  [
    'numbers that do not divide',
    { train: { x, labels: [0, 1, 0, 1, 0] }, shape: undefined },
    'train: expected as many numbers for each of 5 labels, got 12 numbers',
  ],
  [
    'rows of different lengths',
    {
      train: {
        x: [
          [1, 2, 3, 4],
          [1, 2],
        ],
        labels: [0, 1],
      },
    },
    'train: expected 4 numbers in every example, got 2 in example 1',
  ],
  [
    'a row that holds no numbers',
    { train: { x: [[1, '2', 3, 4]], labels: [0] } },
    'train: expected numbers, got "2" in example 0, position 1',
  ],
  ['no examples', { test: { x: new Float32Array(0), labels: [] } }, 'test: expected at least one example, got none'],
  ['a class twice', { classes: ['cat', 'cat'] }, 'classes: expected each class once, got "cat" twice'],
  ['a label beyond the names', { classes: ['cat'] }, 'train: expected labels among 0 to 0, got 1 in example 1'],
  [
    'a test label that training lacks',
    { test: { x: [[1, 2, 3, 4]], labels: [5] } },
    'test: expected labels among [0,1], got 5 in example 0; correct it, or add it to classes',
  ],
  [
    'a fractional label',
    { train: { x: [[1, 2, 3, 4]], labels: [0.5] } },
    'expected whole numbers or strings as labels, got 0.5',
  ],
  [
    'numbers among strings',
    { train: { x, labels: [0, 'a', 0] } },
    'expected labels that are all numbers or all strings',
  ],
])('%s: one clear error at loading', async (_, change, message) => {
  const error = await load(arrays(bad(change))).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LgmError)
  expect((error as LgmError).message).toContain(message)
})

test.each<[string, object, RegExp]>([
  [
    'a name, as a recipe would give',
    { train: 'train.csv' },
    /expected \{ x: Float32Array.*given in code \(a recipe cannot hold arrays.*got "train\.csv"/,
  ],
  ['nothing', { test: undefined }, /dataset "arrays": test: expected \{ x/],
  ['float64', { train: { x: new Float64Array(4), labels: [0] } }, /train: expected \{ x: Float32Array/],
  ['a shape with a zero', { shape: [0, 4] }, /shape/],
])('%s: an error when the plugin is made', (_, change, message) => {
  expect(() => arrays(bad(change))).toThrow(LgmError)
  expect(() => arrays(bad(change))).toThrow(message)
})

test('a large array in a wrong place does not flood the message', () => {
  const flood = () => arrays(bad({ train: { x: new Float64Array(2e6), labels: new Array(1e6).fill(0) } }))
  expect(flood).toThrow(LgmError)
  try {
    flood()
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(500)
  }
})
