import { expected, show, sizeOf } from '@lgm/core'
import { readDictionary } from './python-dictionary.js'

/** Numbers as NumPy's types have them; those of `i8` are doubles, and whole. */
export type NpyValues = Float32Array | Float64Array | Uint8Array | Int32Array

/** An array, row-major. */
export interface NpyArray {
  readonly shape: readonly number[]
  readonly values: NpyValues
}

/** Bytes of a number, by NumPy's names of the types that are read. */
const itemBytes = { '<f4': 4, '<f8': 8, '|u1': 1, '<i4': 4, '<i8': 8 } as const
export type NpyType = keyof typeof itemBytes

/** What stands before the numbers of an array. */
export interface NpyHeader {
  readonly dtype: NpyType
  readonly shape: readonly number[]
  /** Where the numbers begin, in bytes. */
  readonly offset: number
}

/** The longest header that is read, with what comes before it. That of an array without fields has some hundred bytes. */
export const longestHeader = 12 + 65_535
/** As many as NumPy had, long; it cannot make arrays of more than 64. */
const mostSides = 32
const prefix = '\x93NUMPY'
const again = 'save it again with numpy.save; the file is damaged'

/**
 * Reads the header of NumPy's format (NEP 1), versions 1.0, 2.0 and 3.0: `\x93NUMPY`, the version, the length of the header, and a
 * Python dictionary with type, order and shape. The dictionary is parsed, not evaluated, and the shape must fill the file exactly: a header that claims
 * absurd sizes costs nothing.
 *
 * @param start the first bytes of the file, `longestHeader` of them or as many as there are
 * @param size bytes of the whole file
 * @param file names the source in messages
 * @throws LgmError `data` for anything that is not little-endian f4, f8, u1, i4 or i8 in C order, whole.
 */
export function readNpyHeader(start: Uint8Array, size: number, file: string): NpyHeader {
  const { text, offset } = headerText(start, file)
  const entries = readDictionary(text)
  const [dtype, fortran, shape] = ['descr', 'fortran_order', 'shape'].map(key => entries?.get(key))
  const isWhole = typeof dtype === 'string' && typeof fortran === 'boolean' && Array.isArray(shape)
  if (!isWhole || entries?.size !== 3)
    throw expected(
      file,
      "a header such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }",
      show(text),
      'save a plain array, without fields, with numpy.save',
      'data',
    )
  if (!isType(dtype))
    throw expected(
      file,
      `numbers of type ${Object.keys(itemBytes).join(', ')}`,
      show(dtype),
      "convert the array before it is saved, as x.astype('<f4')",
      'data',
    )
  if (fortran)
    throw expected(
      file,
      'an array in C order',
      'one in Fortran order',
      'save numpy.ascontiguousarray(x) in its place',
      'data',
    )
  const sides: readonly number[] = shape
  if (sides.length > mostSides || !sides.every(Number.isSafeInteger))
    throw expected(file, `at most ${mostSides} sides that a computer can count`, show(sides), again, 'data')
  const claimed = sizeOf(sides) * itemBytes[dtype]
  // not a number, if some sides are absurd and one is 0
  if (claimed !== size - offset)
    throw expected(
      file,
      `${claimed} bytes after the header, for shape (${sides.join(', ')}) of ${dtype}`,
      `${size - offset}`,
      size - offset < claimed ? 'copy or save it again; it is truncated' : 'save one array a file',
      'data',
    )
  return { dtype, shape: sides, offset }
}

function headerText(start: Uint8Array, file: string): { text: string; offset: number } {
  const magic = String.fromCharCode(...start.subarray(0, prefix.length))
  if (magic !== prefix) {
    const remedy = magic.startsWith('PK\x03\x04') ? 'it is a zip file: end its name in .npz' : again
    throw expected(file, `the beginning ${show(prefix)} of a .npy file`, show(magic), remedy, 'data')
  }
  const [major = 0, minor = 0] = start.subarray(6, 8)
  if (!(major >= 1 && major <= 3 && minor === 0))
    throw expected(file, 'version 1.0, 2.0 or 3.0 of the format', `${major}.${minor}`, again, 'data')
  const from = major === 1 ? 10 : 12
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  const length = start.length < from ? from : major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  const offset = from + length
  if (offset > Math.min(start.length, longestHeader))
    throw expected(
      file,
      `a header of at most ${Math.max(0, Math.min(start.length, longestHeader) - from)} bytes`,
      `${length}`,
      again,
      'data',
    )
  const text = new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(start.subarray(from, offset))
  return { text, offset }
}

function isType(dtype: string): dtype is NpyType {
  return Object.hasOwn(itemBytes, dtype)
}

/** The bytes of one row, which is all numbers of one index of the first side. */
export function rowBytes({ dtype, shape }: NpyHeader): number {
  return sizeOf(shape.slice(1)) * itemBytes[dtype]
}

/**
 * Numbers of little-endian bytes, which become theirs.
 * @param place says where a number stands, from its position
 * @throws LgmError `data` for a number of type i8 beyond ±(2⁵³ − 1), which a double would round.
 */
export function valuesOf(
  { buffer }: Uint8Array<ArrayBuffer>,
  dtype: NpyType,
  file: string,
  place: (position: number) => string,
): NpyValues {
  if (dtype === '|u1') return new Uint8Array(buffer)
  if (dtype === '<i4') return new Int32Array(buffer)
  if (dtype === '<f4') return new Float32Array(buffer)
  if (dtype === '<f8') return new Float64Array(buffer)
  const words = new Int32Array(buffer)
  return Float64Array.from({ length: words.length / 2 }, (_, i) => {
    const value = words[2 * i + 1]! * 2 ** 32 + (words[2 * i]! >>> 0)
    if (Number.isSafeInteger(value)) return value
    throw expected(file, 'whole numbers within ±(2⁵³ − 1)', `about ${value} ${place(i)}`, 'use smaller numbers', 'data')
  })
}

/**
 * Reads a whole file of NumPy's format. The values are a copy.
 * @param file names the source in messages
 * @throws LgmError `data` as `readNpyHeader` and `valuesOf` do.
 */
export function decodeNpy(bytes: Uint8Array, file: string): NpyArray {
  const { dtype, shape, offset } = readNpyHeader(bytes, bytes.length, file)
  // a copy of its own: numbers cannot begin anywhere in a buffer
  const own = new Uint8Array(bytes.subarray(offset))
  return { shape, values: valuesOf(own, dtype, file, position => `at position ${position}`) }
}

/**
 * Writes NumPy's format, version 1.0, to the bytes that `numpy.save` writes.
 * @throws LgmError `input` when the number of values does not fit the shape.
 */
export function encodeNpy({
  shape,
  values,
}: {
  readonly shape: readonly number[]
  readonly values: NpyValues | BigInt64Array
}): Uint8Array<ArrayBuffer> {
  if (sizeOf(shape) !== values.length)
    throw expected('encodeNpy', `${sizeOf(shape)} values for shape [${shape}]`, `${values.length}`, 'correct the shape')
  const dtype: NpyType =
    values instanceof Float32Array
      ? '<f4'
      : values instanceof Float64Array
        ? '<f8'
        : values instanceof Uint8Array
          ? '|u1'
          : values instanceof Int32Array
            ? '<i4'
            : '<i8'
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const header = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`
  // numbers begin at a multiple of 64, after the end of a line
  const offset = Math.ceil((10 + header.length + 1) / 64) * 64
  const file = new Uint8Array(offset + values.byteLength)
  const text = `${prefix}\x01\x00  ${header.padEnd(offset - 11)}\n`
  for (let i = 0; i < offset; i++) file[i] = text.charCodeAt(i)
  new DataView(file.buffer).setUint16(8, offset - 10, true)
  file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset)
  return file
}
