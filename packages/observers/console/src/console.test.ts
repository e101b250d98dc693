import type { LearnerEvent, Measurement } from '@lgm/core'
import { checkObserver } from '@lgm/testing'
import { describe, expect, test } from 'vitest'
import { ConsoleLines } from './console.js'
import { console, figure, number, quantity, seconds, summaryTable } from './index.js'

const accuracy = (readout: string, value: number): Measurement => ({
  name: `accuracy/${readout}`,
  value,
  unit: 'fraction',
  aggregation: 'mean over tasks',
})

const engine = { name: 'native', version: 'TensorFlow 2', threads: 2 }

/** A place that remembers what was written, and a clock that is moved by hand. */
function terminal(isTTY: boolean, given: Parameters<typeof console>[0] = {}) {
  const written: string[] = []
  let now = 0
  const output = { isTTY, columns: 70, write: (text: string) => written.push(text) }
  const lines = new ConsoleLines(console(given).options as never, output, () => now)
  return {
    text: () => written.join(''),
    at(time: number, ...events: LearnerEvent[]) {
      now = time
      for (const event of events) lines.notice(event)
    },
  }
}

const begin: LearnerEvent[] = [
  { type: 'run-start', tasks: ['0, 1', '2, 3'], seed: 7, engine },
  { type: 'task-start', task: 0, name: '0, 1', classes: ['0', '1'] },
  { type: 'phase-start', task: 0, phase: 'learn' },
]
const step = (done: number): LearnerEvent => ({
  type: 'step',
  fit: 'learn',
  step: done,
  of: 100,
  terms: { current: 0.5, replay: 0.25 },
  shares: {},
})

checkObserver({ plugin: () => console() })

describe('the console observer', () => {
  test('says from which task a run goes on', () => {
    const place = terminal(false)
    place.at(0, { type: 'run-resume', task: 1, tasks: ['0, 1', '2, 3'], engine })
    expect(place.text()).toBe('2 tasks, going on with task 2, engine native (TensorFlow 2), 2 threads\n')
  })

  test('away from a terminal writes a line every few seconds, with the time left and each loss by name', () => {
    const place = terminal(false)
    place.at(0, ...begin, step(20))
    place.at(4900, step(40))
    expect(place.text()).toBe('2 tasks, seed 7, engine native (TensorFlow 2), 2 threads\n')
    place.at(6000, step(50))
    // 6 s from step 20 to 50: 10 s for the other 50
    expect(place.text().split('\n')[1]).toBe('task 1/2 (0, 1) · learn 50/100 · 10 s left · current 0.500, replay 0.250')
    place.at(7000, step(60))
    expect(place.text().split('\n')).toHaveLength(3)
    expect(place.text()).not.toContain('\u001b')
  })

  test('tells what the regularizers do: size of the penalty, and share of the gradient', () => {
    const place = terminal(false)
    const terms = { current: 0.5, 'regularizer/ewc': 0.0123 }
    const shares = { 'regularizer/ewc': 0.074, 'regularizer/a-gem': 0.5 }
    place.at(0, ...begin, step(20))
    place.at(6000, { ...step(50), terms, shares } as LearnerEvent)
    expect(place.text()).toContain('current 0.500, ewc 0.0123 (7 % of the gradient), a-gem (50 % of the gradient)')
    const measurements = [
      accuracy('head', 0.98),
      { ...accuracy('head', 0.5), name: 'regularizer/ewc/share' },
      { ...accuracy('head', 0.5), name: 'generator/vae/information' },
    ]
    place.at(7000, { type: 'task-end', task: 0, measurements, seconds: 20 })
    expect(place.text()).toContain('✔ task 1/2 (0, 1): accuracy/head 98.00 % · 20 s\n')
  })

  test('says nothing of work that is done in under two seconds', () => {
    const place = terminal(false, { interval: 1 })
    place.at(0, ...begin, step(20))
    place.at(1500, step(90))
    expect(place.text().split('\n')).toHaveLength(2)
    place.at(2500, step(95))
    expect(place.text()).toContain('learn 95/100')
  })

  test('tells the results of each task, and from then on the time left of the run', () => {
    const place = terminal(false)
    place.at(0, ...begin)
    place.at(8000, { type: 'task-end', task: 0, measurements: [accuracy('head', 0.98123)], seconds: 20 })
    expect(place.text()).toContain('✔ task 1/2 (0, 1): accuracy/head 98.12 % · 20 s\n')
    place.at(8000, { type: 'task-start', task: 1, name: '2, 3', classes: ['2', '3'] }, step(20))
    place.at(14000, step(60))
    // the first task took 20 s, the second is 6 s old
    expect(place.text()).toMatch(/task 2\/2 \(2, 3\) · learn 60\/100 · .* left · run 14 s left · current/)
    // the run does not end before the work at hand: 24 s from step 20 to 68, 16 s for the other 32
    place.at(32000, step(68))
    expect(place.text()).toMatch(/ · 16 s left · run 16 s left · current/)
  })

  test('on a terminal rewrites one line, cut to its width, and takes it away at the end', () => {
    const place = terminal(true)
    place.at(0, ...begin)
    place.at(200, step(50))
    place.at(210, step(60))
    expect(place.text()).toContain('\r\u001b[2Ktask 1/2 (0, 1) · learn ██████░░░░░░ 50/100 · current 0.500, replay…')
    expect(place.text()).not.toContain('60/100')
    place.at(300, { type: 'run-failed', message: 'not shown here: it is thrown' })
    expect(place.text().endsWith('\r\u001b[2K')).toBe(true)
  })

  test('ends with a table, unless told not to', () => {
    const end: LearnerEvent = { type: 'run-end', summary: [accuracy('head', 0.9)], seconds: 9 }
    const [shown, hidden] = [terminal(false), terminal(false, { table: false })]
    shown.at(0, end)
    hidden.at(0, end)
    expect(shown.text()).toContain('90.00 %')
    expect(hidden.text()).toBe('')
  })

  test('shows progress that is no training, and work that begins again under the same name', () => {
    const place = terminal(false, { interval: 1 })
    place.at(0, ...begin, { type: 'progress', what: 'sampling', done: 10, of: 100 })
    place.at(3000, { type: 'progress', what: 'sampling', done: 50, of: 100 })
    expect(place.text()).toContain('learn: sampling 50/100 · 3.8 s left\n')
    place.at(4500, { type: 'progress', what: 'sampling', done: 10, of: 100 })
    expect(place.text()).not.toContain('10/100')
  })
})

describe('figures', () => {
  test('are short and carry their unit', () => {
    expect([0.44, 12.2, 59.9, 185, 7800].map(seconds)).toEqual([
      '0.4 s',
      '12 s',
      '1 min 0 s',
      '3 min 5 s',
      '2 h 10 min',
    ])
    expect([1069784, 0.123456, 69450.5].map(number)).toEqual(['1,069,784', '0.1235', '69,451'])
    expect([quantity(185, 's', 4), quantity(0.9706, 'fraction', 0.0012), quantity(7, '')]).toEqual([
      '3 min 5 s ± 4.0 s',
      '97.06 ± 0.12 %',
      '7',
    ])
    const series: Measurement = {
      name: 'a',
      value: [1, null, 0.5],
      unit: 'fraction',
      axis: 'task',
      aggregation: 'none',
    }
    expect(figure(series)).toBe('75.00 %')
    expect(figure({ ...series, value: [] })).toBe('–')
    // mean 0.95, deviations ±0.05: √((0.05² + 0.05²) / 1) = 0.0707
    expect(figure(accuracy('head', 0.9), accuracy('head', 1))).toBe('95.00 ± 7.07 %')
  })

  test('stand in one row a read-out', () => {
    const forgetting = { ...accuracy('head', 0.015), name: 'forgetting/head', unit: 'difference of fractions' }
    const matrix = { ...accuracy('head', 0), name: 'matrix/head', value: [1, 0], axis: 'task' }
    const rows = summaryTable([accuracy('head', 0.97), accuracy('bayes', 0.98), forgetting, matrix]).split('\n')
    expect(rows[1]).toMatch(/read-out.*accuracy.*forgetting/)
    expect(rows[3]).toMatch(/head.*97\.00 %.*1\.50 points/)
    expect(rows[1]).not.toContain('matrix')
    expect(rows[4]).toMatch(/bayes.*98\.00 %/)
  })
})
