import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reportPage } from './index.js'
import { inventedRun } from './invented.fixture.js'

/** Where Chromium is, by `CHROMIUM` or where systems have it. */
const places = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const executablePath = places.find(place => place !== '' && existsSync(place))

const title = executablePath
  ? 'in Chromium'
  : 'in Chromium: skipped, since none was found; install it, or say where it is by CHROMIUM=/path/to/chromium'

describe.skipIf(!executablePath)(title, () => {
  const folder = mkdtempSync(join(tmpdir(), 'lgm-page-'))
  let browser: Browser
  const address = (name: string) => pathToFileURL(join(folder, name)).href

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] })
    const png = Buffer.from(pixel, 'base64')
    const pictures = [0, 1, 2].map(task => ({ name: 'samples', task, width: 1, height: 1, png }))
    const run = {
      ...inventedRun({ steps: 20, name: 'a-recipe-with-a-name-that-is-longer-than-any-phone-is-wide-in-one-word' }),
      pictures,
    }
    writeFileSync(join(folder, 'one.html'), reportPage([run]))
    writeFileSync(
      join(folder, 'two.html'),
      reportPage([run, inventedRun({ options: { x: 1 }, better: 0.1, tasks: 2 })]),
    )
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  /** A page, and whatever it should not do. */
  async function opened(name: string, width: number, colorScheme: 'light' | 'dark') {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
    const complaints: string[] = []
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(error.message))
    page.on('request', request => {
      if (!request.url().startsWith('data:') && request.url() !== address(name)) complaints.push(request.url())
    })
    await page.goto(address(name))
    return { page, complaints }
  }

  const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)

  const cases = [1280, 390].flatMap(width =>
    (['light', 'dark'] as const).flatMap(theme => ['one.html', 'two.html'].map(name => [name, width, theme] as const)),
  )

  test.each(cases)('%s is quiet and not too wide at %d pixels, %s', async (name, width, theme) => {
    const { page, complaints } = await opened(name, width, theme)
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true
    })
    expect(complaints).toEqual([])
    expect(await overflow(page)).toBeLessThanOrEqual(0)
    const shown = await page.evaluate(() =>
      [...document.querySelectorAll('figure > svg')]
        .filter(svg => svg.getBoundingClientRect().width > 0)
        .map(svg => svg.getAttribute('class')),
    )
    expect(new Set(shown)).toEqual(new Set([width > 600 ? 'desk' : 'phone']))
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(ground).toBe(theme === 'light' ? 'rgb(244, 246, 248)' : 'rgb(16, 21, 28)')
    await page.close()
  })

  test('labels stay within their drawings', async () => {
    for (const width of [1280, 390]) {
      const { page } = await opened('two.html', width, 'light')
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true
      })
      const outside = await page.evaluate(() =>
        [...document.querySelectorAll('figure > svg')].flatMap(svg => {
          const frame = svg.getBoundingClientRect()
          if (frame.width === 0) return []
          return [...svg.querySelectorAll('text')]
            .filter(text => {
              const box = text.getBoundingClientRect()
              return (
                box.left < frame.left - 1 ||
                box.right > frame.right + 1 ||
                box.top < frame.top - 1 ||
                box.bottom > frame.bottom + 1
              )
            })
            .map(text => `${svg.getAttribute('aria-label')}: ${text.textContent}`)
        }),
      )
      expect(outside).toEqual([])
      await page.close()
    }
  })

  test('the slider is reached by keyboard, and moves the picture', async () => {
    const { page } = await opened('one.html', 1280, 'light')
    const shown = () =>
      page.locator('.pictures figure:visible img').evaluateAll(all => all.map(image => image.getAttribute('alt')))
    expect(await shown()).toEqual(['samples, after task 3: 4, 5'])
    await page.locator('#memory summary').last().focus()
    for (let tabs = 0; tabs < 12; tabs++) {
      if (await page.evaluate(() => document.activeElement?.getAttribute('type') === 'range')) break
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('ArrowLeft')
    expect(await shown()).toEqual(['samples, after task 2: 2, 3'])
    expect(await page.locator('output').textContent()).toBe('after task 2: 2, 3')
    await page.keyboard.press('Home')
    expect(await shown()).toEqual(['samples, after task 1: 0, 1'])
    await page.close()
  })

  test('on paper there are all pictures, and no slider', async () => {
    const { page } = await opened('one.html', 1280, 'dark')
    await page.emulateMedia({ media: 'print' })
    expect(await page.locator('.pictures figure:visible').count()).toBe(3)
    expect(await page.locator('nav:visible, .slider:visible').count()).toBe(0)
    expect(await page.evaluate(() => getComputedStyle(document.body).color)).toBe('rgb(23, 32, 43)')
    await page.close()
  })

  test('a link to a run opens it', async () => {
    const { page } = await opened('two.html', 1280, 'light')
    const second = page.locator('details#run-2')
    expect(await second.evaluate(details => (details as HTMLDetailsElement).open)).toBe(false)
    await page.locator('#runs a').last().click()
    await page.waitForFunction(() => (document.getElementById('run-2') as HTMLDetailsElement).open)
    await page.close()
  })
})

/** A PNG of one pixel. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
