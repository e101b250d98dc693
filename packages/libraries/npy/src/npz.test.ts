import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { LgmError } from '@lgm/core'
import { expect, test } from 'vitest'
import { encodeNpy } from './npy.js'
import { decodeNpz } from './npz.js'
import { type Member, zip } from './zip.fixture.js'
import { readZip } from './zip.js'

/** Written by NumPy 2.4. */
const written = (name: string) => readFileSync(join(import.meta.dirname, 'numpy', name))

test.each(['stored.npz', 'deflated.npz'])('%s, as NumPy wrote it, has the arrays x and y', name => {
  const { names, read } = decodeNpz(written(name), name)
  expect(names).toEqual(['x', 'y'])
  expect(read('x')).toEqual({ shape: [2, 3], values: Float32Array.of(0.5, -1, 2, 3, 4, 1e-30) })
  expect(read('y')).toEqual({ shape: [2], values: Float64Array.of(1, 0) })
  expect(() => read('z')).toThrow(`${name}: expected an array "z", got those named ["x","y"]; name one of them`)
})

const array = encodeNpy({ shape: [3], values: Uint8Array.of(1, 2, 3) })
const one = (change?: Member['change'], data = array) => [{ name: 'x.npy', data, ...(change ? { change } : {}) }]
const packed = deflateRawSync(array).length

test('a comment at the end and other files do no harm', () => {
  const more = [...one(), { name: 'readme.txt', data: Buffer.from('text') }]
  const { names, read } = decodeNpz(zip(more, { entries: 2, size: -1, comment: 'PK\x05\x06, so to speak' }), 'x.npz')
  expect(names).toEqual(['x'])
  expect([...read('x').values]).toEqual([1, 2, 3])
})

test.each<[string, Uint8Array, string]>([
  ['an empty file', new Uint8Array(0), 'expected a zip file, got one without a directory at its end'],
  ['no zip file', new Uint8Array(100), 'expected a zip file'],
  ['a file cut short', zip(one()).subarray(0, -1), 'expected a zip file'],
  ['a directory beyond the file', zip(one(), { entries: 1, size: 2 ** 32 - 1, comment: '' }), 'a directory within its'],
  [
    'more entries than there are',
    zip(one(), { entries: 9, size: -1, comment: '' }),
    'expected 9 entries in the directory, got 1',
  ],
  ['a name twice', zip([...one(), ...one()]), 'expected each name once, got "x.npy" twice'],
  ['an encrypted member', zip(one({ flags: 1 })), 'x.npz: x.npy: expected an unencrypted member, got an encrypted one'],
  ['an unknown method', zip(one({ method: 99 })), 'expected a stored or deflated member, got method 99'],
  ['a member that is not where it should be', zip(one({ at: 1 })), 'expected a member at byte 1, got none'],
  ['a member beyond the file', zip(one({ at: 2 ** 32 - 1 })), 'expected a member at byte 4294967295, got none'],
  ['a member longer than the file', zip(one({ packed: 10_000 })), 'expected 10000 bytes, got '],
  [
    'deflated data cut short',
    zip(one({ packed: packed - 1 })),
    `expected deflated data of ${array.length} bytes, got unexpected end`,
  ],
  ['a wrong checksum', zip(one({ crc: 7 })), `expected the checksum 7, got ${crc32(array)}`],
  [
    'a member longer than declared',
    zip(one({ size: array.length - 1 })),
    'expected deflated data of 130 bytes, got Cannot create',
  ],
  ['a member shorter than declared', zip(one({ size: array.length + 1 })), 'expected 132 bytes, as declared, got 131'],
  ['a declared size that no data can have', zip(one({ size: 2 ** 30 })), `expected at most ${1032 * packed} bytes`],
  [
    'a stored member of another size',
    zip(one({ method: 0 })),
    `expected ${packed} bytes, stored, got a declared size of 131`,
  ],
  ['a member that is no array', zip(one({}, Buffer.from('text'))), 'x.npz: x: expected the beginning'],
])('%s is a clear error that names the file', (_, bytes, message) => {
  const read = () => decodeNpz(bytes, 'x.npz').read('x')
  expect(read).toThrow(message)
  expect(read).toThrow(/^x\.npz: .*expected .+, got .+; .+/)
  expect(read).toThrow(LgmError)
})

test('a bomb of ten million zeros that says it holds ten bytes is not unpacked', () => {
  const bomb = zip(one({ size: 10 }, new Uint8Array(1e7)))
  const before = process.memoryUsage().arrayBuffers
  const member = readZip(bomb, 'bomb.npz').get('x.npy')!
  expect(() => member()).toThrow('bomb.npz: x.npy: expected deflated data of 10 bytes')
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
})
