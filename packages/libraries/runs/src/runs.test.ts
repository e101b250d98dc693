import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tinyReport } from '@lgm/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findRuns, readRun } from './index.js'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lgm-runs-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const report = (seed: number) => tinyReport({ seed })

/** A folder with the files of a run, `report` and `recipe` as text. */
function leave(path: string, seed = 0, files: { report?: string | null; recipe?: string } = {}): string {
  const folder = join(home, path)
  mkdirSync(folder, { recursive: true })
  const { report: text = JSON.stringify(report(seed)), recipe = `name: a\nseed: ${seed}\n` } = files
  if (text !== null) writeFileSync(join(folder, 'report.json'), text)
  writeFileSync(join(folder, 'recipe.resolved.yaml'), recipe)
  return folder
}

describe('a run', () => {
  test('of version 1 of the schema, as it was written then, is read by today’s code', async () => {
    const run = await readRun(fileURLToPath(new URL('./version-1', import.meta.url)))
    expect(run.report).toMatchObject({ version: 1, name: 'none', seed: 0, scenario: 'class' })
    expect(run.report.summary.map(({ name }) => name)).toEqual([
      'ACC/head',
      'BWT/head',
      'forgetting/head',
      'accuracy-matrix/head',
    ])
    expect(run.report.tasks[0]).toEqual({ name: '0, 1', classes: ['0', '1'], train: 12665, test: 2115 })
    expect(run.recipe).toMatchObject({ name: 'none', embedder: { use: 'mlp', widths: [400] }, regularizers: [] })
  })

  test('that has not ended is told from a folder that is none', async () => {
    const unfinished = leave('a', 0, { report: null })
    await expect(readRun(unfinished)).rejects.toThrow(
      `${unfinished}: expected a finished run, got one without report.json; go on with it: lgm run --resume`,
    )
    await expect(readRun(home)).rejects.toThrow(`${home}: expected the folder of a run, got one without report.json`)
  })

  test.each([
    ['text that is no JSON', { report: '{"version":1' }, /report\.json: expected a report, got .*JSON/],
    [
      'another version',
      { report: '{"version":9}' },
      /report\.json: expected a report of version 1, got one of version 9/,
    ],
    ['another file', { report: '{"name":"x"}' }, /report\.json: expected a report with its version/],
    ['a recipe that is no YAML', { recipe: 'a: [' }, /recipe\.resolved\.yaml: expected a recipe, got no plain YAML/],
    ['a recipe that is no mapping', { recipe: '- a' }, /expected a recipe, got no mapping of keys to values/],
    ['aliases without end', { recipe: bomb() }, /expected a recipe, got .*alias/],
    ['a long recipe', { recipe: `a: ${'x'.repeat(1_000_001)}` }, /got 1000004 bytes, more than 1000000/],
  ])('with %s is refused by name', async (_what, files, message) => {
    const folder = leave('bad', 0, files)
    await expect(readRun(folder)).rejects.toThrow(message)
    await expect(readRun(folder)).rejects.toThrow(folder)
  })

  test('whose report is of a size that no report has is refused unread', async () => {
    const folder = leave('huge')
    truncateSync(join(folder, 'report.json'), 300_000_000)
    await expect(readRun(folder)).rejects.toThrow('got 300000000 bytes, more than 256000000')
  })
})

/** Twelve levels of ten aliases each: 10¹² values. */
function bomb(): string {
  const levels = Array.from({ length: 12 }, (_, k) => `a${k + 1}: &a${k + 1} [${`*a${k},`.repeat(10)}]`)
  return ['a0: &a0 [x]', ...levels].join('\n')
}

describe('the runs in folders', () => {
  test('are found some levels down, in natural order, without what lies within a run', async () => {
    leave('out/ewc/seed-10', 10)
    leave('out/ewc/seed-9', 9)
    leave('out/ewc/seed-9/checkpoint/old', 8)
    leave('out/checkpoints/task-1', 7)
    leave('out/deep/1/2/3', 1)
    leave('out/deep/1/2/too/deep', 6)
    const counts: number[] = []
    const { runs, unfinished } = await findRuns([join(home, 'out')], count => counts.push(count))
    expect(runs.map(run => run.report.seed)).toEqual([1, 9, 10])
    expect(runs[1]!.folder).toBe(join(home, 'out/ewc/seed-9'))
    expect(unfinished).toEqual([])
    expect(counts).toEqual([1, 2, 3])
  })

  test('are there once, however often they are named, in the order named', async () => {
    const [a, b] = [leave('out/a', 0), leave('out/b', 1)]
    symlinkSync(a, join(home, 'link'))
    const { runs } = await findRuns([b, join(home, 'out'), join(home, 'link'), `${a}/`])
    expect(runs.map(({ folder }) => folder)).toEqual([b, a])
  })

  test('may be unfinished, which is said', async () => {
    leave('out/a', 0)
    const left = leave('out/b', 1, { report: null })
    const { runs, unfinished } = await findRuns([join(home, 'out')])
    expect([runs.length, unfinished]).toEqual([1, [left]])
    await expect(findRuns([left])).rejects.toThrow(
      `${left}: expected finished runs, got only unfinished ones (${left})`,
    )
  })

  test('have to be there, in each folder that is named', async () => {
    const a = leave('out/a', 0)
    mkdirSync(join(home, 'empty'))
    await expect(findRuns([a, join(home, 'empty')])).rejects.toThrow(
      `${join(home, 'empty')}: expected runs, got no folder with a report.json; name the --out of lgm run`,
    )
    await expect(findRuns([a, join(home, 'none')])).rejects.toThrow('expected a folder of runs, got nothing there')
    await expect(findRuns([join(a, 'report.json')])).rejects.toThrow('expected a folder of runs, got a file')
  })
})
