import { expect, test } from 'vitest'
import { decodeIdx, encodeIdx, idxExamples } from './idx.js'

/** Two images of 2 × 3 pixels, byte by byte: magic 0x00000803, dimensions 2, 2, 3, then 12 pixels. */
const images = Uint8Array.of(
  ...[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3],
  ...[0, 51, 102, 153, 204, 255, 255, 204, 153, 102, 51, 0],
)
/** Two labels: magic 0x00000801, dimension 2, then 7 and 1. */
const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 1)
const pair = { images, labels, imagesFile: 'some-images', labelsFile: 'some-labels' }

test('reads dimensions and bytes', () => {
  const { shape, values } = decodeIdx(images, 'some-images', 3)
  expect(shape).toEqual([2, 2, 3])
  expect(Array.from(values.subarray(0, 3))).toEqual([0, 51, 102])
  expect(values.length).toBe(12)
})

test('the values are a view of the bytes, wherever in a buffer they lie', () => {
  const within = new Uint8Array(images.length + 5)
  within.set(images, 5)
  const { values } = decodeIdx(within.subarray(5), 'some-images', 3)
  expect(values.buffer).toBe(within.buffer)
  expect(Array.from(values)).toEqual(Array.from(images.subarray(16)))
})

test('what is written is what was read', () => {
  expect(encodeIdx(decodeIdx(images, 'some-images', 3))).toEqual(images)
  expect(encodeIdx(decodeIdx(labels, 'some-labels', 1))).toEqual(labels)
})

test('examples are [height, width, 1] in 0 to 1, with their labels', async () => {
  const examples = idxExamples(pair, 10)
  expect(examples.count).toBe(2)
  expect(examples.shape).toEqual([2, 3, 1])
  expect(Array.from(examples.labels)).toEqual([7, 1])
  const row = await examples.read(Int32Array.of(0))
  expect(Array.from(row, value => Math.round(value * 1e6) / 1e6)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
})

const changed = (bytes: Uint8Array, at: number, ...values: number[]) => {
  const copy = bytes.slice()
  copy.set(values, at)
  return copy
}

test.each([
  ['an empty file', new Uint8Array(0), 'got a file of 0 bytes'],
  [
    'a wrong magic number',
    changed(images, 0, 137, 80, 78, 71),
    'expected the magic number 0x00000803 of IDX images, got 0x89504e47',
  ],
  [
    'an element type other than bytes',
    changed(images, 2, 0x0d),
    'got 0x00000d03; check that this is an IDX file of unsigned bytes',
  ],
  ['labels in the place of images', labels, 'got 0x00000801; check whether images and labels have been swapped'],
  ['a file still compressed', changed(images, 0, 0x1f, 0x8b), 'unpack it first'],
  ['a header cut short', images.subarray(0, 10), 'expected a header of 16 bytes, got a file of 10 bytes'],
  [
    'data cut short',
    images.subarray(0, 20),
    'expected 12 bytes after the header, for dimensions 2 × 2 × 3, got 4; fetch the file again; it is truncated',
  ],
  [
    'bytes left over',
    changed(new Uint8Array(40), 0, ...images),
    'got 24; fetch the file again; it is longer than its header says',
  ],
  [
    'absurd dimensions',
    changed(images, 4, 255, 255, 255, 255, 255, 255, 255, 255),
    'for dimensions 4294967295 × 4294967295 × 3, got 12',
  ],
])('%s is a clear error that names the file', (_, bytes, message) => {
  expect(() => decodeIdx(bytes, 'some-images', 3)).toThrow(message)
  expect(() => decodeIdx(bytes, 'some-images', 3)).toThrow(/^some-images: expected .+, got .+; .+/)
})

test('different numbers of images and labels are an error that names both files', () => {
  const three = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 1, 2)
  expect(() => idxExamples({ ...pair, labels: three }, 10)).toThrow(
    'some-labels: expected 2 labels, one for each image in some-images, got 3; take both files from the same place',
  )
})

test('a label out of range is an error that says where', () => {
  expect(() => idxExamples(pair, 7)).toThrow('some-labels: expected labels from 0 to 6, got 7 at position 0')
})

test('no images at all are an error', () => {
  const none = { ...pair, images: encodeIdx({ shape: [0, 28, 28], values: new Uint8Array(0) }) }
  expect(() => idxExamples(none, 10)).toThrow(
    'some-images: expected at least one image of at least one pixel, got dimensions 0 × 28 × 28',
  )
})

test('writing checks the number of values', () => {
  expect(() => encodeIdx({ shape: [2, 2], values: new Uint8Array(3) })).toThrow('expected 4 values')
})
