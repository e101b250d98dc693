import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { migrate, type Report, readReport, reportSchema } from './report.js'

const report: Report = {
  version: 1,
  seed: 3,
  engine: { name: 'cpu', version: '4.22.0', threads: 1 },
  scenario: 'class',
  readouts: ['head'],
  tasks: [{ name: '0, 1', classes: ['0', '1'], train: 20, test: 10 }],
  rows: [[{ name: 'accuracy/head', value: [0.9, null], unit: 'fraction', axis: 'task', aggregation: 'mean' }]],
  summary: [{ name: 'ACC/head', value: 0.9, unit: 'fraction', aggregation: 'mean over tasks' }],
  kept: { head: { numbers: 10, bytes: 40 } },
  seconds: [{ learn: 1 }],
  totalSeconds: 1.5,
  versions: { tfjs: '4.22.0' },
}

describe('a report that is read', () => {
  test('is the report that was written', () => {
    expect(readReport(JSON.parse(JSON.stringify(report)))).toEqual(report)
  })

  test('may have fields that a later release added within the version', () => {
    expect(readReport({ ...report, machine: 'new' })).toMatchObject({ seed: 3 })
  })

  test.each([2, 0, 1.5])('of version %d, which is not known, is refused with both versions', version => {
    expect(() => readReport({ ...report, version }, 'runs/a/report.json')).toThrow(
      `runs/a/report.json: expected a report of version 1, got one of version ${version}; read it with the version of @lgm/core that wrote it, or run the recipe again`,
    )
  })

  test.each([null, [], 'text', {}, { version: '1' }])('is refused when it is %j', json => {
    expect(() => readReport(json)).toThrow(/^report: expected a report with its version, got .*; name a report\.json/)
  })

  test('is refused when it is too deep to be shown, or would draw on the terminal', () => {
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
    expect(() => readReport(deep)).toThrow(/got \[\[\[\[\[\["\[…\]"\]/)
    expect(() => readReport({ ...report, totalSeconds: deep })).toThrow(/got totalSeconds that is \[\[/)
    expect(() => readReport({ ...report, seconds: [{ '\u001b[31m': 'x' }] })).toThrow(
      /got seconds\.0\.\\u001b\[31m that/,
    )
  })

  test('is refused with the place of what is wrong', () => {
    const rows = [[{ ...report.rows[0]![0], value: 'high' }]]
    expect(() => readReport({ ...report, rows })).toThrow(
      /^report: expected a report as lgm run writes it, got rows\.0\.0\.value that is "high" \(Invalid input\); run/,
    )
  })
})

describe('a figure', () => {
  const [figure] = report.rows[0]!
  const reading = (change: object) => () => readReport({ ...report, rows: [[{ ...figure, ...change }]] })

  test('without a unit, a name or a word on how it came about is refused', () => {
    for (const what of ['unit', 'name', 'aggregation'])
      expect(reading({ [what]: '' })).toThrow(`got rows.0.0.${what} that is "" (Too small`)
  })

  test('that is a list is refused without the name of its axis, and one number needs none', () => {
    const { axis, ...bare } = figure!
    expect(() => readReport({ ...report, summary: [bare] })).toThrow(
      'got summary.0.axis that is undefined (a list needs the name of its axis)',
    )
    expect(reading({ axis: '' })).toThrow('got rows.0.0.axis that is ""')
    expect(readReport({ ...report, summary: [{ ...bare, value: 1 }] }).summary).toHaveLength(1)
  })

  test('that the report has beside the lists has a unit, too, in the schema', () => {
    const { kept, seconds, totalSeconds } = reportSchema.shape
    const units = [kept.valueType.shape.numbers, kept.valueType.shape.bytes, seconds.element.valueType, totalSeconds]
    expect(units.map(field => field.meta()!.unit)).toEqual(['numbers', 'bytes', 'seconds', 'seconds'])
  })
})

describe('the reports that are kept, as lgm run wrote them', () => {
  const folder = new URL('fixtures/reports/', import.meta.url)
  const kept = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
  const newest = reportSchema.shape.version.value

  test('are one of each version of the schema', () => {
    const versions = Array.from({ length: newest }, (_, i) => i + 1)
    expect(readdirSync(folder).sort()).toEqual(versions.map(version => `version-${version}.json`))
    for (const version of versions) expect(kept(`version-${version}.json`).version).toBe(version)
  })

  test('are all read, and brought to the newest version', () => {
    for (const file of readdirSync(folder)) expect(readReport(kept(file), file).version).toBe(newest)
  })

  test('the one of version 1 has what its run found', () => {
    const found = readReport(kept('version-1.json'))
    const figure = (name: string) => found.summary.find(measurement => measurement.name === name)
    expect(found.tasks.map(({ name }) => name)).toEqual(['0, 1', '2, 3'])
    expect(figure('ACC/head')).toMatchObject({ value: expect.closeTo(0.7333, 4), unit: 'fraction' })
    expect(figure('accuracy-matrix/head')).toMatchObject({ axis: 'task learned × task tested, row-major' })
    expect(found.rows[1]!.find(({ name }) => name === 'confusion/head')!.value).toHaveLength(16)
    expect(found.kept).toEqual({
      head: { numbers: 68, bytes: 272 },
      'generator/gaussian': { numbers: 612, bytes: 2448 },
    })
  })
})

describe('migration', () => {
  const steps = [
    ({ a, ...rest }: Readonly<Record<string, unknown>>) => ({ ...rest, version: 2, b: `${a}!` }),
    ({ b, ...rest }: Readonly<Record<string, unknown>>) => ({ ...rest, version: 3, c: [b] }),
  ]

  test('takes every step from the version that was written, and none before', () => {
    expect(migrate({ version: 1, a: 'x' }, steps, 'f')).toEqual({ version: 3, c: ['x!'] })
    expect(migrate({ version: 2, b: 'y' }, steps, 'f')).toEqual({ version: 3, c: ['y'] })
    expect(migrate({ version: 3, c: [] }, steps, 'f')).toEqual({ version: 3, c: [] })
  })

  test('refuses what is newer than the last step', () => {
    expect(() => migrate({ version: 4 }, steps, 'f')).toThrow(
      'f: expected a report of version 3 or before, got one of version 4',
    )
  })

  test('refuses what is between two versions', () => {
    expect(() => migrate({ version: 1.5 }, steps, 'f')).toThrow('got one of version 1.5')
  })
})
