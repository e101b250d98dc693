import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { readWhole } from './records.js'

vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  const readSync = (file: number, target: Uint8Array, at: number, length: number, position: number) =>
    fs.readSync(file, target, at, Math.min(length, 3), position)
  return { ...fs, readSync }
})

test('a system that reads three bytes at a time gives the whole file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lgm-records-'))
  const bytes = Array.from({ length: 10 }, (_, i) => i)
  writeFileSync(join(folder, 'file'), Uint8Array.from(bytes))
  expect([...readWhole(join(folder, 'file'), 10, '')]).toEqual(bytes)
  rmSync(folder, { recursive: true })
})
