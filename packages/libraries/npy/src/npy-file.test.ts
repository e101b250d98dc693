import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { range } from '@lgm/core'
import { afterAll, expect, test } from 'vitest'
import { encodeNpy, type NpyArray } from './npy.js'
import { openNpy } from './npy-file.js'

const folder = mkdtempSync(join(tmpdir(), 'lgm-npy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'x.npy')
const open = (array: Omit<NpyArray, 'values'> & { values: NpyArray['values'] | BigInt64Array }) => {
  writeFileSync(file, encodeNpy(array))
  return openNpy(file)
}

/** Four rows of 2 × 3 numbers: 0 to 5, 6 to 11, 12 to 17, 18 to 23. */
const counted = Array.from({ length: 24 }, (_, i) => i)

test.each([
  ['<f4', Float32Array.from(counted), Float32Array],
  ['<f8', Float64Array.from(counted), Float64Array],
  ['|u1', Uint8Array.from(counted), Uint8Array],
  ['<i4', Int32Array.from(counted), Int32Array],
  ['<i8', BigInt64Array.from(counted, BigInt), Float64Array],
] as const)('rows of %s come from disk in the order asked for', (dtype, values, kind) => {
  const opened = open({ shape: [4, 2, 3], values })
  expect([opened.file, opened.dtype, opened.shape]).toEqual([file, dtype, [4, 2, 3]])
  const rows = opened.rows(Int32Array.of(3, 1, 2, 3))
  expect(rows).toBeInstanceOf(kind)
  expect([...rows]).toEqual([3, 1, 2, 3].flatMap(row => counted.slice(6 * row, 6 * row + 6)))
  expect([...opened.rows(range(0, 4))]).toEqual(counted)
})

test('a number that cannot be kept is named by its row', () => {
  const values = BigInt64Array.of(0n, 0n, 0n, 2n ** 60n)
  expect(() => open({ shape: [2, 2], values }).rows(Int32Array.of(0, 1))).toThrow('in row 1, position 1; use smaller')
})

test('what has no rows has none to give', () => {
  const scalar = open({ shape: [], values: Uint8Array.of(7) })
  expect(() => scalar.rows(Int32Array.of(0))).toThrow('expected an index from 0 to -1, got 0')
  expect(open({ shape: [0, 3], values: new Float32Array(0) }).rows(new Int32Array(0)).length).toBe(0)
})

test('a missing file and a truncated one are clear errors', () => {
  expect(() => openNpy(join(folder, 'none.npy'))).toThrow(
    'none.npy: expected a file that can be read, got no such file',
  )
  writeFileSync(file, encodeNpy({ shape: [2], values: Float32Array.of(1, 2) }).subarray(0, 133))
  expect(() => openNpy(file)).toThrow(`${file}: expected 8 bytes after the header, for shape (2) of <f4, got 5`)
})
