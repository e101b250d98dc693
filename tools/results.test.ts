import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from '@lgm/core'
import { afterAll, describe, expect, it } from 'vitest'
import {
  addRuns,
  differences,
  figure,
  problemsOf,
  type Row,
  readStudies,
  recipeProblems,
  renderPage,
  renderStudy,
  type Study,
  seedRange,
} from './results.mjs'

const row: Row = {
  method: 'EWC',
  name: 'ewc',
  recipe: 'examples/recipes/ewc.yaml',
  scenario: 'class',
  published: { value: 20, source: 'paper' },
  target: { within: 1 },
}
const study: Study = {
  title: 'Split',
  order: 1,
  protocol: 'Five tasks.',
  machine: 'a machine',
  command: 'lgm run {recipe} --seeds {seeds} --out runs/{name}',
  sources: { paper: { text: 'A paper', tag: 'S' } },
  rows: [row],
}

function report(seed: number, accuracy: number, more: Partial<Report> = {}): Report {
  const measured = { unit: 'fraction', aggregation: 'mean' }
  return {
    version: 1,
    name: 'ewc',
    seed,
    engine: { name: 'cpu', version: '1', threads: 2 },
    scenario: 'class',
    readouts: ['head'],
    tasks: [{ name: '0', classes: ['0'], train: 3, test: 2 }],
    rows: [],
    summary: [
      { name: 'ACC/head', value: accuracy, ...measured },
      { name: 'forgetting/head', value: 0.5, ...measured },
    ],
    kept: { head: { numbers: 1000, bytes: 4000 }, embedder: { numbers: 234, bytes: 936 } },
    seconds: [
      { learn: 2, evaluate: 10 },
      { learn: 3, consolidate: 1, evaluate: 10 },
    ],
    totalSeconds: 26,
    versions: { node: '20', '@lgm/core': '0.1.0' },
    ...more,
  }
}

const rowOf = (text: string, method: string) => text.split('\n').find(line => line.startsWith(`| ${method}`))

describe('figures', () => {
  it('are mean and sample deviation: 1, 2, 6 give 3 and √((4 + 1 + 9) / 2) = √7', () => {
    expect(figure([1, 2, 6])).toEqual({ mean: 3, deviation: Math.sqrt(7), count: 3 })
  })
  it('have no deviation for one value, and are nothing for none', () => {
    expect(figure([5])).toEqual({ mean: 5, deviation: undefined, count: 1 })
    expect(figure([])).toBeUndefined()
  })
  it('write seeds as lgm run takes them', () => {
    expect([seedRange([3]), seedRange([0, 1, 2]), seedRange([0, 2])]).toEqual(['3', '0..2', '0,2'])
  })
})

describe('the page', () => {
  it('has mean ± deviation, forgetting, numbers kept, seconds without evaluation, published value and difference', () => {
    // 20 and 21 %: mean 20.50, deviation √(0.25 + 0.25) = 0.71; 1000 + 234 numbers; 2 + 3 + 1 s.
    const text = renderStudy(study, [report(0, 0.2), report(1, 0.21)])
    expect(rowOf(text, 'EWC')).toBe(
      '| EWC | [ewc](../examples/recipes/ewc.yaml) | class | 2 | **20.50 ± 0.71** | 50.00 ± 0.00 | 1,234 | 6 ± 0 | 20.00 (S) | +0.50 |',
    )
    expect(text).toContain('All targets are met.')
    expect(text).toContain('lgm run examples/recipes/ewc.yaml --seeds 0..1 --out runs/ewc')
    expect(text).toContain('Engine: cpu (1), threads: 2. Versions: LGM 0.1.0, node 20.')
  })

  it('says at its head that a target is not met', () => {
    const text = renderStudy(study, [report(0, 0.25)])
    expect(text).toContain('**1 of 1 targets are not met:**')
    expect(text).toContain('within 1 point of the published 20.00 %: **not met**, 25.00 % in one run')
    expect(rowOf(text, 'EWC')).toContain('| +5.00 |')
  })

  it('takes a bound too: 24.9 is not at least 25', () => {
    const bound: Study = { ...study, rows: [{ ...row, target: { atLeast: 25, because: 'a guess' } }] }
    expect(renderStudy(bound, [report(0, 0.249)])).toContain('at least 25.00 % (a guess): **not met**')
    expect(renderStudy(bound, [report(0, 0.25)])).toContain('at least 25.00 % (a guess): met')
  })

  it('shows what has not been run', () => {
    const text = renderPage([{ study, reports: [] }])
    expect(rowOf(text, 'EWC')).toContain('| 0 | – | – | – | – | 20.00 (S) | – |')
    expect(text).toContain('not run yet')
  })
})

describe('reports that do not fit', () => {
  it('are none in a sound study', () => expect(problemsOf(study, [report(0, 0.2), report(1, 0.3)])).toEqual([]))

  it.each([
    ['of another name', [report(0, 0.2, { name: 'mas' })], /a row of study.json with its name/],
    ['of another scenario', [report(0, 0.2, { scenario: 'task' })], /the scenario class, got task/],
    ['without the figure that is compared', [report(0, 0.2, { summary: [] })], /the figure ACC\/head/],
    ['of the same seed', [report(0, 0.2), report(0, 0.3)], /one report a seed/],
    ['of other tasks', [report(0, 0.2), report(1, 0.3, { tasks: [] })], /the same tasks for all seeds/],
  ])('%s are named', (_, reports, message) => {
    const problems = problemsOf(study, reports)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(message)
  })
})

describe('settings', () => {
  const stated = { name: 'a', seed: 1, head: 'mlp', phases: [{ use: 'learn', iterations: 2000 }] }
  const ran = {
    name: 'a',
    seed: 7,
    head: { use: 'mlp', widths: [400] },
    phases: [{ use: 'learn', iterations: 2000, rate: 1 }],
  }

  it('agree where a run has what its recipe states, whatever the seed and the defaults', () =>
    expect(differences(stated, ran)).toEqual([]))

  it.each([
    [
      'a number',
      { ...ran, phases: [{ use: 'learn', iterations: 20 }] },
      'phases.0.iterations: 2000, but it ran with 20',
    ],
    ['a plugin', { ...ran, head: { use: 'linear' } }, 'head.use: "mlp", but it ran with "linear"'],
    ['an absent plugin', { ...ran, head: undefined }, 'head: "mlp", but it ran with undefined'],
    ['a further phase', { ...ran, phases: [...ran.phases, { use: 'x' }] }, 'phases: 1 entries, but it ran with 2'],
  ])('differ by %s', (_, other, difference) => expect(differences(stated, other)).toEqual([difference]))
})

describe('a folder of runs', () => {
  const base = mkdtempSync(join(tmpdir(), 'lgm-results-'))
  afterAll(() => rmSync(base, { recursive: true }))
  const put = (path: string, text: string) => {
    mkdirSync(join(base, path, '..'), { recursive: true })
    writeFileSync(join(base, path), text)
  }
  put('studies/split/study.json', JSON.stringify(study))
  put(row.recipe, 'name: ewc\nphases: [{ use: learn, iterations: 2000 }]\n')
  put('runs/seed-0/report.json', JSON.stringify(report(0, 0.2)))
  put('runs/seed-0/recipe.resolved.yaml', 'name: ewc\nphases: [{ use: learn, iterations: 2000, batchSize: 128 }]\n')
  put('runs/seed-1/report.json', JSON.stringify(report(1, 0.2)))
  put('runs/seed-1/recipe.resolved.yaml', 'name: ewc\nphases: [{ use: learn, iterations: 20, batchSize: 128 }]\n')
  put('studies/split/by-hand.json', JSON.stringify(report(2, 0.2)))

  it('is taken over; runs under other settings than the recipe states, or unknown ones, are named', () => {
    addRuns('split', [join(base, 'runs')], join(base, 'studies'))
    const [found] = readStudies(join(base, 'studies'))
    expect(found!.runs.map(({ file }) => file)).toEqual(['split/by-hand.json', 'split/ewc-0.json', 'split/ewc-1.json'])
    const problems = recipeProblems(found!.study, found!.runs, base)
    expect(problems).toHaveLength(2)
    expect(problems[0]).toMatch(/by-hand\.json: expected the run's recipe\.resolved\.yaml/)
    expect(problems[1]).toMatch(/ewc-1\.json: .* phases\.0\.iterations: 2000, but it ran with 20; run it again/)
  })
})
