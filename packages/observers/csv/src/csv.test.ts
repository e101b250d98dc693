import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LearnerEvent, Observer } from '@lgm/core'
import { checkObserver } from '@lgm/testing'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { csv, row, rowsOf } from './index.js'

const shared = mkdtempSync(join(tmpdir(), 'lgm-csv-'))
afterAll(() => rmSync(shared, { recursive: true, force: true }))
let made = 0
checkObserver({ plugin: () => csv({ folder: join(shared, `${made++}`) }) })

/** Reads a table character by character, after the grammar of RFC 4180 (with line feeds), into records by column. */
function parse(text: string): Record<string, string>[] {
  const rows: string[][] = [['']]
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const [char, next, cells] = [text[i]!, text[i + 1], rows.at(-1)!]
    if (quoted && char === '"' && next === '"') {
      cells.push(`${cells.pop()}"`)
      i++
    } else if (char === '"') quoted = !quoted
    else if (!quoted && char === ',') cells.push('')
    else if (!quoted && char === '\n') rows.push([''])
    else cells.push(`${cells.pop()}${char}`)
  }
  expect(rows.pop()).toEqual([''])
  const [head, ...body] = rows
  for (const cells of body) expect(cells).toHaveLength(head!.length)
  return body.map(cells => Object.fromEntries(cells.map((text, k) => [head![k]!, text])))
}

const engine = { name: 'cpu', version: '1', threads: 1 }
const step = (done: number): LearnerEvent => ({
  type: 'step',
  fit: 'learn',
  step: done,
  of: 100,
  terms: { current: 0.1 + 0.2, 'regularizer/ewc': 1e-7 },
  shares: { 'regularizer/ewc': 0.25 },
})
const begin: LearnerEvent[] = [
  { type: 'run-start', tasks: ['0, 1', '2, 3'], seed: 7, engine },
  { type: 'task-start', task: 0, name: '0, 1', classes: ['0', '1'] },
  { type: 'phase-start', task: 0, phase: 'learn' },
]
const end = (task: number): LearnerEvent => ({
  type: 'task-end',
  task,
  measurements: [
    { name: 'accuracy/head', value: [1, null], unit: 'fraction', axis: 'task', aggregation: 'mean, "plain"' },
    { name: 'accuracy-seen/head', value: 0.5, unit: 'fraction', aggregation: 'mean over\nseen tasks' },
  ],
  seconds: 2,
})

describe('the csv observer', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lgm-csv-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const observer = (given: Parameters<typeof csv>[0] = {}): Observer => {
    const { definition, options } = csv({ folder, interval: 3600, ...given })
    return new definition.class(options) as Observer
  }
  const hear = (writer: Observer, ...events: LearnerEvent[]) => {
    for (const event of events) writer.notice(event)
  }
  const table = (name: string) => parse(readFileSync(join(folder, `${name}.csv`), 'utf8'))
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)

  test('writes a row a loss and a share, at the step of the run and of the fit', () => {
    const writer = observer()
    hear(writer, ...begin, step(20), step(100), step(20))
    writer.close?.()
    const rows = table('steps')
    expect(rows).toHaveLength(3 * 3)
    const of = { time, run: time, seed: '7', task: '0', phase: 'learn', fit: 'learn', step: '20', step_of_fit: '20' }
    expect(rows.slice(0, 3)).toEqual([
      // every digit: 0.1 + 0.2 is no 0.3
      { ...of, kind: 'loss', name: 'current', value: '0.30000000000000004' },
      { ...of, kind: 'loss', name: 'regularizer/ewc', value: '1e-7' },
      { ...of, kind: 'share', name: 'regularizer/ewc', value: '0.25' },
    ])
    // a second fit of the name began after the first was done
    expect(rows.map(({ step }) => step)).toEqual(['20', '20', '20', '100', '100', '100', '120', '120', '120'])
  })

  test('writes a row a figure and an entry of a list, and seconds', () => {
    const writer = observer()
    const summary = [{ name: 'ACC/head', value: 0.75, unit: 'fraction', aggregation: 'mean over tasks' }]
    const phase: LearnerEvent = { type: 'phase-end', task: 0, phase: 'learn', seconds: 1.5 }
    hear(writer, ...begin, step(40), phase, end(0), { type: 'run-end', summary, seconds: 3 })
    writer.close?.()
    const of = { time, run: time, seed: '7', task: '0', step: '40', axis: '', index: '' }
    const seconds = { unit: 'seconds', aggregation: 'sum' }
    const list = { name: 'accuracy/head', axis: 'task', unit: 'fraction', aggregation: 'mean, "plain"' }
    expect(table('figures')).toEqual([
      { ...of, name: 'seconds/learn', value: '1.5', ...seconds },
      { ...of, ...list, index: '0', value: '1' },
      { ...of, ...list, index: '1', value: '' },
      { ...of, name: 'accuracy-seen/head', value: '0.5', unit: 'fraction', aggregation: 'mean over\nseen tasks' },
      { ...of, name: 'seconds', value: '2', ...seconds },
      { ...of, task: '', name: 'ACC/head', value: '0.75', unit: 'fraction', aggregation: 'mean over tasks' },
      { ...of, task: '', name: 'seconds', value: '3', ...seconds },
    ])
  })

  test('writes at the end of a task, and leaves the steps out if told to', () => {
    const writer = observer()
    hear(writer, ...begin, step(20))
    expect(table('steps')).toHaveLength(0)
    hear(writer, end(0))
    expect(table('steps')).toHaveLength(3)
    expect(table('figures')).toHaveLength(4)
    writer.close?.()
    rmSync(join(folder, 'steps.csv'))
    const brief = observer({ steps: false })
    hear(brief, ...begin, step(20), end(0))
    brief.close?.()
    expect(readdirSync(folder)).toEqual(['figures.csv'])
  })

  test('appends to tables of earlier runs, and tells runs apart', () => {
    for (const seed of [1, 2]) {
      const writer = observer()
      hear(writer, { type: 'run-start', tasks: ['a'], seed, engine }, end(0))
      writer.close?.()
    }
    const rows = table('figures')
    expect(rows.map(({ seed }) => seed)).toEqual(['1', '1', '1', '1', '2', '2', '2', '2'])
    expect(new Set(rows.map(({ run }) => run)).size).toBe(2)
  })

  test('a run that is resumed has every row once, and steps go on; rows of other runs stay', () => {
    const first = observer()
    hear(first, ...begin, step(100), end(0))
    const mark = JSON.parse(JSON.stringify(first.mark?.()))
    hear(first, { type: 'task-start', task: 1, name: 'b', classes: [] }, step(20), end(1))
    first.close?.()
    const other = observer()
    hear(other, { type: 'run-start', tasks: ['a'], seed: 8, engine }, step(60), end(0))
    other.close?.()
    const again = observer()
    again.rewind?.(mark)
    hear(again, { type: 'run-resume', task: 1, tasks: ['0, 1', '2, 3'], engine })
    hear(again, { type: 'task-start', task: 1, name: 'b', classes: [] }, step(20), end(1))
    again.close?.()
    const places = (rows: Record<string, string>[]) => [
      ...new Set(rows.map(({ seed, task, step }) => `${seed} ${task} ${step}`)),
    ]
    expect(places(table('steps'))).toEqual(['7 0 100', '8  60', '7 1 120'])
    expect(places(table('figures'))).toEqual(['7 0 100', '8 0 60', '7 1 120'])
    expect(table('figures')).toHaveLength(3 * 4)
    expect(() => observer().rewind?.({ some: 'thing' })).toThrow(/observer "csv": expected a mark of its own, got/)
  })

  test('does not write into another kind of table', () => {
    writeFileSync(join(folder, 'figures.csv'), 'name,value\n')
    expect(() => hear(observer(), end(0))).toThrow(/observer "csv": expected that .*figures.csv begins with "time,run/)
  })
})

describe('rows', () => {
  test('are quoted where they must be', () => {
    expect(row(['plain', 1.5, 'a,b', 'say "so"', 'two\nlines', null, undefined, ''])).toBe(
      'plain,1.5,"a,b","say ""so""","two\nlines",,,\n',
    )
  })

  test('are found in a text, line breaks in quotes or not', () => {
    const rows = ['a,"1\n2",x\n', '"say ""\n""",b\n', '\n']
    expect(rowsOf(rows.join(''))).toEqual(rows)
    expect(rowsOf(`${rows.join('')}torn,"\n`)).toEqual(rows)
  })
})
