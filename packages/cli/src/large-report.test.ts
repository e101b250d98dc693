import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leaveLongRun, leaveRuns } from '../../../bench/large-runs.mjs'
import { call, makeHome, removeHome } from './home.fixture.js'

/** Folders as runs leave them, on disk; how long the commands take is measured by `bench/report.mjs`. */
let home: string
let long: Awaited<ReturnType<typeof call>>

beforeAll(async () => {
  home = makeHome()
  leaveLongRun(join(home, 'long'), { tasks: 100, steps: 1000 })
  leaveRuns(join(home, 'many'), { recipes: 40, seeds: 5, tasks: 10 })
  long = await call(home, ['report', 'long'])
}, 600_000)
afterAll(() => removeHome(home), 120_000)

/** What the page of the long run has to show. */
const sections = ['overview', 'accuracy', 'forgetting', 'training', 'drift', 'memory', 'calibration', 'time', 'figures']
const page = () => join(home, 'long/report.html')

describe('reports of much', () => {
  test('a run of 100,000 logged steps and 100 tasks becomes a page below 5 MB with all of them', () => {
    expect(long).toMatchObject({ code: 0, out: page() })
    const text = readFileSync(page(), 'utf8')
    expect(text.length).toBeLessThan(5_000_000)
    expect(text).toContain('<summary>100 tasks</summary>')
    const losses = text.slice(text.indexOf('<span>Losses: learn: last')).split('</table>')[0]!.split('<tr>').slice(2)
    expect(losses).toHaveLength(100)
    // the last of all steps: k = 1000 of task 99, 1 / k + 0.1 ((7919 k + 99) mod 13)
    expect(losses.at(-1)!.replace(/<[^>]*>/g, ' ')).toMatch(/100: task 100 +0\.6010 /)
    expect([...text.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id)).toEqual([...sections, 'setup'])
  })

  test('two hundred runs are compared in a row for each recipe', async () => {
    const { code, out } = await call(home, ['compare', 'many', '--figure', 'ACC/head', '--format', 'csv'])
    expect(code).toBe(0)
    for (const name of ['recipe-0', 'recipe-39'])
      expect(out.split('\r\n').join('\n')).toMatch(new RegExp(`^${name},`, 'm'))
  }, 600_000)

  test('two hundred runs become a page that lists them all', async () => {
    const { code } = await call(home, ['report', 'many', '--out', 'many.html'])
    expect(code).toBe(0)
    const text = readFileSync(join(home, 'many.html'), 'utf8')
    expect(text).toContain('<h1>40 recipes, 200 runs</h1>')
    expect(text.match(/seed-\d/g)!.length).toBeGreaterThanOrEqual(200)
  }, 600_000)
})

const executablePath = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  place => place !== '' && existsSync(place),
)
const title = executablePath
  ? 'in Chromium'
  : 'in Chromium: skipped, since none was found; install it, or say where it is by CHROMIUM=/path/to/chromium'

describe.skipIf(!executablePath)(title, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] })
  }, 120_000)
  afterAll(() => browser?.close(), 120_000)

  test.each([1280, 390])(
    'the page of the long run opens at %d pixels, with its sections',
    async width => {
      const opened = await browser.newPage({ viewport: { width, height: 800 } })
      opened.setDefaultTimeout(300_000)
      const complaints: string[] = []
      opened.on('console', message => complaints.push(message.text()))
      opened.on('pageerror', error => complaints.push(error.message))
      await opened.goto(pathToFileURL(page()).href)
      const shown = await opened.evaluate(() =>
        [...document.querySelectorAll('main > section')].map(part => ({
          id: part.id,
          drawn: [...part.querySelectorAll('figure > svg')].some(svg => svg.getBoundingClientRect().height > 50),
          tall: part.getBoundingClientRect().height > 50,
        })),
      )
      expect(shown.map(({ id }) => id)).toEqual([...sections, 'setup'])
      expect(shown.filter(({ tall }) => !tall)).toEqual([])
      const charts = ['accuracy', 'forgetting', 'training', 'drift', 'memory', 'calibration', 'time']
      expect(shown.filter(({ drawn }) => drawn).map(({ id }) => id)).toEqual(charts)
      expect(await opened.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
        0,
      )
      expect(complaints).toEqual([])
      await opened.close()
    },
    600_000,
  )
})
