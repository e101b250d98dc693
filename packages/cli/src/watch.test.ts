import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { balanced, enterHome, program, removeHome } from './home.fixture.js'
import { Tail } from './tail.js'
import { startWatching } from './watch.js'

let home: string
const recipe = `
name: seen
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3]] }
embedder: { use: dct, coefficients: 16 }
head: linear
phases: [ { use: learn, iterations: 60, batchSize: 16 } ]
evaluators: [ accuracy ]
observers: []
`

beforeAll(() => {
  home = enterHome({ 'seen.yaml': recipe }, balanced(4, 80))
})
afterAll(() => removeHome(home))

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function watching(name: string) {
  const one = await startWatching(join(home, name))
  open.push(one)
  return one
}

/** What the server tells, as a browser would hear it. */
async function hear(
  address: string,
  heard: { status: string; sections?: [string, string][] }[],
  signal: AbortSignal | null = null,
) {
  const body = (await fetch(`${address}events`, { signal })).body!
  let rest = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop()!
    for (const part of parts) {
      const data = /^data: (.*)$/m.exec(part)?.[1]
      if (data) heard.push(JSON.parse(data))
    }
  }
}

const time = () => new Date().toISOString()
const line = (event: object) => `${JSON.stringify({ time: time(), ...event })}\n`
const begin = (seed: number) =>
  line({ type: 'run-start', tasks: ['0, 1', '2, 3'], seed, engine: { name: 'wasm', version: '4', threads: 1 } }) +
  line({ type: 'task-start', task: 0, name: '0, 1', classes: ['0', '1'] }) +
  line({ type: 'phase-start', task: 0, phase: 'learn' })
const step = (at: number) =>
  line({ type: 'step', fit: 'learn', step: at, of: 60, terms: { current: 1 / at }, shares: {} })

describe('lgm watch', () => {
  test('follows a real run from before it begins to its end', async () => {
    const { address } = await watching('real')
    expect(await (await fetch(address)).text()).toContain(`waiting for a run in ${join(home, 'real')}`)
    const heard: { status: string; sections?: [string, string][] }[] = []
    const hearing = hear(address, heard).catch(() => {})
    const child = spawn(process.execPath, [program, 'run', 'seen.yaml', '--out', 'real'], {
      cwd: home,
      stdio: 'ignore',
    })
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    await expect.poll(() => heard.at(-1)?.status, { timeout: 20_000 }).toBe('run ended')
    await expect
      .poll(() => heard.flatMap(({ sections = [] }) => sections.map(([id]) => id)), { timeout: 20_000 })
      .toContain('overview')
    const page = await (await fetch(address)).text()
    expect(page).toContain('<h1>seen, seed 0</h1>')
    expect(page).toContain('Final accuracy')
    for (const one of open.splice(0)) one.close()
    await hearing
  }, 120_000)

  test('answers only those who know the address, at its own name, and on this machine', async () => {
    const { address } = await watching('secret')
    const { port, origin, pathname } = new URL(address)
    const codes = await Promise.all(
      [address, `${origin}/`, `${origin}/events`, `${origin}/${'0'.repeat(32)}/`, `${address}x`].map(
        async at => (await fetch(at)).status,
      ),
    )
    expect(codes).toEqual([200, 403, 403, 403, 404])
    expect((await fetch(address, { method: 'POST' })).status).toBe(405)
    const asked = request({ host: '127.0.0.1', port, path: pathname, headers: { host: `evil.example:${port}` } }).end()
    const [answer] = await once(asked, 'response')
    expect(answer.statusCode).toBe(403)
    answer.destroy()
    expect((await fetch(address)).headers.get('access-control-allow-origin')).toBeNull()
    const others = Object.values(networkInterfaces())
      .flat()
      .filter(found => found && !found.internal && found.family === 'IPv4')
    for (const host of ['127.0.0.2', ...others.map(found => found!.address)]) {
      const socket = connect({ host, port: Number(port), timeout: 2000 })
      const refused = await new Promise(done => {
        socket
          .once('connect', () => done(false))
          .once('error', () => done(true))
          .once('timeout', () => done(true))
      })
      socket.destroy()
      expect(refused, host).toBe(true)
    }
  }, 30_000)

  test('tells several browsers, those that come later too, and after the run has failed', async () => {
    const folder = join(home, 'several')
    mkdirSync(folder)
    const events = join(folder, 'events.jsonl')
    writeFileSync(events, begin(3) + step(20))
    const { address } = await watching('several')
    const statuses = (signal?: AbortSignal) => {
      const heard: { status: string }[] = []
      hear(address, heard, signal).catch(() => {})
      return () => heard.at(-1)?.status
    }
    const leaves = new AbortController()
    const [first, second] = [statuses(leaves.signal), statuses()]
    const told = (status: () => string | undefined) => expect.poll(status, { timeout: 20_000 })
    await told(first).toContain('learn 20/60')
    await told(second).toContain('learn 20/60')
    leaves.abort()
    appendFileSync(events, step(40))
    await told(second).toContain('learn 40/60')
    expect(first()).toContain('learn 20/60')
    await told(statuses()).toContain('learn 40/60')
    appendFileSync(events, line({ type: 'run-failed', message: 'the loss is NaN' }))
    await told(second).toBe('run failed: the loss is NaN')
    await told(statuses()).toBe('run failed: the loss is NaN')
    expect((await fetch(address)).status).toBe(200)
  }, 60_000)

  test('ends at once at Ctrl-C with a browser listening, and says which port is taken', async () => {
    const child = spawn(process.execPath, [program, 'watch', 'none'], { cwd: home })
    const [first] = await once(child.stdout, 'data')
    const address = String(first).trim()
    const taken = spawn(process.execPath, [program, 'watch', 'none', '--port', new URL(address).port], { cwd: home })
    let told = ''
    taken.stderr.on('data', data => {
      told += data
    })
    expect((await once(taken, 'exit'))[0]).toBe(2)
    expect(told).toContain('--port: expected a port that is free')
    const heard: { status: string }[] = []
    const hearing = hear(address, heard).catch(() => {})
    await expect.poll(() => heard.length, { timeout: 20_000 }).toBeGreaterThan(0)
    const start = performance.now()
    child.kill('SIGINT')
    expect((await once(child, 'exit'))[0]).toBe(130)
    expect(performance.now() - start).toBeLessThan(5000)
    await hearing
  }, 60_000)
})

describe('a file that grows', () => {
  test('is read line by line, and anew when it was cut, even if it has grown beyond where it was', async () => {
    const path = join(home, 'lines')
    const tail = new Tail(path)
    const lines: string[] = []
    const poll = () =>
      tail.poll(
        text => lines.push(text),
        () => lines.push('again'),
      )
    expect(await poll()).toBe(false)
    writeFileSync(path, 'one\ntw')
    await poll()
    appendFileSync(path, 'o ä\n')
    await poll()
    expect(await poll()).toBe(false)
    expect(lines).toEqual(['one', 'two ä'])
    writeFileSync(path, 'one\nthree is longer\n')
    await poll()
    expect(lines).toEqual(['one', 'two ä', 'again', 'one', 'three is longer'])
    rmSync(path)
    await poll()
    expect(lines.at(-1)).toBe('again')
  })
})

const executablePath = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  place => place !== '' && existsSync(place),
)

/** Milliseconds. Drawing takes at most a tenth of the time, so after one that took long on a busy machine the next waits ten times as long. */
const seldom = 200_000

describe.skipIf(!executablePath)(executablePath ? 'in Chromium' : 'in Chromium: skipped, since none was found', () => {
  test('the page changes without being loaded again, and complains of nothing', async () => {
    const folder = join(home, 'seen')
    mkdirSync(folder)
    const events = join(folder, 'events.jsonl')
    writeFileSync(events, begin(3) + step(20))
    writeFileSync(join(folder, 'recipe.resolved.yaml'), 'name: seen\nhead: { use: linear }\n')
    const { address } = await watching('seen')
    const browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--disable-gpu'],
    })
    try {
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('console', message => complaints.push(message.text()))
      page.on('pageerror', error => complaints.push(error.message))
      await page.goto(address)
      await page.evaluate(() => document.body.setAttribute('data-mark', 'first'))
      await page
        .locator('#training details')
        .first()
        .evaluate(part => part.setAttribute('open', ''))
      expect(await page.locator('#status').textContent()).toContain('task 1/2 (0, 1) · learn 20/60')
      expect(await page.locator('#setup').textContent()).toMatch(
        /use: linear[\s\S]*wasm, 4, threads: 1[\s\S]*2 tasks[\s\S]*0, 1/,
      )
      const figure = { name: 'accuracy/head', value: [0.75], unit: 'fraction', axis: 'task', aggregation: 'mean' }
      appendFileSync(events, step(40) + line({ type: 'task-end', task: 0, measurements: [figure], seconds: 4 }))
      await page.locator('#accuracy').waitFor({ timeout: seldom })
      expect(await page.locator('#matrix-head table').textContent()).toContain('75.0')
      expect(await page.locator('nav').textContent()).toContain('Accuracy')
      expect(await page.locator('#training details').first().getAttribute('open')).toBe('')
      writeFileSync(events, begin(4) + step(30))
      await page.locator('#status', { hasText: 'learn 30/60' }).waitFor({ timeout: seldom })
      await page.locator('#accuracy').waitFor({ state: 'detached', timeout: seldom })
      expect(await page.evaluate(() => document.body.getAttribute('data-mark'))).toBe('first')
      expect(complaints).toEqual([])
      expect(readFileSync(events, 'utf8')).toContain('"seed":4')
    } finally {
      await browser.close()
    }
  }, 600_000)

  test('a page that is open while the command is started again says that its address has expired', async () => {
    const { address } = await watching('again')
    const browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--disable-gpu'],
    })
    try {
      const page = await browser.newPage()
      await page.goto(address)
      const told = (text: string) => page.locator('#status', { hasText: text }).waitFor({ timeout: seldom })
      await told('waiting for a run')
      for (const one of open.splice(0)) one.close()
      await told('no answer from lgm watch: trying again; if it has ended, start it again')
      open.push(await startWatching(join(home, 'again'), Number(new URL(address).port)))
      await told('this address has expired, since lgm watch was started again')
      expect(await (await fetch(address)).text()).toContain('one that has expired: open the whole address')
    } finally {
      await browser.close()
    }
  }, 600_000)
})
