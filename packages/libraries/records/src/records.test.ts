import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LgmError } from '@lgm/core'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openRecords, readWhole } from './records.js'

const folder = mkdtempSync(join(tmpdir(), 'lgm-records-'))
const file = join(folder, 'file')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A header of 2 bytes, the length of a record and their number, then 4 records of 3 bytes: 10 11 12, 20 21 22, … */
const bytes = Uint8Array.of(3, 4, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42)
beforeEach(() => writeFileSync(file, bytes))

const open = (path = file) =>
  openRecords(path, 2, ({ size, start }) => ({ offset: 2, bytes: start[0] ?? 1, count: start[1] ?? 0, size }))

test('records come in the order asked for, neighbours or not, twice or not at all', () => {
  const records = open()
  expect([records.file, records.size, records.count]).toEqual([file, 14, 4])
  expect([...records.read(Int32Array.of(3, 0, 1, 2, 1, 1))]).toEqual(
    [40, 10, 20, 30, 20, 20].flatMap(first => [first, first + 1, first + 2]),
  )
  expect(records.read(new Int32Array(0)).length).toBe(0)
})

test('what was read has a buffer of its own, which can become numbers of any kind', () => {
  const row = open().read(Int32Array.of(1))
  expect([row.byteOffset, row.buffer.byteLength]).toEqual([0, 3])
})

test.each([-1, 4, 2 ** 31 - 1])('the index %d is refused', index => {
  expect(() => open().read(Int32Array.of(0, index))).toThrow(`${file}: expected an index from 0 to 3, got ${index}; `)
})

test('a layout that goes beyond the file is refused before anything is read', () => {
  writeFileSync(file, bytes.subarray(0, 13))
  expect(open).toThrow(`${file}: expected at least 14 bytes, got 13; fetch or write the file again; it is truncated`)
})

test('a file that changes while it is in use is an error, not other numbers', () => {
  const records = open()
  appendFileSync(file, 'more')
  expect(() => records.read(Int32Array.of(0))).toThrow('expected the file that was opened, got one that has changed')
  truncateSync(file, 5)
  expect(() => records.read(Int32Array.of(0))).toThrow('has changed since; start again')
  rmSync(file)
  expect(() => records.read(Int32Array.of(0))).toThrow('expected a file that can be read, got no such file')
})

test('a file of the same size that was written since is another file', () => {
  const records = open()
  utimesSync(file, new Date(), new Date(Date.now() + 60_000))
  expect(() => records.read(Int32Array.of(0))).toThrow('got one that has changed since')
})

test('a missing file, a folder and a path through a file are each one clear line', () => {
  const missing = join(folder, 'none')
  expect(() => open(missing)).toThrow(
    `${missing}: expected a file that can be read, got no such file; correct its name, or put it there`,
  )
  expect(() => open(folder)).toThrow(`${folder}: expected a file, got something else; name a file`)
  expect(() => open(join(file, 'none'))).toThrow('got no such file')
  expect(() => open(missing)).toThrow(LgmError)
})

test('a whole file is read up to a limit', () => {
  expect([...readWhole(file, 14, 'shorten it')]).toEqual([...bytes])
  expect(() => readWhole(file, 13, 'shorten it')).toThrow(`${file}: expected at most 13 bytes, got 14; shorten it`)
})

test.skipIf(process.platform !== 'linux')('no descriptor stays open, whatever happens', () => {
  const descriptors = () => readdirSync('/proc/self/fd').length
  const before = descriptors()
  const records = open()
  records.read(Int32Array.of(2))
  expect(() => records.read(Int32Array.of(9))).toThrow()
  rmSync(file)
  expect(() => records.read(Int32Array.of(0))).toThrow()
  expect(() => open(folder)).toThrow()
  expect(descriptors()).toBe(before)
})

test.skipIf(process.platform !== 'linux')('a pipe that nobody writes to is refused, not waited for', () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  expect(() => open(pipe)).toThrow(`${pipe}: expected a file, got something else`)
})
