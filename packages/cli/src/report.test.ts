import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tinyReport } from '@lgm/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { call, makeHome, removeHome } from './home.fixture.js'
import { openCommand } from './report.js'

let home: string
const path = process.env.PATH
beforeEach(() => {
  home = makeHome()
})
afterEach(() => {
  process.env.PATH = path
  removeHome(home)
})

const lgm = (...argv: string[]) => call(home, argv)

/** A run of two tasks in the folder `<name>/seed-<seed>`, with a log and a picture. */
function leave(name: string, seed: number, accuracy: number, options: object = {}): void {
  const folder = join(home, name, `seed-${seed}`)
  mkdirSync(join(folder, 'pictures'), { recursive: true })
  const row = (...value: number[]) => [
    { name: 'accuracy/head', value, unit: 'fraction', axis: 'task', aggregation: 'mean' },
  ]
  const report = tinyReport({
    name: 'mine',
    seed,
    tasks: ['0, 1', '2, 3'].map(name => ({ name, classes: name.split(', '), train: 20, test: 10 })),
    rows: [row(1), row(2 * accuracy - 1, 1)],
    summary: [{ name: 'ACC/head', value: accuracy, unit: 'fraction', aggregation: 'mean' }],
    kept: { head: { numbers: 234, bytes: 936 } },
    seconds: [{ learn: 1 }, { learn: 2 }],
    totalSeconds: 3,
  })
  const step = { time: '2026-01-01', type: 'step', fit: 'learn', step: 20, of: 20, terms: { current: 0.5 }, shares: {} }
  writeFileSync(join(folder, 'report.json'), JSON.stringify(report))
  writeFileSync(join(folder, 'recipe.resolved.yaml'), stringify({ name: 'mine', seed, readout: 'head', ...options }))
  writeFileSync(join(folder, 'events.jsonl'), `${JSON.stringify(step)}\n`)
  writeFileSync(join(folder, 'pictures/samples-task-1.png'), Buffer.from(pixel, 'base64'))
}

describe('lgm report', () => {
  test('writes the page of a run into its folder, with its losses and pictures', async () => {
    leave('a', 0, 0.75)
    const file = join(home, 'a/seed-0/report.html')
    expect(await lgm('report', 'a/seed-0')).toMatchObject({ code: 0, out: file })
    const page = readFileSync(file, 'utf8')
    expect(page).toContain('<h1>mine, seed 0</h1>')
    expect(page).toContain('Losses: learn')
    expect(page).toContain('alt="samples, after task 1: 0, 1"')
  })

  test('compares several, told apart by what differs, where one says', async () => {
    leave('a', 0, 0.75)
    leave('a', 1, 0.85)
    leave('b', 0, 0.9, { strength: 2 })
    const { code, out } = await lgm('report', 'a', 'b', '--out', 'page.html')
    expect([code, out]).toEqual([0, join(home, 'page.html')])
    const page = readFileSync(join(home, 'page.html'), 'utf8')
    expect(page).toContain('<h1>2 recipes, 3 runs</h1>')
    expect(page).toContain('mine (strength=2)')
    // mean 0.8, s = 0.0707107; 12.7062 · 0.0707107 / √2 = 0.63531
    expect(page).toContain('80.00 ± 63.53')
  })

  test('says what was not finished', async () => {
    leave('a', 0, 0.75)
    mkdirSync(join(home, 'a/seed-1'))
    writeFileSync(join(home, 'a/seed-1/recipe.resolved.yaml'), 'name: a')
    const { code, err } = await lgm('report', 'a')
    expect([code, err.split('\n')[0]]).toEqual([0, `not finished, and left out: ${join(home, 'a/seed-1')}`])
  })

  test('refuses folders without runs, places that cannot be written, and one seed twice', async () => {
    leave('a', 0, 0.75)
    leave('b', 0, 0.75)
    expect(await lgm('report', 'none')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/none: expected .*got nothing there/),
    })
    const nowhere = await lgm('report', 'a', '--out', 'no/such/folder.html')
    expect(nowhere).toMatchObject({
      code: 2,
      err: expect.stringMatching(/expected a file that can be written.*name another: --out FILE/),
    })
    expect(await lgm('report', 'a', 'b')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/expected each seed once/),
    })
    expect(existsSync(join(home, 'a/report.html'))).toBe(false)
  })

  test.skipIf(process.platform === 'win32')('opens the page, or says that nothing could, and where it is', async () => {
    leave('a', 0, 0.75)
    process.env.PATH = home
    const { code, out, err } = await lgm('report', 'a', '--open')
    expect([code, out]).toEqual([0, join(home, 'a/report.html')])
    expect(err.split('\n').at(-1)).toBe(`no program that opens pages was found; open ${out} yourself`)
    for (const name of ['xdg-open', 'open'])
      writeFileSync(join(home, name), `#!/bin/sh\nprintf %s "$1" > '${home}/opened'\n`, { mode: 0o755 })
    expect((await lgm('report', 'a', '--open')).err).not.toContain('no program')
    expect(readFileSync(join(home, 'opened'), 'utf8')).toBe(out)
  })

  test('opens by what each system has, never through a shell', () => {
    expect(openCommand('/a & b.html', 'linux')).toEqual(['xdg-open', ['/a & b.html']])
    expect(openCommand('/a.html', 'darwin')).toEqual(['open', ['/a.html']])
    expect(openCommand('C:\\a.html', 'win32')).toEqual(['explorer.exe', ['C:\\a.html']])
  })
})

/** A PNG of one pixel. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
