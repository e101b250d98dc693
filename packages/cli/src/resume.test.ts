import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { balanced, call, enterHome, leftBy, program, removeHome } from './home.fixture.js'

let home: string

/** Every kind of state between tasks: anchors, importances, a path, stored examples, a mixture, an instrument's memory. */
const recipe = `
name: kept
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3], [4, 5]], validation: 0.2 }
embedder: { use: mlp, widths: [8], codes: 4 }
decoder: { use: mlp, widths: [8] }
head: linear
generator: { use: gaussian, components: 2, retention: refit }
regularizers:
  - { use: ewc, protect: embedder }
  - { use: si, protect: embedder }
  - { use: rwalk, protect: embedder }
  - { use: a-gem, memory: examples }
phases:
  - { use: recall, perClass: 20 }
  - { use: learn, iterations: 60, batchSize: 16, replaySize: 16, autoencode: 0.1 }
  - migrate
  - { use: decode, iterations: 40 }
  - memorize
  - consolidate
evaluators: [ accuracy, drift ]
observers: []
`

beforeAll(() => {
  home = enterHome({ 'kept.yaml': recipe }, balanced(6, 240))
})
afterAll(() => removeHome(home))

const lgm = (...argv: string[]) => call(home, argv)

const left = (name: string) => leftBy(join(home, name))

/** Runs the command in a process of its own, and kills it `after` milliseconds, if it still runs then. */
async function killed(after: number, ...argv: string[]): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [program, ...argv], { cwd: home, stdio: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), after)
  const [, signal] = await once(child, 'exit')
  clearTimeout(timer)
  return signal
}

/** How many times a run is killed; more with LGM_TEST_KILLS. */
const kills = Number(process.env.LGM_TEST_KILLS ?? 3)

describe('a run that was killed', () => {
  test('goes on with --resume and ends in the same bits', async () => {
    const start = performance.now()
    expect(await killed(120_000, 'run', 'kept.yaml', '--out', 'whole')).toBeNull()
    const duration = performance.now() - start
    const whole = left('whole')
    for (let kill = 0; kill < kills; kill++) {
      const name = `killed-${kill}`
      let signals = 0
      // the later half of the time: the first is start-up
      // after every few steps of a task, or after tasks only
      const often = kill % 2 === 0 ? ['--checkpoint-minutes', '0'] : []
      for (let at = 0.4 + (0.6 * (kill + Math.random())) / kills; ; at = 2) {
        const signal = await killed(at * duration, 'run', 'kept.yaml', '--out', name, '--resume', ...often)
        if (!signal) break
        signals++
      }
      expect(left(name), `killed ${signals} times`).toEqual(whole)
    }
  }, 300_000)

  test('begins anew where nothing was saved, repeats nothing that is finished, and refuses another recipe', async () => {
    expect(await lgm('run', 'kept.yaml', '--out', 'one', '--resume')).toMatchObject({
      code: 0,
      err: 'results are in one',
    })
    const before = readFileSync(join(home, 'one/report.json'), 'utf8')
    // as if it had been killed between the report and the end
    mkdirSync(join(home, 'one/checkpoints/task-3'), { recursive: true })
    const again = await lgm('run', 'kept.yaml', '--out', 'one', '--resume')
    expect(again.code).toBe(0)
    expect(again.out).toContain('ACC')
    expect(readFileSync(join(home, 'one/report.json'), 'utf8')).toBe(before)
    expect(existsSync(join(home, 'one/checkpoints'))).toBe(false)

    rmSync(join(home, 'one/report.json'))
    const other = await lgm('run', 'kept.yaml', '--out', 'one', '--resume', '--set', 'phases.learn.iterations=61')
    expect(other.code).toBe(2)
    expect(other.err).toMatch(
      /expected the recipe that the run began with, "iterations: 60" in line \d+, got "iterations: 61"; /,
    )
    expect((await lgm('run', 'kept.yaml', '--resume')).err).toContain(
      '--resume: expected --out with the folder of the run',
    )
    expect((await lgm('run', 'kept.yaml', '--out', 'one')).err).toContain('or go on with the run in it: --resume')
  }, 300_000)

  test('goes on from the last checkpoint but one where the last is damaged', async () => {
    await stoppedBeforeTheEnd('damaged')
    const folder = join(home, 'damaged/checkpoints')
    expect(readdirSync(folder).sort()).toEqual(['task-2', 'task-3'])
    truncateSync(join(folder, 'task-3/plugins.safetensors'), 100)
    mkdirSync(join(folder, '.task-4.1.partial'))
    const { code, err } = await lgm('run', 'kept.yaml', '--out', 'damaged', '--resume')
    expect([code, err]).toEqual([0, expect.stringMatching(/task-3 cannot be read: .*plugins\.safetensors/)])
    expect(left('damaged')).toEqual(left('whole'))
    expect(existsSync(folder)).toBe(false)

    await stoppedBeforeTheEnd('ruined')
    for (const task of ['task-2', 'task-3']) writeFileSync(join(home, 'ruined/checkpoints', task, 'progress.json'), '{')
    const ruined = await lgm('run', 'kept.yaml', '--out', 'ruined', '--resume')
    expect(ruined.code).toBe(2)
    expect(ruined.err).toMatch(/checkpoints: expected a checkpoint that can be read, got none; start the run anew/)
  }, 60_000)
})

/** A run whose report cannot be written: it ends with all checkpoints there. */
async function stoppedBeforeTheEnd(name: string): Promise<void> {
  mkdirSync(join(home, name))
  const stopped = lgm('run', 'kept.yaml', '--out', name)
  // a file where the last checkpoint is to be a folder
  await expect.poll(() => existsSync(join(home, name, 'events.jsonl')), { interval: 5, timeout: 30_000 }).toBe(true)
  writeFileSync(join(home, name, 'checkpoint'), '')
  expect((await stopped).code).toBe(1)
  rmSync(join(home, name, 'checkpoint'))
}
