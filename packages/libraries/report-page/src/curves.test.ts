import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { CurveRecorder, readCurves } from './index.js'

const folder = mkdtempSync(join(tmpdir(), 'lgm-curves-'))
afterAll(() => rmSync(folder, { recursive: true }))

const step = (step: number, terms: object, fit = 'learn', shares = {}) => ({
  type: 'step',
  fit,
  step,
  of: 40,
  terms,
  shares,
})
const start = (task: number) => ({ type: 'task-start', task })
const phase = (phase: string) => ({ type: 'phase-start', task: 0, phase })

describe('the curves of a run', () => {
  test('count steps over all tasks, and say where each begins', () => {
    const recorder = new CurveRecorder()
    const events = [start(0), phase('learn'), step(20, { current: 3 }), step(40, { current: 1 })]
    for (const event of [...events, start(1), phase('learn'), step(20, { current: 2, replay: 5 })])
      recorder.notice(event)
    const { fits, logged, unreadable } = recorder.curves()
    expect([logged, unreadable, fits.length]).toEqual([3, 0, 1])
    expect(fits[0]).toMatchObject({
      name: 'learn',
      steps: 60,
      starts: [
        { task: 0, step: 0 },
        { task: 1, step: 40 },
      ],
    })
    expect(fits[0]!.terms).toEqual([
      {
        name: 'current',
        points: [
          [20, 3],
          [40, 1],
          [60, 2],
        ],
        tasks: [
          { task: 0, last: 1, least: 1, greatest: 3 },
          { task: 1, last: 2, least: 2, greatest: 2 },
        ],
      },
      { name: 'replay', points: [[60, 5]], tasks: [{ task: 1, last: 5, least: 5, greatest: 5 }] },
    ])
  })

  test('tell a phase that stands twice apart, and a fit within another phase', () => {
    const recorder = new CurveRecorder()
    for (const event of [phase('learn'), step(1, { a: 1 }), phase('learn-2'), step(1, { a: 1 }), phase('memorize')])
      recorder.notice(event)
    recorder.notice(step(1, { a: 1 }, 'generator/vae', { 'regularizer/x': 0.5 }))
    const { fits } = recorder.curves()
    expect(fits.map(({ name }) => name)).toEqual(['learn', 'learn-2', 'memorize: generator/vae'])
    expect(fits[2]!.shares[0]).toMatchObject({ name: 'regularizer/x', points: [[1, 0.5]] })
  })

  test('count what is no number, and go on', () => {
    const recorder = new CurveRecorder()
    for (const event of [
      step(1, { a: null, b: 2 }),
      { type: 'step', fit: 7 },
      'text',
      step(2, 'none' as unknown as object),
    ])
      recorder.notice(event)
    expect(recorder.curves()).toMatchObject({
      logged: 2,
      unreadable: 3,
      fits: [{ terms: [{ name: 'b', points: [[1, 2]] }] }],
    })
  })

  test('are read from a log whose last line was cut off', async () => {
    const path = join(folder, 'events.jsonl')
    const lines = [
      start(0),
      phase('learn'),
      step(20, { current: 3 }),
      { type: 'task-end', task: 0 },
      step(40, { current: 1 }),
    ]
    const text = lines.map(line => JSON.stringify({ time: '2026-01-01T00:00:00.000Z', ...line })).join('\n')
    const told: number[] = []
    writeFileSync(path, `${text.slice(0, -10)}`)
    expect(await readCurves(path, bytes => told.push(bytes))).toMatchObject({ logged: 1, unreadable: 1 })
    writeFileSync(path, text)
    expect(await readCurves(path)).toMatchObject({ logged: 2, unreadable: 0 })
    expect(told).toEqual([text.length - 10])
  })
})
