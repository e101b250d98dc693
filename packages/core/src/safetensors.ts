import * as tf from '@tensorflow/tfjs'
import type { Params } from './contracts.js'
import { expected, show } from './errors.js'

const typeOf = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const
/** What is read: PyTorch's whole numbers are `I64` unless told, and become int32. */
const types = { F32: Float32Array, I32: Int32Array, BOOL: Uint8Array, I64: BigInt64Array } as const

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** Numbers of a shape, row-major, outside the tensor engine; a `Uint8Array` holds truth values. */
export interface NamedArray {
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array | Uint8Array
}

/** What a file of the format holds beside its header: arrays by name, in the order written, and texts by name. */
export interface SafetensorsFile {
  readonly arrays: Readonly<Record<string, NamedArray>>
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Writes arrays in the safetensors format: 8 bytes of header length (little-endian), a JSON header, then the data, row-major and
 * little-endian, in the order of `arrays`. The same arrays and metadata give the same bytes.
 */
export function encodeArrays(
  arrays: SafetensorsFile['arrays'],
  metadata: SafetensorsFile['metadata'] = {},
): Uint8Array<ArrayBuffer> {
  // without a prototype, whose keys no name could take
  const header: Record<string, Entry | SafetensorsFile['metadata']> = Object.create(null)
  if (Object.keys(metadata).length > 0) header[metadataKey] = metadata
  const parts: Uint8Array[] = []
  let at = 0
  for (const [name, { shape, values }] of Object.entries(arrays)) {
    const dtype = values instanceof Float32Array ? 'F32' : values instanceof Int32Array ? 'I32' : 'BOOL'
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] }
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

/** Writes tensors as `encodeArrays` does arrays; a reader gives them back in their order: sums over tensors round differently in another. */
export async function encodeSafetensors(params: Params): Promise<Uint8Array<ArrayBuffer>> {
  const arrays: Record<string, NamedArray> = Object.create(null)
  for (const [name, tensor] of Object.entries(params)) {
    if (!(tensor.dtype in typeOf))
      throw expected(`safetensors "${name}"`, 'float32, int32 or bool', tensor.dtype, 'convert the tensor')
    arrays[name] = { shape: tensor.shape, values: await tensor.data() }
  }
  return encodeArrays(arrays)
}

/**
 * Reads what `encodeArrays`, or any other writer of the format, wrote. Nothing in the file is trusted: lengths, offsets, types
 * and shapes are checked before anything is allocated. Whole numbers of 64 bits become those of 32.
 * @throws LgmError `checkpoint` naming `where` and what does not fit.
 */
export function decodeArrays(file: Uint8Array, where = 'safetensors'): SafetensorsFile {
  const fail = (what: string, got: string) =>
    expected(where, what, got, 'the file is damaged or not a safetensors file', 'checkpoint')
  if (file.length < 8) throw fail('at least 8 bytes', `${file.length}`)
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)
  if (length > BigInt(file.length - 8)) throw fail(`a header of at most ${file.length - 8} bytes`, `${length}`)
  const start = 8 + Number(length)
  const header = parseHeader(file.subarray(8, start), fail)
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    // what holds nothing comes before what begins at the same place
    .sort(([, a], [, b]) => offsets(a)[0] - offsets(b)[0] || offsets(a)[1] - offsets(b)[1])
  let at = 0
  for (const [name, entry] of entries) {
    const type = isType(entry?.dtype) && types[entry.dtype]
    if (!type)
      throw expected(
        where,
        `dtype F32, I32, I64 or BOOL for "${name}"`,
        show(entry?.dtype),
        'convert it before it is saved',
        'checkpoint',
      )
    if (!Array.isArray(entry.shape) || !entry.shape.every(side => Number.isSafeInteger(side) && side >= 0))
      throw fail(`a shape for "${name}"`, show(entry.shape))
    const bytes = entry.shape.reduce((product, side) => product * side, type.BYTES_PER_ELEMENT)
    const [from, to] = offsets(entry)
    if (from !== at || to - from !== bytes || start + to > file.length)
      throw fail(`"${name}" at bytes ${at} to ${at + bytes} of ${file.length - start}`, `${from} to ${to}`)
    at = to
  }
  if (start + at !== file.length) throw fail(`${start + at} bytes`, `${file.length}`)
  const metadata = (header as Readonly<Record<string, unknown>>)[metadataKey] ?? {}
  if (!isTexts(metadata)) throw fail('texts as metadata', show(metadata))
  return {
    arrays: Object.fromEntries(entries.map(([name, entry]) => [name, read(file, start, entry, where)])),
    metadata,
  }
}

/**
 * Reads tensors as `decodeArrays` does arrays; they belong to the caller.
 * @throws LgmError `checkpoint` naming `where` and what does not fit.
 */
export function decodeSafetensors(file: Uint8Array, where = 'safetensors'): Params {
  return tensorsOf(decodeArrays(file, where).arrays)
}

/** Tensors of arrays by name; they belong to the caller. */
export function tensorsOf(arrays: SafetensorsFile['arrays']): Params {
  const tensors = Object.entries(arrays).map(([name, { shape, values }]) => {
    const dtype = values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'bool'
    return [name, tf.tensor(values, [...shape], dtype)] as const
  })
  return Object.fromEntries(tensors)
}

const metadataKey = '__metadata__'

function isType(dtype: unknown): dtype is keyof typeof types {
  return typeof dtype === 'string' && Object.hasOwn(types, dtype)
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(text => typeof text === 'string')
  )
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

function read(
  file: Uint8Array,
  start: number,
  { dtype, shape, data_offsets: [from, to] }: Entry,
  where: string,
): NamedArray {
  // a copy of its own: slice of a Buffer, which Node gives for a file, is a view of something larger
  const { buffer } = new Uint8Array(file.subarray(start + from, start + to))
  const values = new types[dtype as keyof typeof types](buffer)
  if (!(values instanceof BigInt64Array)) return { shape, values }
  const large = values.find(value => value !== BigInt.asIntN(32, value))
  if (large !== undefined)
    throw expected(where, 'whole numbers that int32 can hold', `${large}`, 'use smaller numbers', 'checkpoint')
  return { shape, values: Int32Array.from(values, Number) }
}
