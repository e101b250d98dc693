import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { encodeIdx } from '@lgm/idx'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readIdxFolder } from './idx-folder.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lgm-idx-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** `count` images of side × side pixels, the i-th all of brightness i, labelled i mod 3. */
const images = (count: number, side = 2) =>
  encodeIdx({
    shape: [count, side, side],
    values: Uint8Array.from({ length: count * side * side }, (_, i) => Math.floor(i / (side * side))),
  })
const labels = (count: number) =>
  encodeIdx({ shape: [count], values: Uint8Array.from({ length: count }, (_, i) => i % 3) })

async function write(files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
}
const whole = () => ({
  'train-images-idx3-ubyte': images(6),
  'train-labels-idx1-ubyte': labels(6),
  't10k-images-idx3-ubyte': images(3),
  't10k-labels-idx1-ubyte': labels(3),
})
const read = () => readIdxFolder({ folder, classes: 3, where: 'dataset "some"', remedy: 'put it there' })

test('reads four plain files', async () => {
  await write(whole())
  const { train, test: tests } = await read()
  expect([train.count, tests.count, train.shape]).toEqual([6, 3, [2, 2, 1]])
  expect(Array.from(train.labels)).toEqual([0, 1, 2, 0, 1, 2])
  expect(Array.from(await train.read(Int32Array.of(5)))).toEqual(new Array(4).fill(Math.fround(5 / 255)))
})

test('compressed files and the names with a dot give the same', async () => {
  await write(
    Object.fromEntries(
      Object.entries(whole()).map(([name, bytes], i) => [
        i < 2 ? `${name}.gz` : name.replace('-idx', '.idx'),
        i < 2 ? gzipSync(bytes) : bytes,
      ]),
    ),
  )
  const { train, test: tests } = await read()
  expect([train.count, tests.count]).toEqual([6, 3])
})

test('a missing folder says what to do', async () => {
  const missing = join(folder, 'nowhere')
  await expect(
    readIdxFolder({ folder: missing, classes: 3, where: 'dataset "some"', remedy: 'put it there' }),
  ).rejects.toThrow(`dataset "some": expected a folder of IDX files at ${missing}, got no such folder; put it there`)
})

test('a file in the place of the folder is told apart from a missing one', async () => {
  await write({ file: labels(1) })
  await expect(
    readIdxFolder({ folder: join(folder, 'file'), classes: 3, where: 'dataset "some"', remedy: 'put it there' }),
  ).rejects.toThrow('got something that is not a folder')
})

test('a missing file is named', async () => {
  const { 't10k-labels-idx1-ubyte': _, ...rest } = whole()
  await write(rest)
  await expect(read()).rejects.toThrow(
    `dataset "some": expected t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz in ${folder}, got no such file; put it there`,
  )
})

test('a truncated gzip file is a clear error', async () => {
  const { 'train-images-idx3-ubyte': plain, ...rest } = whole()
  await write({ ...rest, 'train-images-idx3-ubyte.gz': gzipSync(plain).subarray(0, 20) })
  await expect(read()).rejects.toThrow(
    /train-images-idx3-ubyte\.gz: expected a gzip file, got unexpected end of file; fetch the file again/,
  )
})

test('a truncated IDX file is a clear error', async () => {
  await write({ ...whole(), 't10k-images-idx3-ubyte': images(3).subarray(0, 22) })
  await expect(read()).rejects.toThrow(
    /t10k-images-idx3-ubyte: expected 12 bytes after the header, for dimensions 3 × 2 × 2, got 6; .*truncated/,
  )
})

test('a label out of range names file and position', async () => {
  await write({ ...whole(), 't10k-labels-idx1-ubyte': encodeIdx({ shape: [3], values: Uint8Array.of(0, 9, 1) }) })
  await expect(read()).rejects.toThrow(/t10k-labels-idx1-ubyte: expected labels from 0 to 2, got 9 at position 1/)
})

test('training and test images of different sizes are an error', async () => {
  await write({ ...whole(), 't10k-images-idx3-ubyte': images(3, 4) })
  await expect(read()).rejects.toThrow('expected test images of 2 × 2 pixels, as those for training, got 4 × 4')
})
