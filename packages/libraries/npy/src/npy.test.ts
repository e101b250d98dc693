import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LgmError } from '@lgm/core'
import { describe, expect, test } from 'vitest'
import { decodeNpy, encodeNpy } from './npy.js'

/** Written by NumPy 2.4. */
const written = (name: string) => readFileSync(join(import.meta.dirname, 'numpy', name))
const read = (name: string) => decodeNpy(written(name), name)

const numbers = [0.5, -1, 2, 3, 4, 1e-30]
const x = { shape: [2, 3], values: Float32Array.from(numbers) }

describe('what NumPy wrote is read to the same numbers, and written to the same bytes:', () => {
  test.each([
    ['f4.npy', x],
    ['f8.npy', { shape: [2, 3], values: Float64Array.from(numbers) }],
    ['u1.npy', { shape: [3], values: Uint8Array.of(0, 51, 255) }],
    ['i4.npy', { shape: [2, 1], values: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) }],
    ['scalar.npy', { shape: [], values: Int32Array.of(7) }],
    ['none.npy', { shape: [0, 3], values: new Float32Array(0) }],
  ])('%s', (name, array) => {
    expect(read(name)).toEqual(array)
    expect(encodeNpy(array)).toEqual(new Uint8Array(written(name)))
  })

  test('i8.npy, as doubles', () => {
    const values = [2 ** 53 - 1, 1 - 2 ** 53, -1, 0, 2 ** 32]
    expect(read('i8.npy')).toEqual({ shape: [5], values: Float64Array.from(values) })
    expect(encodeNpy({ shape: [5], values: BigInt64Array.from(values, BigInt) })).toEqual(
      new Uint8Array(written('i8.npy')),
    )
  })
})

test.each([2, 3])('version %d.0 of the format gives the same as version 1.0', version => {
  expect(read(`version-${version}.npy`)).toEqual(x)
})

test.each([
  ['fortran.npy', 'expected an array in C order, got one in Fortran order; save numpy.ascontiguousarray(x)'],
  ['big-endian.npy', 'expected numbers of type <f4, <f8, |u1, <i4, <i8, got ">f4"; convert the array'],
  ['half.npy', 'got "<f2"; convert the array before it is saved'],
  ['objects.npy', 'got "|O"; convert the array'],
  ['fields.npy', `got "{'descr': [('a', '<f4'), ('b', '<i4')], `],
])('what is not read is refused: %s', (name, message) => {
  expect(() => read(name)).toThrow(message)
  expect(() => read(name)).toThrow(LgmError)
})

/** A file of version 1.0 with the given header, and 8 bytes of data. */
function file(header: string, data = 8): Uint8Array {
  const text = Uint8Array.from(header, character => character.charCodeAt(0))
  const magic = [0x93, ...Buffer.from('NUMPY'), 1, 0, text.length & 255, text.length >> 8]
  return Uint8Array.of(...magic, ...text, ...new Uint8Array(data))
}
const header = (shape: string, more = '') => file(`{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}${more}}`)

test.each([
  ['(2,)', [2]],
  ['(2)', [2]],
  ['(1, 2,)', [1, 2]],
  ['(1L, 2L)', [1, 2]],
])('a header of other writers: shape %s', (shape, sides) => {
  expect(decodeNpy(header(shape), 'x.npy').shape).toEqual(sides)
  expect(decodeNpy(header(shape, ', '), 'x.npy').shape).toEqual(sides)
})

const f4 = written('f4.npy')
const changed = (at: number, ...values: number[]) => {
  const copy = new Uint8Array(f4)
  copy.set(values, at)
  return copy
}

test.each([
  ['an empty file', new Uint8Array(0), 'expected the beginning "\\u0093NUMPY" of a .npy file, got ""'],
  ['a zip file', Uint8Array.from(Buffer.from('PK\x03\x04  ')), 'it is a zip file: end its name in .npz'],
  ['an unknown version', changed(6, 4), 'expected version 1.0, 2.0 or 3.0 of the format, got 4.0'],
  ['another unknown version', changed(6, 1, 1), 'got 1.1'],
  ['a file cut short in its version', f4.subarray(0, 7), 'expected a header of at most 0 bytes, got 10'],
  ['a header cut short', f4.subarray(0, 50), 'expected a header of at most 40 bytes, got 118'],
  ['an absurd length of the header', changed(6, 2, 0, 255, 255, 255, 255), 'at most 140 bytes, got 4294967295'],
  ['data cut short', f4.subarray(0, 151), 'expected 24 bytes after the header, for shape (2, 3) of <f4, got 23'],
  ['bytes left over', Buffer.concat([f4, f4]), 'got 176; save one array a file'],
  ['a shape beyond all memory', header('(4294967296, 4294967296)'), 'expected 73786976294838210000 bytes'],
  ['a shape of more than a computer counts', header('(99999999999999999,)'), 'sides that a computer can count'],
  ['a shape of absurd numbers and none', header('(0, 9007199254740991, 99999999999999999)'), 'can count'],
  ['a shape of too many sides', header(`(${'1, '.repeat(33)})`), 'expected at most 32 sides'],
  ['a negative side', header('(-2,)'), 'expected a header such as {'],
  ['a side that is a fraction', header('(2.0,)'), 'expected a header such as {'],
  ['a side in words', header('(2, two)'), 'expected a header such as {'],
  ['a shape without brackets', header('2'), 'expected a header such as {'],
  ['a header that calls', header('(2,), "a": __import__("os").system("ls")'), 'expected a header such as {'],
  ['a header with more', header("(2,), 'more': True"), 'expected a header such as {'],
  ['a key that stands there twice', header("(2,), 'shape': (2,)"), 'expected a header such as {'],
  [
    'a header with something behind it',
    file(`${"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"} x`),
    'such as',
  ],
  ['a header without a key', file("{'descr': '<f4', 'fortran_order': False}"), 'expected a header such as {'],
  [
    'a type by the name of what objects inherit',
    file("{'descr': 'constructor', 'fortran_order': False, 'shape': (2,)}"),
    'got "constructor"',
  ],
  ['commas alone', file('{,}'), 'expected a header such as {'],
])('%s is a clear error that names the file', (_, bytes, message) => {
  expect(() => decodeNpy(bytes, 'x.npy')).toThrow(message)
  expect(() => decodeNpy(bytes, 'x.npy')).toThrow(/^x\.npy: expected .+, got .*; .+/)
})

test('a whole number that a double would round is refused, with its place', () => {
  const values = BigInt64Array.of(2n ** 53n - 1n, 2n ** 53n)
  expect(() => decodeNpy(encodeNpy({ shape: [2], values }), 'y.npy')).toThrow(
    'y.npy: expected whole numbers within ±(2⁵³ − 1), got about 9007199254740992 at position 1; use smaller numbers',
  )
  const least = encodeNpy({ shape: [1], values: BigInt64Array.of(-(2n ** 63n)) })
  expect(() => decodeNpy(least, 'y.npy')).toThrow('got about -9223372036854776000 at position 0')
})

test('writing checks the number of values', () => {
  expect(() => encodeNpy({ shape: [2, 2], values: new Uint8Array(3) })).toThrow('expected 4 values for shape [2,2]')
})
