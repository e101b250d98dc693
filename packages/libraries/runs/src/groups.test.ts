import { tinyReport } from '@lgm/testing'
import { describe, expect, test } from 'vitest'
import {
  estimate,
  figureNames,
  figureOf,
  groupRuns,
  pairedDifference,
  recipeDifferences,
  type SavedRun,
} from './index.js'

const recipe = { name: 'ewc', seed: 0, head: { use: 'linear', gain: 1 }, phases: [{ use: 'learn', iterations: 100 }] }

/** A run with a final accuracy, which also stands behind `error` as 1 less it. */
function run(seed: number, accuracy?: number, changes: Record<string, unknown> = {}): SavedRun {
  const summary = [
    { name: 'ACC/head', value: accuracy!, unit: 'fraction', aggregation: 'mean' },
    { name: 'error', value: 1 - accuracy!, unit: 'nats', aggregation: 'mean' },
    { name: 'matrix', value: [1], unit: 'fraction', axis: 'task', aggregation: 'none' },
  ]
  return {
    folder: `runs/${seed}`,
    recipe: { ...recipe, seed, ...changes },
    report: tinyReport({
      seed,
      summary: accuracy === undefined ? [] : summary,
      kept: { embedder: { numbers: 30, bytes: 120 }, 'generator/vae': { numbers: 12, bytes: 48 } },
      totalSeconds: 10 + seed,
    }),
  }
}

const group = (...runs: readonly SavedRun[]) => ({ name: 'ewc', runs })

describe('groups', () => {
  test('are of runs whose recipes differ in nothing but seed and observers, whatever the order of keys', () => {
    const { name, ...rest } = recipe
    const runs = [
      run(0),
      run(0, 0, { head: { use: 'linear', gain: 2 } }),
      run(1, 0, { observers: [{ use: 'csv', folder: 'x' }] }),
      { ...run(2), recipe: { ...rest, seed: 2, head: { gain: 1, use: 'linear' }, name } },
      run(3, 0, { name: 'other' }),
    ]
    const found = groupRuns(runs).map(({ name, runs }) => [name, runs.map(({ report }) => report.seed)])
    expect(found).toEqual([
      ['ewc', [0, 1, 2]],
      ['ewc', [0]],
      ['other', [3]],
    ])
  })

  test('tell values apart that JSON would not', () => {
    const gains = [null, Number.NaN, Number.POSITIVE_INFINITY, 'number NaN', '1', 1]
    expect(groupRuns(gains.map(gain => run(0, 0, { gain })))).toHaveLength(gains.length)
  })

  test('are named by the recipe', () => {
    expect(groupRuns([run(0, 0, { name: 7 })])[0]!.name).toBe('run')
  })
})

describe('differences of recipes', () => {
  test('are places with both values, seeds and observers left out', () => {
    const other = {
      name: 'ewc',
      seed: 5,
      head: { use: 'linear', gain: 2 },
      phases: [],
      backend: 'wasm',
      observers: [1],
    }
    expect(recipeDifferences(recipe, other)).toEqual([
      { path: 'head.gain', left: 1, right: 2 },
      { path: 'phases.0', left: { use: 'learn', iterations: 100 }, right: undefined },
      { path: 'backend', left: undefined, right: 'wasm' },
    ])
    expect(recipeDifferences({ a: [1] }, { a: { 0: 1 } })).toEqual([{ path: 'a', left: [1], right: { 0: 1 } }])
    expect(recipeDifferences({ a: { constructor: 1 } }, { a: {} })).toEqual([
      { path: 'a.constructor', left: 1, right: undefined },
    ])
    expect(recipeDifferences(recipe, { ...recipe, seed: 9 })).toEqual([])
  })
})

describe('figures', () => {
  test('are numbers of the summary, and what is kept and took in all', () => {
    expect(figureOf(run(3, 0.5), 'ACC/head')).toEqual({ value: 0.5, unit: 'fraction' })
    expect(figureOf(run(3), 'numbers-kept')).toEqual({ value: 42, unit: '' })
    expect(figureOf(run(3), 'bytes-kept')).toEqual({ value: 168, unit: 'bytes' })
    expect(figureOf(run(3), 'seconds')).toEqual({ value: 13, unit: 's' })
    expect([figureOf(run(3), 'ACC/head'), figureOf(run(3, 1), 'matrix'), figureOf(run(3), 'constructor')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(figureNames([run(0), run(1, 1)])).toEqual(['ACC/head', 'error', 'numbers-kept', 'bytes-kept', 'seconds'])
  })

  test('are means over the seeds that have them', () => {
    const found = estimate(group(run(2, 0.94), run(0, 0.9), run(1, 0.92), run(7)), 'ACC/head')
    expect(found).toMatchObject({ unit: 'fraction', seeds: [0, 1, 2] })
    expect(found!.mean).toBeCloseTo(0.92, 12)
    expect(found!.halfWidth).toBeCloseTo(0.049683, 6)
    expect(estimate(group(run(0)), 'ACC/head')).toBeUndefined()
  })

  test('of one seed twice are refused', () => {
    const twice = group(run(0, 1), { ...run(0, 1), folder: 'again' })
    expect(() => estimate(twice, 'ACC/head')).toThrow(
      'runs of ewc: expected each seed once, got seed 0 in runs/0 and again; name only one of these folders',
    )
  })
})

describe('paired differences', () => {
  test('are over the seeds that both have, without what the seeds do to both', () => {
    const a = group(run(0, 0.5), run(1, 0.71), run(2, 0.92), run(5, 0.1))
    const b = group(run(2, 0.9), run(1, 0.7), run(0, 0.5), run(6, 0.9))
    // 0, 0.01, 0.02: mean 0.01, s = 0.01; 4.302653 · 0.01 / √3 = 0.024841
    const found = pairedDifference(a, b, 'ACC/head')!
    expect(found).toMatchObject({ unit: 'difference of fractions', seeds: [0, 1, 2] })
    expect(found.mean).toBeCloseTo(0.01, 12)
    expect(found.halfWidth).toBeCloseTo(0.024841, 6)
    expect(pairedDifference(a, b, 'error')).toMatchObject({ unit: 'nats' })
    expect(pairedDifference(b, a, 'error')!.mean).toBeCloseTo(0.01, 12)
  })

  test('of one seed have no interval, and of none are nothing', () => {
    expect(pairedDifference(group(run(1, 1)), group(run(1, 0.5)), 'ACC/head')).toMatchObject({
      mean: 0.5,
      halfWidth: null,
    })
    expect(pairedDifference(group(run(1, 1)), group(run(2, 0.5)), 'ACC/head')).toBeUndefined()
  })
})
