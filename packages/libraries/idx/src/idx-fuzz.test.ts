import { checkParser, fuzzRuns } from '@lgm/testing'
import { expect, test } from 'vitest'
import { decodeIdx, encodeIdx, idxExamples } from './idx.js'

const images = encodeIdx({ shape: [4, 2, 3], values: Uint8Array.from({ length: 24 }, (_, i) => 10 * i) })
const labels = encodeIdx({ shape: [4], values: Uint8Array.of(0, 1, 2, 9) })

test.each([
  ['images', 3, images],
  ['labels', 1, labels],
] as const)('damaged or hostile %s are read or refused', async (_, dimensions, file) => {
  const { read, refused } = await checkParser({
    parse(bytes) {
      const { shape, values } = decodeIdx(bytes, 'file', dimensions)
      if (shape.length !== dimensions || values.length !== shape.reduce((a, b) => a * b, 1)) throw new Error('no shape')
      if (values.buffer !== bytes.buffer) throw new Error('a copy')
    },
    valid: [file],
    codes: ['data'],
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})

test('damaged or hostile pairs of images and labels are read or refused', async () => {
  const { read, refused } = await checkParser({
    async parse(bytes) {
      // the first byte says where the images end
      const at = bytes[0] ?? 0
      const pair = { images: bytes.subarray(1, 1 + at), labels: bytes.subarray(1 + at) }
      const examples = idxExamples({ ...pair, imagesFile: 'images', labelsFile: 'labels' }, 10)
      const all = await examples.read(Int32Array.from({ length: examples.count }, (_, i) => i))
      if (!all.every(value => value >= 0 && value <= 1)) throw new Error('out of range')
    },
    valid: [Uint8Array.of(images.length, ...images, ...labels)],
    codes: ['data'],
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})
