import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { unflatten } from './params.js'
import { decodeArrays, decodeSafetensors, encodeArrays, encodeSafetensors } from './safetensors.js'

const params = () => ({
  'a/kernel': tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]),
  'a/count': tf.tensor1d([7, -8], 'int32'),
  scalar: tf.scalar(0.5),
  none: tf.zeros([0, 3]),
})

/** A file with the given header and data. */
function file(header: unknown, data = new Uint8Array(8)): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

test('tensors come back as they were, and the same tensors give the same bytes', async () => {
  const bytes = await encodeSafetensors(params())
  const back = decodeSafetensors(bytes)
  for (const [name, tensor] of Object.entries(params())) {
    expect(back[name]!.dtype).toBe(tensor.dtype)
    expect(back[name]!.shape).toEqual(tensor.shape)
    expect(back[name]!.dataSync()).toEqual(tensor.dataSync())
  }
  expect(await encodeSafetensors(back)).toEqual(bytes)
})

test('one tensor is laid out as the format says', async () => {
  const bytes = await encodeSafetensors({ t: tf.tensor1d([1]) })
  const header = '{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
  expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(56n)
  expect(new TextDecoder().decode(bytes.subarray(8, 64))).toBe(header.padEnd(56))
  expect(Array.from(bytes.subarray(64))).toEqual([0, 0, 0x80, 0x3f])
})

test('arrays come back as they were without an engine, with the texts beside them; tensors do not mind the texts', () => {
  const arrays = {
    scores: { shape: [2, 3], values: Float32Array.of(-1e9, -Infinity, NaN, -0, 1e-45, 0.1) },
    labels: { shape: [2], values: Int32Array.of(-1, 7) },
    none: { shape: [0, 3], values: new Float32Array(0) },
    flags: { shape: [1], values: Uint8Array.of(1) },
  }
  const before = tf.memory().numTensors
  const bytes = encodeArrays(arrays, { about: '{"ü":1}' })
  const back = decodeArrays(bytes)
  expect(back).toEqual({ arrays, metadata: { about: '{"ü":1}' } })
  expect(Object.keys(back.arrays)).toEqual(Object.keys(arrays))
  expect(Object.is((back.arrays.scores!.values as Float32Array)[3], -0)).toBe(true)
  expect(tf.memory().numTensors).toBe(before)
  expect(encodeArrays(back.arrays, back.metadata)).toEqual(bytes)
  const tensors = decodeSafetensors(bytes)
  expect(Object.keys(tensors)).toEqual(Object.keys(arrays))
  tf.dispose(tensors)
})

test('any name can be written and read, those of what all objects inherit as well', () => {
  const one = { shape: [1], values: Float32Array.of(1) }
  const named = Object.fromEntries(['__proto__', 'constructor', '', 'embedder/__proto__'].map(name => [name, one]))
  const back = decodeArrays(encodeArrays(named)).arrays
  expect(Object.entries(back)).toEqual(Object.entries(named))
  expect(Object.keys(unflatten(decodeSafetensors(encodeArrays(named))).embedder)).toEqual(['__proto__'])
})

test('a file as Node reads it, a view of a larger buffer, gives the same arrays', () => {
  const arrays = { t: { shape: [2], values: Float32Array.of(1, -2) } }
  const { buffer } = Buffer.from([...new Uint8Array(8), ...encodeArrays(arrays)])
  const at = Buffer.from(buffer).indexOf('{"t"') - 8
  const length = encodeArrays(arrays).length
  expect(decodeArrays(Buffer.from(buffer, at, length)).arrays).toEqual(arrays)
})

const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
const entry = (over: object) => ({ t: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...over } })
describe('a file', () => {
  test.each([
    ['of 3 bytes', new Uint8Array(3), /at least 8 bytes, got 3/],
    ['with an absurd header length', new Uint8Array(16).fill(255), /a header of at most 8 bytes/],
    ['whose header is no JSON', file('{nonsense'), /a JSON header/],
    ['whose header is a list', file([]), /a JSON object/],
    ['with an unknown type', file(entry({ dtype: 'F64' })), /dtype F32, I32, I64 or BOOL for "t", got "F64"/],
    ['with a negative side', file(entry({ shape: [-2] })), /a shape for "t"/],
    ['whose shape does not fill its bytes', file(entry({ shape: [3] })), /"t" at bytes 0 to 12/],
    ['with a shape beyond all memory', file(entry({ shape: [2 ** 40, 2 ** 40] })), /"t" at bytes/],
    ['with offsets out of range', file(entry({ data_offsets: [0, 800], shape: [200] })), /"t" at bytes 0 to 800 of 8/],
    [
      'with overlapping tensors',
      file({ ...entry({}), s: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }),
      /"s" at bytes 8 to 12/,
    ],
    [
      'whose metadata are no texts',
      file({ ...entry({}), __metadata__: { about: 1 } }),
      /texts as metadata, got {"about":1}/,
    ],
    // String(…) of such a type throws
    [
      'whose type is no text',
      file(entry({ dtype: { toString: 1 } })),
      /dtype F32, I32, I64 or BOOL for "t", got {"toString":1}/,
    ],
    ['whose type is a list of a type', file(entry({ dtype: ['F32'] })), /for "t", got \["F32"\]/],
    // JSON.stringify(…) of such a shape throws
    [
      'with a shape too deep to be written',
      file(`{"t":{"dtype":"F32","shape":[${deep}]}}`),
      /a shape for "t", got \[\[\[/,
    ],
    [
      'with metadata too deep to be written',
      file(`{"__metadata__":{"a":${deep}}}`, new Uint8Array(0)),
      /texts as metadata/,
    ],
    ['with data to spare', file(entry({}), new Uint8Array(12)), /expected \d+ bytes/],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'x.safetensors')).toThrow(message)
    expect(() => decodeSafetensors(bytes, 'x.safetensors')).toThrow(/^x\.safetensors: expected /)
  })

  test('of 64-bit whole numbers, as PyTorch writes labels, is read as 32-bit ones if they fit', () => {
    const labels = (...values: bigint[]) =>
      file(
        { y: { dtype: 'I64', shape: [2], data_offsets: [0, 16] } },
        new Uint8Array(BigInt64Array.from(values).buffer),
      )
    expect(decodeArrays(labels(3n, -(2n ** 31n))).arrays.y).toEqual({
      shape: [2],
      values: Int32Array.of(3, -(2 ** 31)),
    })
    expect(() => decodeArrays(labels(3n, 2n ** 31n), 'x')).toThrow(
      'x: expected whole numbers that int32 can hold, got 2147483648; use smaller numbers',
    )
  })

  test('whose tensor without numbers stands behind the one that begins with it is read, as other writers order them', () => {
    const empty = { dtype: 'F32', shape: [0], data_offsets: [0, 0] }
    const { arrays } = decodeArrays(file({ ...entry({}), none: empty }))
    expect(Object.keys(arrays).sort()).toEqual(['none', 't'])
    expect(arrays.none!.values.length).toBe(0)
  })
})
