import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from '@lgm/core'
import { tinyReport } from '@lgm/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { call, makeHome, removeHome } from './home.fixture.js'

let home: string
beforeEach(() => {
  home = makeHome()
})
afterEach(() => removeHome(home))

const lgm = (...argv: string[]) => call(home, argv)

/** A run of the recipe `name` with a final accuracy, left in `<name>/seed-<seed>`, or in `folder`. */
function leave(
  name: string,
  seed: number,
  accuracy: number,
  more: { recipe?: object; report?: Partial<Report>; folder?: string } = {},
): void {
  const folder = join(home, more.folder ?? join(name, `seed-${seed}`))
  mkdirSync(folder, { recursive: true })
  const figure = (name: string, value: number, unit: string) => ({ name, value, unit, aggregation: 'mean over tasks' })
  const report = tinyReport({
    name,
    seed,
    engine: { name: 'native', version: 'TensorFlow 2', threads: 1 },
    readouts: ['head', 'bayes'],
    tasks: [{ name: '0, 1', classes: ['0', '1'], train: 20, test: 10 }],
    summary: [
      figure('ACC/head', accuracy, 'fraction'),
      figure('ACC/bayes', 0.5, 'fraction'),
      figure('forgetting/head', (1 - accuracy) / 2, 'difference of fractions'),
      figure('forgetting/bayes', 0.25, 'difference of fractions'),
      { name: 'matrix', value: [accuracy], unit: 'fraction', axis: 'task', aggregation: 'none' },
    ],
    kept: { embedder: { numbers: 1000, bytes: 4000 }, head: { numbers: 234, bytes: 936 } },
    totalSeconds: 60,
    versions: { '@lgm/core': '0.1.0' },
    ...more.report,
  })
  const recipe = { name, seed, readout: 'head', head: { use: 'linear', gain: 1 }, ...more.recipe }
  writeFileSync(join(folder, 'report.json'), JSON.stringify(report))
  writeFileSync(join(folder, 'recipe.resolved.yaml'), stringify(recipe))
}

/** `none` with the accuracies 0.5, 0.52, 0.54 of the seeds 0 to 2, `ewc` with 0.6, 0.63, 0.66. */
function leaveTwo(): void {
  for (const seed of [0, 1, 2]) leave('none', seed, 0.5 + 0.02 * seed)
  for (const seed of [0, 1, 2]) leave('ewc', seed, 0.6 + 0.03 * seed)
}

describe('lgm compare', () => {
  test('has a row for each recipe, and below it differences from the first over common seeds', async () => {
    leaveTwo()
    leave('none', 9, 0.52)
    const { code, out, err } = await lgm('compare', 'none', 'ewc')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    // none: s² = 2 · 0.02² / 3, t₃ = 3.182446: 3.182446 · √(0.0008 / 3 / 4) = 0.025984; ewc: 4.302653 · 0.03 / √3 = 0.074524
    // paired: 0.10, 0.11, 0.12: 0.11 ± 4.302653 · 0.01 / √3 = 0.024841
    expect(out).toBe(`mean ± 95 % interval over seeds
┌────────┬───────┬────────────────┬───────────┬─────────────────────┬──────────────┬───────────┐
│ recipe │ seeds │       ACC/head │ ACC/bayes │     forgetting/head │ numbers-kept │   seconds │
├────────┼───────┼────────────────┼───────────┼─────────────────────┼──────────────┼───────────┤
│ none   │     4 │ 52.00 ± 2.60 % │   50.00 % │ 24.00 ± 1.30 points │        1,234 │ 1 min 0 s │
│ ewc    │     3 │ 63.00 ± 7.45 % │   50.00 % │ 18.50 ± 3.73 points │        1,234 │ 1 min 0 s │
└────────┴───────┴────────────────┴───────────┴─────────────────────┴──────────────┴───────────┘
difference from none over common seeds, mean ± 95 % interval
┌────────┬───────┬──────────────────────┬─────────────┬─────────────────────┬──────────────┬─────────┐
│ recipe │ seeds │             ACC/head │   ACC/bayes │     forgetting/head │ numbers-kept │ seconds │
├────────┼───────┼──────────────────────┼─────────────┼─────────────────────┼──────────────┼─────────┤
│ ewc    │     3 │ +11.00 ± 2.48 points │ 0.00 points │ -5.50 ± 1.24 points │            0 │   0.0 s │
└────────┴───────┴──────────────────────┴─────────────┴─────────────────────┴──────────────┴─────────┘`)
  })

  test('of one recipe has no differences, and of one seed no interval', async () => {
    leave('none', 3, 0.25)
    const { out } = await lgm('compare', 'none/seed-3', '--figure', 'ACC/head')
    expect(out.split('\n')).toHaveLength(6)
    expect(out).toMatch(/│ none {3}│ {5}1 │ {2}25\.00 % │/)
    expect(out).not.toContain('difference')
  })

  test('takes figures by name, or of all read-outs, and another baseline', async () => {
    leaveTwo()
    const { out } = await lgm('compare', '.', '--figure', 'ACC', '--figure', 'bytes-kept', '--baseline', 'none')
    expect(out).toMatch(/│ recipe │ seeds │ +ACC\/head │ ACC\/bayes │ {2}bytes-kept │/)
    expect(out).toContain('4,936 bytes')
    expect(out).toContain('difference from none')
    expect(out.split('difference')[0]).toMatch(/ewc[\s\S]*none/)
    expect(out.split('difference')[1]).toContain('+11.00 ± 2.48 points')
  })

  test.each([
    [['--figure', 'AC'], '--figure: expected a figure that the runs have as one number, got "AC"; known are ACC/head,'],
    [['--figure', 'matrix'], 'got "matrix"; known are'],
    [['--figure', 'second'], 'got "second"; did you mean "seconds"?'],
    [['--baseline', 'nona'], '--baseline: expected the name of a row, got "nona"; did you mean "none"?'],
    [['--format', 'html'], 'Allowed choices are table, csv, markdown, latex.'],
    [['--out', 'no/folder.csv'], 'expected a file that can be written, got ENOENT'],
  ])('refuses %j with a remedy', async (options, message) => {
    leaveTwo()
    const { code, out, err } = await lgm('compare', '.', ...options)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
  })
})

describe('recipes of one name that differ in more than the seed', () => {
  beforeEach(() => {
    leave('ewc', 0, 0.5)
    leave('ewc', 1, 0.6, { recipe: { head: { use: 'linear', gain: 2 }, backend: 'wasm' } })
    leave('ewc', 2, 0.7, { recipe: { head: { use: 'linear', gain: 2 }, backend: 'wasm', observers: ['csv'] } })
  })

  test('are not averaged: it is said in what they differ, and what to do', async () => {
    const { code, out, err } = await lgm('compare', 'ewc')
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toBe(
      'runs named ewc: expected recipes that differ in nothing but the seed, ' +
        `got head.gain 1 and 2, backend nothing and wasm in ${home}/ewc/seed-0 and ${home}/ewc/seed-1; ` +
        'no mean is taken over them: add --apart for a row each, or name only the folders that belong together',
    )
  })

  test('stand apart when asked to, named by what tells them apart', async () => {
    leave('none', 0, 0.1)
    const { out, code } = await lgm('compare', '.', '--apart', '--figure', 'ACC/head')
    expect(code).toBe(0)
    expect(out).toMatch(/│ ewc \(head\.gain=1\) │ {5}1 │/)
    expect(out).toMatch(/│ ewc \(head\.gain=2\) │ {5}2 │ 65\.00 ± 63\.53 % │/)
    expect(out).toMatch(/│ none {14}│/)
    // no seed in common
    expect(out.split('difference')[1]).toMatch(/│ ewc \(head\.gain=2\) │ {5}0 │ +– │/)
  })

  test('take as many values for a name as it needs', async () => {
    leave('ewc', 3, 0.6, { recipe: { head: { use: 'linear', gain: 2 } } })
    const { out } = await lgm('compare', '.', '--apart')
    expect(out).toMatch(
      /ewc \(head\.gain=1, backend=nothing\) [\s\S]*gain=2, backend=wasm\) [\s\S]*gain=2, backend=nothing\) /,
    )
  })

  test('are one recipe where one seed is there twice, which is refused as well', async () => {
    leave('ewc', 2, 0.7, { recipe: { head: { use: 'linear', gain: 2 }, backend: 'wasm' }, folder: 'again' })
    const { code, err } = await lgm('compare', 'ewc/seed-2', 'again')
    expect(code).toBe(2)
    expect(err).toContain(`expected each seed once, got seed 2 in ${home}/ewc/seed-2 and ${home}/again`)
  })
})

describe('notes', () => {
  test('say in what runs differ that no recipe tells, and what was left out', async () => {
    leave('a', 0, 0.5)
    leave('a', 1, 0.5, { report: { engine: { name: 'wasm', version: '4', threads: 2 } } })
    leave('b', 0, 0.5, { report: { versions: { '@lgm/core': '0.2.0', '@lgm/head-mlp': '7' }, tasks: [] } })
    mkdirSync(join(home, 'c'))
    writeFileSync(join(home, 'c', 'recipe.resolved.yaml'), 'name: c')
    const { out } = await lgm('compare', '.')
    expect(out.split('\n').slice(-4)).toEqual([
      'note: runs differ in their engine: native (TensorFlow 2), threads: 1; wasm (4), threads: 2',
      'note: runs differ in versions: @lgm/core 0.1.0, 0.2.0',
      'note: other tasks, scenario or numbers of examples than in a: b',
      `note: not finished, and left out: ${home}/c`,
    ])
    const csv = await lgm('compare', '.', '--format', 'csv')
    expect(csv.err.split('\n')).toHaveLength(4)
    expect(csv.out).not.toContain('note')
  })
})

describe('formats', () => {
  /** Two recipes whose names have to be escaped; differences 0.25 and 0.5 of the seeds 0 and 1. */
  beforeEach(() => {
    leave('a_b, "50%"', 0, 0.25, { folder: '0' })
    leave('a_b, "50%"', 1, 0.25, { folder: '1' })
    leave('c|d', 0, 0.5, { folder: '2' })
    leave('c|d', 1, 0.75, { folder: '3' })
    leave('c|d', 2, 0.625, { folder: '4', report: { engine: { name: 'x_y', version: '4', threads: 2 } } })
  })
  // c|d: 0.5, 0.75, 0.625: s = 0.125, 4.302653 · 0.125 / √3 = 0.310517; of the two differences s = 0.176777, 12.706205 · 0.125 = 1.588276
  const half = String.raw`0\.31051\d+`
  const halfOfDifference = String.raw`1\.58827\d+`

  test('csv: a row for each figure, all digits, by RFC 4180', async () => {
    const { out } = await lgm('compare', '.', '--format', 'csv', '--figure', 'ACC/head')
    const lines = out.split('\r\n')
    expect(lines.slice(0, 2)).toEqual([
      'recipe,baseline,figure,unit,seeds,mean,half-width',
      '"a_b, ""50%""",,ACC/head,fraction,2,0.25,0',
    ])
    expect(lines[2]).toMatch(RegExp(`^c\\|d,,ACC/head,fraction,3,0\\.625,${half}$`))
    const difference = `^c\\|d,"a_b, ""50%""",ACC/head,difference of fractions,2,0\\.375,${halfOfDifference}$`
    expect(lines[3]).toMatch(RegExp(difference))
    expect(lines).toHaveLength(4)
  })

  test('markdown', async () => {
    const { out } = await lgm('compare', '.', '--format', 'markdown', '--figure', 'ACC/head')
    expect(out).toBe(String.raw`mean ± 95 % interval over seeds:

| recipe | seeds | ACC/head |
| :-- | --: | --: |
| a\_b, "50%" | 2 | 25.00 % |
| c\|d | 3 | 62.50 ± 31.05 % |

difference from a\_b, "50%" over common seeds, mean ± 95 % interval:

| recipe | seeds | ACC/head |
| :-- | --: | --: |
| c\|d | 2 | +37.50 ± 158.83 points |

Note: runs differ in their engine: native (TensorFlow 2), threads: 1; x\_y (4), threads: 2.`)
  })

  test('latex', async () => {
    const { out } = await lgm('compare', '.', '--format', 'latex', '--figure', 'forgetting/head')
    expect(out).toBe(String.raw`% \usepackage{booktabs}
% mean ± 95 % interval over seeds
\begin{tabular}{lrr}
  \toprule
  recipe & seeds & forgetting/head \\
  \midrule
  a\_b, "50\%" & 2 & 37.50 points \\
  c|d & 3 & 18.75 $\pm$ 15.53 points \\
  \bottomrule
\end{tabular}
% difference from a_b, "50%" over common seeds, mean ± 95 % interval
\begin{tabular}{lrr}
  \toprule
  recipe & seeds & forgetting/head \\
  \midrule
  c|d & 2 & $-$18.75 $\pm$ 79.41 points \\
  \bottomrule
\end{tabular}
% note: runs differ in their engine: native (TensorFlow 2), threads: 1; x_y (4), threads: 2`)
  })

  test.each([
    ['t.csv', /^recipe,[\s\S]*[^\n]\r\n$/],
    ['t.MD', /^mean ± 95 % interval over seeds:\n\n\| recipe/],
    ['t.tex', /^% \\usepackage[\s\S]*tabular\}\n$/],
    ['t.txt', /^mean ± 95 % interval over seeds\n┌/],
  ])('the ending of --out %s chooses one', async (file, start) => {
    const { code, out } = await lgm('compare', '0', '2', '--out', file)
    expect({ code, out }).toEqual({ code: 0, out: '' })
    expect(readFileSync(join(home, file), 'utf8')).toMatch(start)
    expect(readdirSync(home).filter(name => name.startsWith('.'))).toEqual([])
    await lgm('compare', '0', '2', '--out', file, '--format', 'csv')
    expect(existsSync(join(home, file)) && readFileSync(join(home, file), 'utf8')).toMatch(/^recipe,baseline/)
  })
})
