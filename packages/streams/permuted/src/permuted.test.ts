import { type Plugin, range, Stream, type Task } from '@lgm/core'
import { build, checkStream, tinyData, traceData } from '@lgm/testing'
import { expect, test } from 'vitest'
import { permuted } from './permuted.js'

checkStream({ plugin: scenario => permuted({ tasks: 3, scenario }) })
checkStream({
  plugin: scenario => permuted({ tasks: 2, scenario, pad: 1, first: 'permuted', validation: 0.3, limit: 4 }),
  data: tinyData({ shape: [3, 2, 3] }),
})

const data = tinyData()
const cut = (plugin: Plugin, seed = 0, from = data): Promise<readonly Task[]> =>
  build(Stream, plugin, { beside: [traceData(from).plugin], seed }).tasks()
const row = async (task: Task, index = 0) => [...(await task.test.read(Int32Array.of(index)))]
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)

test('the first task leaves pixels where they are, the others have the same pixels elsewhere', async () => {
  const [first, second, third] = await cut(permuted({ tasks: 3 }))
  const plain = [...(await data.test.read(Int32Array.of(0)))]
  expect(await row(first!)).toEqual(plain)
  expect(sorted(await row(second!))).toEqual(plain)
  expect(await row(second!)).not.toEqual(plain)
  expect(await row(third!)).not.toEqual(await row(second!))
})

test('all rows of a task, in training and tests, go through one permutation', async () => {
  const [, second] = await cut(permuted({ tasks: 2, validation: 0.5 }))
  // Tiny data count up, so a permutation shows as the ranks of the numbers in a row.
  const ranks = (numbers: readonly number[]) => numbers.map(value => sorted(numbers).indexOf(value))
  const wanted = ranks(await row(second!))
  for (const part of [second!.train, second!.validation!, second!.test])
    for (const index of range(0, part.count))
      expect(ranks([...(await part.read(Int32Array.of(index)))])).toEqual(wanted)
})

test('on request the first task is permuted too', async () => {
  const [first] = await cut(permuted({ tasks: 1, first: 'permuted' }))
  expect(await row(first!)).not.toEqual([...(await data.test.read(Int32Array.of(0)))])
})

test('permutations depend on the seed, and not on how many tasks there are', async () => {
  const second = async (tasks: number, seed: number) => row((await cut(permuted({ tasks }), seed))[1]!)
  expect(await second(2, 1)).toEqual(await second(5, 1))
  expect(await second(2, 1)).not.toEqual(await second(2, 2))
})

test('padding [2, 2] by 1 gives [4, 4] with the image in the middle', async () => {
  const small = tinyData({ shape: [2, 2, 1] })
  const [first, second] = await cut(permuted({ tasks: 2, pad: 1 }), 0, small)
  expect(first!.train.shape).toEqual([4, 4, 1])
  const [a, b, c, d] = await small.test.read(Int32Array.of(0))
  expect(await row(first!)).toEqual([0, 0, 0, 0, 0, a, b, 0, 0, c, d, 0, 0, 0, 0, 0])
  expect(sorted(await row(second!))).toEqual([...new Array(12).fill(0), a, b, c, d])
})

test('the channels of a pixel stay together', async () => {
  const colours = tinyData({ shape: [2, 2, 3] })
  const [, second] = await cut(permuted({ tasks: 2, pad: 2 }), 0, colours)
  const pixels = (numbers: readonly number[]) =>
    Array.from({ length: numbers.length / 3 }, (_, i) => numbers.slice(3 * i, 3 * i + 3).join()).filter(
      pixel => pixel !== '0,0,0',
    )
  expect(pixels(await row(second!)).sort()).toEqual(pixels([...(await colours.test.read(Int32Array.of(0)))]).sort())
})

test('flat examples are permuted as well, but cannot be padded', async () => {
  const flat = tinyData({ shape: [9] })
  expect(sorted(await row((await cut(permuted({ tasks: 2 }), 0, flat))[1]!))).toEqual([
    ...(await flat.test.read(Int32Array.of(0))),
  ])
  await expect(cut(permuted({ pad: 2 }), 0, flat)).rejects.toThrow(
    'stream "permuted": expected images [height, width, …] to pad, got shape [9]; set pad: 0',
  )
})

test('class-incremental, class c of task t is 4·t + c', async () => {
  const tasks = await cut(permuted({ tasks: 2, scenario: 'class' }))
  expect(tasks[1]!.classes).toEqual([4, 5, 6, 7])
  expect(tasks[1]!.names).toEqual(['a (permutation 2)', 'b (permutation 2)', 'c (permutation 2)', 'd (permutation 2)'])
  expect([...tasks[1]!.test.labels.slice(0, 4)]).toEqual([4, 5, 6, 7])
})
