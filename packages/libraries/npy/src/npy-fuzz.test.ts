import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkParser, fuzzRuns, hostileBytes, hostileText } from '@lgm/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeNpy, encodeNpy, type NpyArray } from './npy.js'
import { decodeNpz } from './npz.js'
import { readDictionary } from './python-dictionary.js'
import { zip } from './zip.fixture.js'

/** Written by NumPy 2.4. */
const written = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, 'numpy', name)))

const valid = ['f4', 'f8', 'u1', 'i8', 'scalar', 'none', 'version-2', 'version-3', 'fields'].map(name =>
  written(`${name}.npy`),
)
const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
const headers = hostileText([header, header.replace('2, 3', '6,'), header.replace('<f4', '|u1').replace('2, 3', '24,')])

/** Files whose length of the header is right, and whose header is not. */
const damagedHeaders = fc.tuple(headers, fc.constantFrom(1, 2, 3)).map(([text, version]) => {
  const encoded = new TextEncoder().encode(text)
  const start = version === 1 ? 10 : 12
  const file = new Uint8Array(start + encoded.length + 24)
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version])
  new DataView(file.buffer).setUint16(8, encoded.length, true)
  file.set(encoded, start)
  return file
})

function check({ shape, values }: NpyArray, most: number): void {
  if (values.length !== shape.reduce((product, side) => product * side, 1)) throw new Error('not of its shape')
  if (values.byteLength > most) throw new Error('more than the file holds')
}

test('a damaged or hostile .npy file is read or refused', async () => {
  const { read, refused } = await checkParser({
    parse: bytes => check(decodeNpy(bytes, 'x.npy'), bytes.length),
    valid,
    codes: ['data'],
    more: damagedHeaders,
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.05)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})

/** Zip files that are whole, of members that are not. */
const damagedMembers = hostileBytes([encodeNpy({ shape: [3], values: Uint8Array.of(1, 2, 3) })]).map(data =>
  zip([{ name: 'x.npy', data }]),
)

test('a damaged or hostile .npz file is read or refused', async () => {
  const { read, refused } = await checkParser({
    parse(bytes) {
      const { names, read } = decodeNpz(bytes, 'x.npz')
      for (const name of names) check(read(name), 1032 * bytes.length)
    },
    valid: [written('stored.npz'), written('deflated.npz')],
    codes: ['data'],
    more: damagedMembers,
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.05)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})

test('a long header takes time in proportion to its length', () => {
  const start = performance.now()
  for (const piece of ['{', '(', "'", '"', ' ', '1', "'a':(1,),", "'a'", '((1,', "{'a':("])
    for (const before of ['', '{', "{'shape': ("]) readDictionary(before + piece.repeat(65_000 / piece.length))
  expect(performance.now() - start).toBeLessThan(5000)
})
