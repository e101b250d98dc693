import { createRng, LgmError, range } from '@lgm/core'
import { tinyData, traceData } from '@lgm/testing'
import { expect, test } from 'vitest'
import { firstOfEach, holdOut, positionsByLabel } from './hold-out.js'
import { cutTask, type DataOptions, prepareData, viewTasks } from './tasks.js'

/** 4 classes × 6 training examples, labelled 0, 1, 2, 3, 0, …; 4 × 3 tests. */
const data = tinyData()
const prepare = (options: Partial<DataOptions> = {}, seed = 0) =>
  prepareData(data, { validation: 0, ...options }, createRng(seed), 'stream "some"')

test('positions are found class by class, empty classes too', () => {
  expect(positionsByLabel(Int32Array.of(2, 0, 2), 4).map(positions => [...positions])).toEqual([[1], [], [0, 2], []])
})

test('a limit takes the first examples of each class, in the order of the data', () => {
  expect([...firstOfEach({ ...data.train, labels: Int32Array.of(1, 1, 0, 1, 0), count: 5 }, 2, 2)]).toEqual([
    0, 1, 2, 4,
  ])
})

test('holding out is stratified: round(0.3 · 6) = 2 of each class, and 4 stay', () => {
  const { kept, held } = holdOut(data.train.labels, range(0, 24), 4, 0.3, createRng(1))
  expect(held.length).toBe(8)
  expect(kept.length).toBe(16)
  expect([...kept, ...held].sort((a, b) => a - b)).toEqual([...range(0, 24)])
  expect(
    positionsByLabel(
      held.map(i => data.train.labels[i]!),
      4,
    ).map(positions => positions.length),
  ).toEqual([2, 2, 2, 2])
})

test('what is held out of a class depends on the seed, and not on the other classes', () => {
  const held = (positions: Int32Array, seed: number) =>
    [...holdOut(data.train.labels, positions, 4, 0.5, createRng(seed)).held].filter(i => data.train.labels[i] === 2)
  const all = held(range(0, 24), 1)
  expect(
    held(
      range(0, 24).filter(i => i % 4 > 1),
      1,
    ),
  ).toEqual(all)
  expect([2, 3, 4, 5].some(seed => String(held(range(0, 24), seed)) !== String(all))).toBe(true)
})

test('a class is never held out whole', () => {
  const { kept } = holdOut(Int32Array.of(0, 1, 1), range(0, 3), 2, 0.9, createRng(1))
  expect(kept.length).toBe(2)
  expect(kept[0]).toBe(0)
})

test('limits hold for training with validation, and for tests', () => {
  const prepared = prepare({ limit: 4, testLimit: 1, validation: 0.25 })
  expect([prepared.train.count, prepared.validation?.count, prepared.test.count]).toEqual([12, 4, 4])
})

test('without a fraction there is no validation data', () => {
  expect(prepare().validation).toBeUndefined()
  expect(prepare().train.count).toBe(24)
})

test('a fraction that holds nothing out is an error', () => {
  expect(() => prepare({ validation: 0.01 })).toThrow(
    'stream "some": expected validation data in a fraction 0.01 of 24 training examples, got none; raise validation, or leave it out',
  )
})

test('labels are checked in both parts', () => {
  const wrong = { ...data, test: { ...data.test, labels: data.test.labels.map(label => label + 1) } }
  expect(() => prepareData(wrong, { validation: 0 }, createRng(0), 'stream "some"')).toThrow(
    'stream "some": expected test labels from 0 to 3, got 4 in example 3',
  )
})

test('measures on validation data in the place of test data, so that the test data are not looked at', () => {
  const { train, validation, test: measured } = prepare({ validation: 0.5, measureOn: 'validation' }, 3)
  const usual = prepare({ validation: 0.5 }, 3)
  expect(validation).toBeUndefined()
  expect(train.labels).toEqual(usual.train.labels)
  expect(measured.labels).toEqual(usual.validation!.labels)
  expect(() => prepare({ measureOn: 'validation' })).toThrow(
    'stream "some": expected validation above 0 with measureOn: validation, got 0; set validation: 0.1',
  )
})

const cut = { index: 1, name: 'second', labels: [3, 1], ids: [2, 3], names: ['d', 'b'] }

test('a cut has the examples of its classes, under new ids, and copies nothing', async () => {
  const { plugin, reads } = traceData(data)
  const loaded = await new (plugin.definition.class as new () => { load(): Promise<typeof data> })().load()
  const task = cutTask(prepareData(loaded, { validation: 0 }, createRng(0), 'stream "some"'), cut, 'stream "some"')
  expect(task.classes).toEqual([2, 3])
  expect([...task.train.labels.slice(0, 4)]).toEqual([3, 2, 3, 2])
  expect(reads.train).toEqual([])
  await task.train.read(Int32Array.of(0, 1))
  expect(reads.train).toEqual([1, 3])
})

test('a class without training examples, a task without classes and one without tests are errors', () => {
  const lacking = { ...prepare(), classes: [...data.classes, 'e'] }
  expect(() => cutTask(lacking, { ...cut, labels: [4], ids: [2] }, 'stream "some"')).toThrow(
    'stream "some": task 2 ("second"): expected training examples of the class "e", got none; give it data, or leave it out of the stream',
  )
  expect(() => cutTask(prepare(), { ...cut, labels: [] }, 'stream "some"')).toThrow(
    /expected at least one class, got none/,
  )
  const untested = { ...prepare(), test: { ...data.test, count: 0, labels: new Int32Array(0) } }
  expect(() => cutTask(untested, cut, 'stream "some"')).toThrow(LgmError)
})

const views = [
  { name: 'plain', shape: [4, 4, 1] },
  { name: 'twice', shape: [4, 4, 1], change: (rows: Float32Array) => rows.map(value => 2 * value) },
]

test('views share classes in the domain scenario, and have their own in the others', () => {
  const domain = viewTasks(prepare(), views, 'domain', 'stream "some"')
  expect(domain.map(task => task.classes)).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ])
  expect(domain[1]!.names).toEqual(['a', 'b', 'c', 'd'])
  const apart = viewTasks(prepare(), views, 'class', 'stream "some"')
  expect(apart[1]!.classes).toEqual([4, 5, 6, 7])
  expect(apart[1]!.names[2]).toBe('c (twice)')
  expect([...apart[1]!.train.labels.slice(0, 5)]).toEqual([4, 5, 6, 7, 4])
})

test('views change rows as they are read, in every part', async () => {
  const [plain, twice] = viewTasks(prepare({ validation: 0.5 }), views, 'domain', 'stream "some"')
  for (const part of ['train', 'validation', 'test'] as const) {
    const before = await plain![part]!.read(Int32Array.of(2))
    expect(await twice![part]!.read(Int32Array.of(2))).toEqual(before.map(value => 2 * value))
  }
})
