import { checkParser, fuzzRuns, hostileJson } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeArrays, decodeSafetensors, encodeArrays } from './safetensors.js'

const arrays = {
  'head/kernel': { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
  'head/bias': { shape: [3], values: Float32Array.of(0, -1, NaN) },
  count: { shape: [], values: Int32Array.of(7) },
  flags: { shape: [4], values: Uint8Array.of(0, 1, 1, 0) },
  none: { shape: [0, 3], values: new Float32Array(0) },
}
const valid = [encodeArrays(arrays, { about: 'text' }), encodeArrays({ one: arrays.count })]

/** The header of a file, as a document to be damaged, and the data behind it. */
const headers = valid.map(file => {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true))
  return { header: JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))), data: file.subarray(8 + length) }
})

/** Files whose length of the header is right, and whose header is not. */
const damagedHeaders = fc
  .constantFrom(...headers)
  .chain(({ header, data }) => hostileJson([header]).map(text => withHeader(text, data)))

function withHeader(text: string, data: Uint8Array): Uint8Array {
  const header = new TextEncoder().encode(text)
  const file = new Uint8Array(8 + header.length + data.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true)
  file.set(header, 8)
  file.set(data, 8 + header.length)
  return file
}

test('a damaged or hostile safetensors file is read or refused', async () => {
  const before = tf.memory().numTensors
  const { read, refused } = await checkParser({
    parse(bytes) {
      const { arrays } = decodeArrays(bytes, 'x.safetensors')
      let total = 0
      for (const { shape, values } of Object.values(arrays)) {
        if (values.length !== shape.reduce((product, side) => product * side, 1)) throw new Error('not of its shape')
        total += values.byteLength
      }
      tf.dispose(decodeSafetensors(bytes))
      if (total >= bytes.length) throw new Error('more than the file holds')
    },
    valid,
    codes: ['checkpoint'],
    more: damagedHeaders,
  })
  expect(tf.memory().numTensors).toBe(before)
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})
