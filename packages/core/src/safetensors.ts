import * as tf from '@tensorflow/tfjs'
import type { Params } from './contracts.js'
import { expected } from './errors.js'

const types = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const
const widths: Readonly<Record<string, number>> = { F32: 4, I32: 4, BOOL: 1 }

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/**
 * Writes tensors in the safetensors format: 8 bytes of header length (little-endian), a JSON header, then the data, row-major and
 * little-endian, in the order of `params`, which a reader gives back: sums over tensors round differently in another order.
 */
export async function encodeSafetensors(params: Params): Promise<Uint8Array<ArrayBuffer>> {
  const header: Record<string, Entry> = {}
  const parts: Uint8Array[] = []
  let at = 0
  for (const [name, tensor] of Object.entries(params)) {
    const dtype = types[tensor.dtype as keyof typeof types]
    if (!dtype) throw expected(`safetensors "${name}"`, 'float32, int32 or bool', tensor.dtype, 'convert the tensor')
    const values = await tensor.data()
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    header[name] = { dtype, shape: tensor.shape, data_offsets: [at, at + bytes.length] }
    parts.push(bytes)
    at += bytes.length
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const padded = Math.ceil(text.length / 8) * 8
  const file = new Uint8Array(8 + padded + at).fill(0x20, 8, 8 + padded)
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true)
  file.set(text, 8)
  let offset = 8 + padded
  for (const part of parts) {
    file.set(part, offset)
    offset += part.length
  }
  return file
}

/**
 * Reads what `encodeSafetensors`, or any other writer of the format, wrote. Nothing in the file is trusted: lengths, offsets, types
 * and shapes are checked before anything is allocated.
 * @throws LgmError `checkpoint` naming `where` and what does not fit.
 */
export function decodeSafetensors(file: Uint8Array, where = 'safetensors'): Params {
  const fail = (what: string, got: string) =>
    expected(where, what, got, 'the file is damaged or not a safetensors file', 'checkpoint')
  if (file.length < 8) throw fail('at least 8 bytes', `${file.length}`)
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)
  if (length > BigInt(file.length - 8)) throw fail(`a header of at most ${file.length - 8} bytes`, `${length}`)
  const start = 8 + Number(length)
  const header = parseHeader(file.subarray(8, start), fail)
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .sort(([, a], [, b]) => offsets(a)[0] - offsets(b)[0])
  let at = 0
  for (const [name, entry] of entries) {
    const width = widths[entry?.dtype]
    if (!width) throw fail(`dtype F32, I32 or BOOL for "${name}"`, String(entry?.dtype))
    if (!Array.isArray(entry.shape) || !entry.shape.every(side => Number.isSafeInteger(side) && side >= 0))
      throw fail(`a shape for "${name}"`, JSON.stringify(entry.shape))
    const bytes = entry.shape.reduce((product, side) => product * side, width)
    const [from, to] = offsets(entry)
    if (from !== at || to - from !== bytes || start + to > file.length)
      throw fail(`"${name}" at bytes ${at} to ${at + bytes} of ${file.length - start}`, `${from} to ${to}`)
    at = to
  }
  if (start + at !== file.length) throw fail(`${start + at} bytes`, `${file.length}`)
  return Object.fromEntries(entries.map(([name, entry]) => [name, read(file, start, entry)]))
}

function offsets(entry: Entry): readonly [number, number] {
  const pair = entry?.data_offsets
  return Array.isArray(pair) && pair.length === 2 && pair.every(Number.isSafeInteger)
    ? (pair as unknown as [number, number])
    : [-1, -1]
}

function parseHeader(bytes: Uint8Array, fail: (what: string, got: string) => Error): Record<string, Entry> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) return header as Record<string, Entry>
  } catch {
    throw fail('a JSON header', 'something else')
  }
  throw fail('a JSON object as header', 'something else')
}

function read(file: Uint8Array, start: number, entry: Entry): tf.Tensor {
  const bytes = file.slice(start + entry.data_offsets[0], start + entry.data_offsets[1])
  const shape = entry.shape as number[]
  if (entry.dtype === 'F32') return tf.tensor(new Float32Array(bytes.buffer), shape, 'float32')
  if (entry.dtype === 'I32') return tf.tensor(new Int32Array(bytes.buffer), shape, 'int32')
  return tf.tensor(bytes, shape, 'bool')
}
