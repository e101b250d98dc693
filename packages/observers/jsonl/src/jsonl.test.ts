import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LearnerEvent, Observer } from '@lgm/core'
import { checkObserver } from '@lgm/testing'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonl } from './index.js'

const shared = mkdtempSync(join(tmpdir(), 'lgm-jsonl-'))
afterAll(() => rmSync(shared, { recursive: true, force: true }))
let made = 0
checkObserver({ plugin: () => jsonl({ path: join(shared, `${made++}.jsonl`) }) })

/** Runs `work` in a process whose files may have `bytes` bytes at most, as if the disk were full. */
function withLargestFile(bytes: number, work: () => void): void {
  const limit = (most: number | string) =>
    execFileSync('prlimit', [`--pid=${process.pid}`, `--fsize=${most}:unlimited`])
  limit(bytes)
  try {
    work()
  } finally {
    limit('unlimited')
  }
}
const mayLimit = existsSync('/usr/bin/prlimit')

describe('the jsonl observer', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lgm-jsonl-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const observer = (path: string): Observer => {
    const { definition, options } = jsonl({ path })
    return new definition.class(options) as Observer
  }
  const step: LearnerEvent = { type: 'step', fit: 'learn', step: 20, of: 100, terms: { loss: 0.5 }, shares: {} }
  const lines = (path: string) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))

  test('writes each event as one line, with the time, before it is closed', () => {
    const path = join(folder, 'deep', 'events.jsonl')
    const writer = observer(path)
    writer.notice(step)
    writer.notice({ type: 'run-failed', message: 'two\nlines' })
    expect(lines(path)).toEqual([
      { time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), ...step },
      { time: expect.any(String), type: 'run-failed', message: 'two\nlines' },
    ])
    writer.close?.()
    writer.close?.()
  })

  test('says of a picture how large it is, and leaves its bytes out', () => {
    const path = join(folder, 'events.jsonl')
    const writer = observer(path)
    writer.notice({ type: 'picture', task: 2, name: 'samples', png: new Uint8Array(1234) })
    writer.close?.()
    expect(lines(path)).toEqual([{ time: expect.any(String), type: 'picture', task: 2, name: 'samples', bytes: 1234 }])
  })

  test('goes back to where it was, so that no event stands twice', () => {
    const path = join(folder, 'events.jsonl')
    const writer = observer(path)
    writer.notice(step)
    const mark = JSON.parse(JSON.stringify(writer.mark!()))
    writer.notice({ type: 'run-failed', message: 'killed' })
    writer.close?.()
    const later = observer(path)
    later.rewind!(mark)
    later.notice({ ...step, step: 40 })
    later.close?.()
    expect(lines(path).map(line => line.step)).toEqual([20, 40])
    expect(() => observer(path).rewind!(10_000)).toThrow(
      /observer "jsonl": expected at least 10000 bytes in .*, got \d+; /,
    )
  })

  test('appends to what is there', () => {
    const path = join(folder, 'events.jsonl')
    writeFileSync(path, '{"before":true}\n')
    const writer = observer(path)
    writer.notice(step)
    writer.close?.()
    expect(lines(path)[0]).toEqual({ before: true })
    expect(lines(path)).toHaveLength(2)
  })

  test('makes no file when it hears nothing', () => {
    const path = join(folder, 'events.jsonl')
    observer(path).close?.()
    expect(() => readFileSync(path)).toThrow(/ENOENT/)
  })

  test.skipIf(!mayLimit)('of a line that does not fit on the disk no part stays', () => {
    const path = join(folder, 'events.jsonl')
    const writer = observer(path)
    writer.notice(step)
    const full = { type: 'run-failed', message: 'x'.repeat(1000) } as const
    withLargestFile(500, () => {
      expect(() => writer.notice(full)).toThrow(/expected to append to .*, got EFBIG.*; raise the limit/)
    })
    expect(lines(path)).toHaveLength(1)
    writer.notice(full)
    writer.close?.()
    expect(lines(path).map(({ type }) => type)).toEqual(['step', 'run-failed'])
  })

  test.skipIf(!existsSync('/dev/full'))('says that the disk is full', () => {
    const writer = observer('/dev/full')
    expect(() => writer.notice(step)).toThrow(
      expect.objectContaining({ code: 'write', message: expect.stringMatching(/got ENOSPC.*; free some space/) }),
    )
    expect(() => writer.close?.()).toThrow(expect.objectContaining({ code: 'write' }))
  })

  test('says which file it cannot write', () => {
    writeFileSync(join(folder, 'file'), '')
    const writer = observer(join(folder, 'file', 'events.jsonl'))
    expect(() => writer.notice(step)).toThrow(/observer "jsonl": expected to append to .*events.jsonl, got .*; /)
  })
})
