import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { html, trusted } from './html.js'
import { paretoFront, readPictures } from './index.js'
import { inventedRun } from './invented.fixture.js'
import { forgettingByTask, matrixOf, readoutsOf, seenMeans } from './measurements.js'
import { bytes, compact, duration, percent, plain, tick } from './numbers.js'
import { contrast, heatLevels, orderSteps, seriesColours, standIn, themed, themes } from './palette.js'
import { fitting } from './pictures.js'

describe('HTML', () => {
  test('escapes whatever is no HTML already', () => {
    const evil = `<script>"&'`
    expect(html`<b title="${evil}">${[evil, 1, trusted('<i>')]}${undefined}${false}</b>`.text).toBe(
      '<b title="&#60;script&#62;&#34;&#38;&#39;">&#60;script&#62;&#34;&#38;&#39;1<i></b>',
    )
  })
})

describe('the Pareto front', () => {
  test('is of those that none beats in cost and worth', () => {
    const offers = (
      [
        [1, 0.5],
        [2, 0.4],
        [3, 0.9],
        [3, 0.8],
        [4, 0.9],
        [1, 0.5],
        [5, 1],
      ] as const
    ).map(([cost, worth], at) => ({ cost, worth, at }))
    expect(paretoFront(offers).map(({ at }) => at)).toEqual([0, 5, 2, 6])
  })
})

describe('what a report says', () => {
  const { report } = inventedRun()
  const matrix = matrixOf(report, 'accuracy/head')!

  test('as a matrix by task learned and task tested', () => {
    // 0.9 − 0.05 (t − j)
    expect(matrix.map(row => row.map(value => value && percent(value)))).toEqual([
      ['90.0', null, null],
      ['85.0', '90.0', null],
      ['80.0', '85.0', '90.0'],
    ])
  })

  test('as means over the tasks seen, and as forgetting from the best before the last task', () => {
    expect(seenMeans(matrix).map(mean => percent(mean))).toEqual(['90.0', '87.5', '85.0'])
    // 0.9 − 0.8 and 0.9 − 0.85
    expect(forgettingByTask(matrix).map(value => percent(value))).toEqual(['10.0', '5.0'])
    expect(
      forgettingByTask([
        [0.5, 0.1],
        [0.4, 0.9],
        [0.7, 0.6],
      ]).map(value => percent(value)),
    ).toEqual(['−20.0', '30.0'])
  })

  test('with the read-out that predicts first', () => {
    expect(readoutsOf(inventedRun())).toEqual(['head', 'bayes'])
    expect(readoutsOf(inventedRun({ options: { readout: 'bayes' } }))).toEqual(['bayes', 'head'])
  })
})

describe('numbers', () => {
  test('are written as people read them', () => {
    expect([0, 1234567, -0.01234, 12.3456, 1e-7, 2e12, null, Number.NaN].map(plain)).toEqual([
      '0',
      '1,234,567',
      '−0.01234',
      '12.35',
      '1.00e−7',
      '2.00e+12',
      '–',
      '–',
    ])
    expect([0, 0.25, 4.5, 15000, 1e-4, 2e-5, -3].map(tick)).toEqual([
      '0',
      '0.25',
      '4.5',
      '15 k',
      '10⁻⁴',
      '2·10⁻⁵',
      '−3',
    ])
    expect([999, 1139058, 999_900].map(compact)).toEqual(['999', '1.14 M', '1 M'])
    expect([512, 1716000].map(bytes)).toEqual(['512 B', '1.72 MB'])
    expect([0.0123, 96.84, 154.4, 7322].map(duration)).toEqual(['12 ms', '96.8 s', '2 min 34 s', '2 h 2 min'])
  })
})

describe('colours', () => {
  test('of text are told from what is behind them, in both themes', () => {
    for (const colours of Object.values(themes)) {
      for (const ground of ['ground', 'card', 'wash'] as const)
        for (const text of ['ink', 'soft', 'accent'] as const)
          expect(contrast(colours[text]!, colours[ground]!), `${text} on ${ground}`).toBeGreaterThan(4.5)
      for (let level = 0; level < heatLevels; level++)
        expect(contrast(colours[`t${level}`]!, colours[`h${level}`]!), `level ${level}`).toBeGreaterThan(4.5)
    }
  })

  test('of lines are told from the card, in both themes', () => {
    for (const colours of Object.values(themes))
      for (const name of [
        ...Array.from({ length: seriesColours }, (_, i) => `s${i}`),
        ...Array.from({ length: orderSteps }, (_, i) => `q${i}`),
      ])
        expect(contrast(colours[name]!, colours.card!), name).toBeGreaterThan(3)
  })

  test('stand for names, and nothing else does', () => {
    expect(themed(`fill="${standIn('s3')}" stroke="#fa0abcd" x="#123456"`)).toBe(
      'fill="var(--s3)" stroke="#fa0abcd" x="#123456"',
    )
    expect(() => standIn('none')).toThrow('no colour none')
  })
})

describe('pictures', () => {
  test('are the PNG files by name and task, and no others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lgm-pictures-'))
    const png = Buffer.from(pixel, 'base64')
    mkdirSync(join(folder, 'pictures'))
    for (const file of ['b-task-1.png', 'a-task-10.png', 'a-task-2.png', 'a-task-0.png', 'a.png'])
      writeFileSync(join(folder, 'pictures', file), png)
    writeFileSync(join(folder, 'pictures/c-task-1.png'), 'no picture at all, but text of some length')
    const found = await readPictures(folder)
    rmSync(folder, { recursive: true })
    expect(found.map(({ name, task, width, height }) => [name, task, width, height])).toEqual([
      ['a', 1, 1, 1],
      ['a', 9, 1, 1],
      ['b', 0, 1, 1],
    ])
    expect(await readPictures(folder)).toEqual([])
  })

  test('are left out evenly where there is too little room, the first and the last last', () => {
    const all = Array.from({ length: 9 }, (_, task) => ({
      name: 'a',
      task,
      width: 1,
      height: 1,
      png: new Uint8Array(300),
    }))
    // a data URI of 300 bytes: 400 characters, and 120 around it
    expect(fitting(all, 9 * 520)).toHaveLength(9)
    expect(fitting(all, 3 * 520).map(({ task }) => task)).toEqual([0, 4, 8])
    expect(fitting(all, 520).map(({ task }) => task)).toEqual([8])
    expect(fitting(all, 519)).toEqual([])
  })
})

/** A PNG of one pixel. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
