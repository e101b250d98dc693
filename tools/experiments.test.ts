import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { figure, figureLike, generatorNumbers, percent, secondsIn } from '../examples/experiments/columns.mjs'
import type { Study } from '../examples/experiments/study.mjs'
import { type Done, problemsOf, type Run, readExperiments, render } from './experiments.mjs'
import { places, powerOfTen } from './pictures.mjs'

const drift = 'mean-drift-within-class-variance'
const study: Study = {
  name: 'small',
  columns: [
    { title: 'head, %', of: figure('ACC/head'), show: 'percents' },
    { title: 'bayes, %', of: figure('ACC/bayes'), show: 'percents' },
    { title: 'ensemble, %', of: figure('ACC/ensemble'), show: 'percents' },
    { title: 'drift', of: figure(drift), show: 'significant' },
    { title: 'round trip', of: figure('mean-round-trip-error'), show: 'significant' },
    { title: 'share, %', of: figureLike(/^regularizer\/.+\/share$/), show: 'percents' },
  ],
  explanation: 'Drift is how far.',
  scatter: {
    file: 'accuracy-and-drift.svg',
    alt: 'both',
    says: 'Spots.',
    x: { title: 'how far', of: figure(drift) },
    y: { title: 'accuracy (head), %', of: run => percent(figure('ACC/head')(run)) },
  },
  datasets: ['digits', 'clothes'],
  figure: 'ACC/head',
  tuningSeed: 100,
  forTuning: recipe => recipe,
  shared: {},
  rows: [
    { name: 'nothing', title: 'nothing', recipe: () => ({}) },
    {
      name: 'ewc',
      title: 'EWC',
      strengths: [0.001, 1, 1000],
      recipe: strength => ({ regularizers: [{ use: 'ewc', strength }] }),
    },
    { name: 'joint', title: 'joint', recipe: () => ({}) },
  ],
}
const about = '# Who drifts?\n\nFive tasks.\n\n```\na command\n```\n\n## What it says\n\nNo.\n'

const tail = {
  kept: { embedder: 1000, generator: 234 },
  seconds: 7,
  engine: { name: 'native', version: '4', threads: 1 },
  versions: { '@lgm/core': '0.1.0', node: '20' },
}
function final(row: string, seed: number, figures: Record<string, number>, dataset = 'digits'): Run {
  return { stage: 'final', row, dataset, strength: row === 'ewc' ? 1 : 0, seed, figures, ...tail }
}
function tried(strength: number, accuracy: number | undefined, dataset = 'digits'): Run {
  const which = { stage: 'tuning' as const, row: 'ewc', dataset, strength, seed: 100 }
  return accuracy === undefined
    ? { ...which, failed: 'expected finite losses' }
    : { ...which, figures: { 'ACC/head': accuracy }, ...tail }
}
const several = { 'forgetting/head': 0.5, 'mean-cka': 0.25, 'mean-round-trip-error': 0.03 }
const runs = [
  tried(0.001, 0.2),
  tried(1, 0.25),
  tried(1000, undefined),
  final('nothing', 0, { 'ACC/head': 0.2, [drift]: 10, ...several }),
  final('nothing', 1, { 'ACC/head': 0.2, [drift]: 30, ...several }),
  final('ewc', 0, { 'ACC/head': 0.2, 'ACC/bayes': 0.3, [drift]: 0.5, 'regularizer/ewc/share': 0.125, ...several }),
  final('ewc', 1, { 'ACC/head': 0.21, 'ACC/bayes': 0.3, [drift]: 0.7, 'regularizer/ewc/share': 0.125, ...several }),
  final('joint', 0, { 'ACC/head': 0.98 }),
  final('joint', 1, { 'ACC/head': 0.98 }),
]
const whole = [...runs, ...runs.map(run => ({ ...run, dataset: 'clothes' }))]

const pageOf = (some: readonly Run[]) => render(study, about, some).get('README.md') ?? ''
const line = (text: string, title: string) => text.split('\n').filter(line => line.includes(`| ${title} |`))

describe('the page of a study', () => {
  it('has title, protocol and findings of its README, and the command', () => {
    const page = pageOf(whole)
    expect(page).toContain('# Who drifts?\n\nFive tasks.\n\n![')
    expect(page).not.toContain('a command')
    expect(page).toContain('\n## What it says\n\nNo.\n')
    expect(page).toContain(' Drift is how far. ')
    expect(page).toContain('![both](accuracy-and-drift.svg)\n\nSpots.\n')
    expect(page).toContain('node examples/experiments/study.mjs small --seeds 0..1\n')
    expect(page).toContain('Engine: native (4), threads: 1. Versions: LGM 0.1.0, node 20.')
    expect(page).not.toContain('missing')
  })

  it('has mean ± deviation, strength, share of the gradient, numbers kept and seconds', () => {
    // 20 and 21 %: deviation √(0.25 + 0.25) = 0.71; drifts 0.5 and 0.7: √(0.01 + 0.01) = 0.141; 1000 + 234 numbers.
    expect(line(pageOf(runs), 'EWC')[0]).toBe(
      '| 2 | EWC | 1 | 2 | 20.50 ± 0.71 | 30.00 ± 0.00 | – | 0.600 ± 0.141 | 0.0300 ± 0.0000 | 12.50 ± 0.00 | 1,234 | 7 ± 0 |',
    )
  })

  it('has counts as whole numbers', () => {
    const columns = [
      { title: 'numbers', of: ({ kept }: Done) => 1000 * (kept.generator ?? 0), show: 'counts' as const },
    ]
    const page = render({ ...study, columns }, about, runs).get('README.md') ?? ''
    expect(line(page, 'EWC')[0]).toBe('| 2 | EWC | 1 | 2 | 234,000 | 1,234 | 7 ± 0 |')
  })

  it('takes what was chosen on another data set, where nothing is to be tried', () => {
    const same = { ...study, same: { clothes: 'digits' } }
    const some = [...runs, final('ewc', 0, { 'ACC/head': 0.5 }, 'clothes')]
    const page = render(same, about, some).get('README.md') ?? ''
    expect(page).toContain(' On clothes nothing was tried: what was chosen on digits holds there too.')
    expect(page.match(/^### .*$/gm)).toEqual(['### digits'])
    expect(page).not.toContain('strengths not tried yet')
    expect(problemsOf(same, some)).toEqual([])
    const other = [...runs, { ...final('ewc', 0, {}, 'clothes'), strength: 1000 }]
    expect(problemsOf(same, other)).toEqual([expect.stringContaining('chosen on validation data, 1, got 1000')])
  })

  it('has all strengths, the chosen in bold, and says which diverged', () => {
    const page = pageOf(runs)
    expect(page).toContain('| # | row | 10⁻³ | 1 | 10³ |')
    expect(line(page, 'EWC')[1]).toBe('| 2 | EWC | 20.00 | **25.00** | diverged |')
    expect(page).not.toContain('At an end of the strengths tried')
  })

  it('chooses the smaller of equal strengths, and says when it is the last one tried', () => {
    const page = pageOf([tried(0.001, 0.25), tried(1, 0.25), tried(1000, 0.2)])
    expect(line(page, 'EWC')[1]).toBe('| 2 | EWC | **25.00** | 25.00 | 20.00 |')
    expect(page).toContain('At an end of the strengths tried is the choice of row 2 on digits.')
  })

  it('counts a final run that diverged', () => {
    const failed: Run = { stage: 'final', row: 'ewc', dataset: 'digits', strength: 1, seed: 2, failed: 'infinite' }
    expect(line(pageOf([...runs, failed]), 'EWC')[0]).toContain('| 2, and 1 diverged | 20.50 ± 0.71 |')
  })

  it('says what is missing: a data set, a seed, a strength, what the picture needs', () => {
    const half = runs.filter(({ row, seed, strength }) => !(row === 'ewc' && (seed === 1 || strength === 1000)))
    const page = pageOf([...half, final('nothing', 2, { 'ACC/head': 0.2, 'forgetting/head': 0.5 })])
    expect(page).toContain('**Not all runs are there yet**')
    expect(page).toContain('- digits: strengths not tried yet of ewc\n')
    expect(page).toContain('- digits: final runs of some or all of the seeds 0..2 for ewc, joint\n')
    expect(page).toContain('- clothes: all\n')
    expect(line(page, 'EWC')[1]).toBe('| 2 | EWC | 20.00 | 25.00 | – |')
    const still = pageOf([final('nothing', 0, { 'ACC/head': 0.2, 'forgetting/head': 0.5 })])
    expect(still).toContain('**No final run with the figures of the picture is there yet.**')
  })

  it('asks of a data set that is near another for the strengths next to the choice there, and says so', () => {
    const near = { ...study, near: { clothes: 'digits' } }
    const page = (some: readonly Run[], of: Study = near) => render(of, about, some).get('README.md') ?? ''
    const first = [tried(0.001, 0.25), tried(1, 0.2), tried(1000, 0.2)]
    const both = [...first, tried(0.001, 0.2, 'clothes'), tried(1, 0.3, 'clothes')]
    expect(page(both)).toContain('On clothes, the strength chosen on digits and its neighbours were tried.')
    expect(page(both)).not.toContain('strengths not tried yet')
    expect(line(page(both), 'EWC').at(-1)).toBe('| 2 | EWC | 20.00 | **30.00** |')
    expect(page(both.slice(0, -1))).toContain('- clothes: strengths not tried yet of ewc')
    const wide = { ...near, rows: near.rows.map(row => (row.strengths ? { ...row, everywhere: true } : row)) }
    expect(page(both, wide)).toContain('- clothes: strengths not tried yet of ewc')
    expect(page(both, wide)).toContain('and its neighbours were tried; all of them for row 2.')
  })

  it('is there even without runs', () => {
    const files = render(study, about, [])
    expect([...files.keys()]).toEqual(['README.md'])
    expect(files.get('README.md')).toContain('- digits: all\n- clothes: all\n')
  })
})

describe('the pictures', () => {
  it('are the same bytes again, and have every row, axis and data set in them', () => {
    const [first, second] = [render(study, about, whole), render(study, about, whole)]
    expect([...first.keys()]).toEqual(['accuracy-and-drift.svg', 'strengths.svg', 'README.md'])
    for (const [name, text] of first) expect(second.get(name)).toBe(text)
    const texts = (name: string) =>
      [...(first.get(name) ?? '').matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text)
    const scatter = texts('accuracy-and-drift.svg')
    for (const text of ['digits', 'clothes', 'nothing', 'EWC', 'joint', 'accuracy (head), %', '0.1', '100'])
      expect(scatter).toContain(text)
    // In each panel a number for a spot or a level, and one in the legend.
    for (const number of ['1', '2', '3'])
      expect(scatter.filter(text => text === number).length).toBeGreaterThanOrEqual(3)
    for (const text of ['digits', 'clothes', 'strength', '10⁻³', '10³']) expect(texts('strengths.svg')).toContain(text)
  })

  it('give a drift of 0 the left edge', () => {
    const frozen = final('nothing', 0, { 'ACC/head': 0.9, [drift]: 0, ...several })
    const picture = render(study, about, [frozen, ...runs.slice(5, 7)]).get('accuracy-and-drift.svg')
    expect(picture).toContain('>0.1</text>')
    expect(picture).not.toContain('>0.01</text>')
    // The panel begins at 60 pixels.
    expect(picture).toMatch(/transform="matrix\([^"]*,60,84\)"/)
    expect(picture).not.toMatch(/NaN|Infinity/)
  })

  it('keep numbers apart, even of thirty rows at one place', () => {
    const found = places(new Array(30).fill([200, 200]), { left: 0, top: 0, width: 400, height: 400 })
    const close = found.flatMap(([a, b], i) =>
      found.slice(i + 1).filter(([c, d]) => Math.abs(a - c) < 16 && Math.abs(b - d) < 12),
    )
    expect(close).toEqual([])
  })

  it('write powers of ten short', () =>
    expect([1e-4, 0.01, 1, 100, 1e8, 3000].map(powerOfTen)).toEqual(['10⁻⁴', '0.01', '1', '100', '10⁸', '3000']))
})

it('columns are figures, shares in %, numbers of the generator alone, seconds of a phase', () => {
  const run = { ...runs[5], kept: { embedder: 5, 'generator/vae': 7 }, phases: { memorize: 3 } } as Done
  expect(figure('ACC/bayes')(run)).toBe(0.3)
  expect(figureLike(/share$/)(run)).toBe(0.125)
  expect([percent(0.25), percent(undefined)]).toEqual([25, undefined])
  expect(generatorNumbers(run)).toBe(7)
  expect([secondsIn('memorize')(run), secondsIn('learn')(run)]).toEqual([3, undefined])
})

describe('runs that do not fit', () => {
  it('are none in a sound study', () => expect(problemsOf(study, whole)).toEqual([]))

  it.each([
    ['of an unknown row', final('mas', 0, {}), /expected a row and a data set of the study/],
    ['of an unknown data set', final('ewc', 0, {}, 'faces'), /expected a row and a data set of the study/],
    ['twice', final('ewc', 0, {}), /expected one such run, got two/],
    ['of another strength', { ...final('ewc', 2, {}), strength: 1000 }, /chosen on validation data, 1, got 1000/],
  ])('%s are named', (_, run, message) => {
    const problems = problemsOf(study, [...runs, run])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(message)
  })
})

describe('folders', () => {
  const base = mkdtempSync(join(tmpdir(), 'lgm-experiments-'))
  afterAll(() => rmSync(base, { recursive: true }))

  it('are studies where both runs and rows are there', async () => {
    for (const name of ['results/small', 'results/other', 'experiments/small'])
      mkdirSync(join(base, name), { recursive: true })
    for (const name of ['small', 'other'])
      writeFileSync(join(base, 'results', name, 'runs.json'), JSON.stringify({ runs }))
    writeFileSync(join(base, 'experiments', 'small', 'rows.mjs'), 'export const study = { name: "small" }\n')
    const found = await readExperiments(join(base, 'results'), join(base, 'experiments'))
    expect(found).toEqual([{ study: { name: 'small' }, runs, about: '' }])
  })
})
