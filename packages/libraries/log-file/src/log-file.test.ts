import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LearnerEvent } from '@lgm/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LogFile, RunPosition } from './index.js'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('a log file', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lgm-log-file-'))
    path = join(folder, 'deep', 'log')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const content = () => readFileSync(path, 'utf8')
  const log = (interval = 3600) =>
    new LogFile({ where: 'test', path, interval, head: bytes('head\n'), end: bytes('\n') })

  test('is made with its head and its folder by the first append, and gets the rest when told or closed', () => {
    const file = log()
    expect(existsSync(path)).toBe(false)
    file.append(bytes('a\n'))
    expect(content()).toBe('head\n')
    file.flush()
    expect(content()).toBe('head\na\n')
    file.append(bytes('b\n'))
    file.close()
    file.close()
    expect(content()).toBe('head\na\nb\n')
    file.append(bytes('c\n'))
    file.close()
    expect(content()).toBe('head\na\nb\nc\n')
  })

  test('gets a piece whenever 64 KiB are there, or the interval is over', () => {
    const file = log()
    const half = bytes('x'.repeat(2 ** 15))
    file.append(half)
    expect(content()).toHaveLength(5)
    file.append(half)
    expect(content()).toHaveLength(5 + 2 ** 16)
    file.close()
    const eager = log(0)
    // the x are no whole line
    appendFileSync(path, '\n')
    eager.append(bytes('now\n'))
    expect(content().endsWith('\nnow\n')).toBe(true)
    eager.close()
  })

  test('goes on with a file of its kind, and with no other nor with one that was cut off', () => {
    const first = log()
    first.append(bytes('a\n'))
    first.close()
    const second = log()
    second.append(bytes('b\n'))
    second.close()
    expect(content()).toBe('head\na\nb\n')
    appendFileSync(path, 'torn')
    expect(() => log().append(bytes('c\n'))).toThrow(
      /test: expected that .*log ends with "\\n", as a log of this kind, got "n"; /,
    )
    writeFileSync(path, 'diary\n')
    expect(() => log().append(bytes('c\n'))).toThrow(/begins with "head\\n", .*, got "diary"; /)
    expect(content()).toBe('diary\n')
  })

  test('goes back to a mark, even where what came after was cut off', () => {
    const file = log()
    file.append(bytes('a\n'))
    const mark = file.mark()
    expect(mark).toBe('head\na\n'.length)
    file.append(bytes('b\nkept\nto'))
    file.close()
    const again = log()
    again.rewind(mark, after => bytes(after.toString() === 'b\nkept\nto' ? 'kept\n' : ''))
    again.append(bytes('c\n'))
    again.close()
    expect(content()).toBe('head\na\nkept\nc\n')
    expect(() => log().rewind(1000)).toThrow(/expected at least 1000 bytes in .*, got 14; /)
  })

  test('says which file it cannot write, and then writes nothing more', () => {
    writeFileSync(join(folder, 'deep'), '')
    const file = log()
    expect(() => file.append(bytes('a'))).toThrow(/test: expected to append to .*log, got .*; free some space/)
    rmSync(join(folder, 'deep'))
    expect(() => file.append(bytes('b'))).toThrow(/test: expected to append to/)
    file.close()
    expect(existsSync(path)).toBe(false)
  })
})

describe('the position of a run', () => {
  const engine = { name: 'cpu', version: '1', threads: 1 }
  const start: LearnerEvent = { type: 'run-start', tasks: ['a', 'b'], seed: 7, engine }
  const task = (index: number): LearnerEvent => ({ type: 'task-start', task: index, name: 'a', classes: [] })
  const phase = (name: string): LearnerEvent => ({ type: 'phase-start', task: 0, phase: name })
  const step = (fit: string, at: number, of = 100): LearnerEvent => ({
    type: 'step',
    fit,
    step: at,
    of,
    terms: {},
    shares: {},
  })
  const at = (...events: LearnerEvent[]) => {
    const position = new RunPosition()
    for (const event of events) position.notice(event)
    return position
  }
  const after = (...events: LearnerEvent[]) => at(start, task(0), ...events).step

  test('counts the steps of one fit after the other', () => {
    // 20, 40, …, 100 of the first, 15 of the second, and the first once more
    const learn = [20, 40, 60, 80, 100].map(done => step('learn', done))
    expect(after(...learn)).toBe(100)
    expect(after(...learn, step('decode', 15, 15))).toBe(115)
    expect(after(...learn, step('decode', 15, 15), step('learn', 20))).toBe(135)
  })

  test('adds up fits that take turns', () => {
    expect(after(step('one', 20), step('two', 5), step('one', 40), step('two', 10))).toBe(40 + 10)
  })

  test('knows a fit that begins again: it was done, went back, or is of another phase', () => {
    expect(after(step('fit', 5, 10), step('fit', 10, 10), step('fit', 20, 100))).toBe(10 + 20)
    expect(after(step('fit', 40), step('fit', 20))).toBe(40 + 20)
    expect(after(step('fit', 20), phase('next'), step('fit', 40))).toBe(20 + 40)
  })

  test('tells the run, its seed, the task and the phase', () => {
    const position = new RunPosition()
    position.notice(start, new Date('2025-01-31T12:00:00Z'))
    expect([position.run, position.seed, position.task]).toEqual(['2025-01-31T12:00:00.000Z', 7, undefined])
    position.notice(task(1))
    position.notice(phase('learn'))
    position.notice(step('learn', 20))
    expect([position.run, position.task, position.phase]).toEqual(['2025-01-31T12:00:00.000Z', 1, 'learn'])
    position.notice({ type: 'phase-end', task: 1, phase: 'learn', seconds: 1 })
    expect([position.task, position.phase]).toEqual([1, undefined])
    position.notice(start, new Date('2025-02-01T12:00:00Z'))
    expect([position.run, position.task, position.step]).toEqual(['2025-02-01T12:00:00.000Z', undefined, 0])
  })

  test('goes on from a mark', () => {
    const mark = at(start, task(0), step('learn', 40)).mark()
    const later = new RunPosition()
    later.rewind(JSON.parse(JSON.stringify(mark)))
    later.notice({ type: 'run-resume', task: 1, tasks: ['a', 'b'], engine })
    later.notice(step('learn', 20))
    expect([later.run, later.seed, later.step]).toEqual([mark.run, 7, 60])
  })
})
