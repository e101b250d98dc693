import type { Report } from '@lgm/core'
import { tinyReport } from '@lgm/testing'
import { CurveRecorder } from './curves.js'
import type { ReportedRun } from './section.js'

/** What is asked of an invented run. */
export interface Invention {
  readonly tasks?: number
  readonly seed?: number
  readonly name?: string
  /** Options that make its recipe another one. */
  readonly options?: Readonly<Record<string, unknown>>
  /** Logged steps of each task; without it there is no log. */
  readonly steps?: number
  /** Added to every accuracy. */
  readonly better?: number
  readonly changes?: Partial<Report>
}

/** A run that never was, with all that the page can show, for tests: after task t the accuracy on task j is 0.9 − 0.05 (t − j), at least 0.3. */
export function inventedRun(invention: Invention = {}): ReportedRun {
  const { tasks = 3, seed = 0, name = 'invented', options = {}, better = 0, changes = {} } = invention
  const rows = range(tasks).map(t => rowOf(t, better))
  const last = rows.at(-1)!.find(({ name }) => name === 'accuracy/head')!.value as number[]
  const report = tinyReport({
    name,
    seed,
    readouts: ['head', 'bayes'],
    tasks: range(tasks).map(t => ({
      name: `${2 * t}, ${2 * t + 1}`,
      classes: [`${2 * t}`, `${2 * t + 1}`],
      train: 100,
      test: 50,
    })),
    rows,
    summary: [
      { name: 'ACC/head', value: mean(last), unit: 'fraction', aggregation: 'mean over tasks after the last' },
      { name: 'forgetting/head', value: 0.05, unit: 'difference of fractions', aggregation: 'mean' },
      { name: 'mean-cka', value: 0.9, unit: 'fraction', aggregation: 'mean' },
    ],
    kept: { head: { numbers: 1000, bytes: 4000 }, 'generator/vae': { numbers: 200_000, bytes: 800_000 } },
    seconds: range(tasks).map(t => ({ recall: 0.1 * t, learn: 2, evaluate: 0.5 })),
    totalSeconds: 3 * tasks,
    versions: { node: '20.19.0', '@lgm/core': '0.1.0' },
    ...changes,
  })
  const curves = invention.steps === undefined ? undefined : curvesOf(tasks, invention.steps)
  return {
    folder: `runs/${name}/seed-${seed}`,
    recipe: { name, seed, readout: 'head', ...options },
    report,
    ...(curves && { curves }),
  }
}

function rowOf(t: number, better: number): Report['rows'][number] {
  const lists: [string, string, (j: number) => number | null][] = [
    ['accuracy/head', 'fraction', j => Math.min(1, Math.max(0.3, 0.9 - 0.05 * (t - j)) + better)],
    ['accuracy/bayes', 'fraction', j => Math.max(0.2, 0.8 - 0.1 * (t - j))],
    ['drift-total-variance', 'ratio', j => (j === t ? null : 0.1 * (t - j))],
    ['cka', 'fraction', j => (j === t ? null : 1 / (1 + 0.1 * (t - j)))],
  ]
  const counts = range((2 * t + 2) ** 2).map(cell => (cell % (2 * t + 3) === 0 ? 40 : 10 / (2 * t + 1)))
  return [
    ...lists.map(([name, unit, of]) => ({
      name,
      value: range(t + 1).map(of),
      unit,
      axis: 'task',
      aggregation: `mean of ${name}`,
    })),
    {
      name: 'confusion/head',
      value: counts,
      unit: 'examples',
      axis: 'true class × guessed class, row-major',
      aggregation: 'count',
    },
    {
      name: 'phase/learn/early-accuracy',
      value: [0.1, 0.4, 0.6],
      unit: 'fraction',
      axis: 'steps',
      aggregation: 'accuracy',
    },
    { name: 'expected-calibration-error/head', value: 0.02 * (t + 1), unit: 'fraction', aggregation: 'mean' },
    ...(['accuracy', 'confidence', 'share'] as const).map(what => ({
      name: `reliability-${what}/head`,
      value: [null, 0.4, 0.9],
      unit: 'fraction',
      axis: 'bin of confidence',
      aggregation: 'mean',
    })),
    { name: 'decoded-precision', value: [0.5, 0.7], unit: 'fraction', axis: 'class', aggregation: 'share' },
    { name: 'footprint/kept/numbers', value: 1000 * (t + 1), unit: 'numbers', aggregation: 'sum' },
    { name: 'footprint/data/numbers', value: 80_000 * (t + 1), unit: 'numbers', aggregation: 'sum' },
  ]
}

function curvesOf(tasks: number, steps: number) {
  const recorder = new CurveRecorder()
  for (const event of inventedEvents(tasks, steps)) recorder.notice(event)
  return recorder.curves()
}

/** The events of losses that fall, with noise that is the same every time. */
export function* inventedEvents(tasks: number, steps: number): Generator<Record<string, unknown>> {
  for (let task = 0; task < tasks; task++) {
    yield { type: 'task-start', task }
    yield { type: 'phase-start', task, phase: 'learn' }
    for (let k = 1; k <= steps; k++) {
      const current = 1 / k + 0.1 * ((k * 7919 + task) % 13)
      const terms = { current, ...(task > 0 && { replay: 0.5 * current }), 'regularizer/ewc': 0.01 * task }
      yield { type: 'step', fit: 'learn', step: 20 * k, of: 20 * steps, terms, shares: { 'regularizer/ewc': 0.1 } }
    }
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
