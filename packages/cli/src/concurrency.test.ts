import { once } from 'node:events'

import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { balanced, call, enterHome, eventsIn, leftBy, program, removeHome } from './home.fixture.js'

let home: string

/** Draws random numbers, trains, and keeps state wherever it can. */
const recipe = `
name: together
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3]] }
embedder: { use: mlp, widths: [8], codes: 4 }
decoder: { use: mlp, widths: [8] }
head: linear
generator: { use: flow, couplings: 2, widths: [8], iterations: 10 }
regularizers:
  - { use: ewc, protect: embedder }
  - { use: si, protect: embedder }
  - { use: a-gem, memory: examples }
phases:
  - { use: recall, perClass: 20 }
  - { use: learn, iterations: 25, batchSize: 8, replaySize: 8 }
  - { use: decode, iterations: 5 }
  - memorize
  - consolidate
evaluators: [ accuracy, drift ]
observers: []
`
const seeds = [1, 2]
const runOf = (seed: number, out: string) => ['run', 'together.yaml', '--seed', String(seed), '--out', out]

beforeAll(async () => {
  home = enterHome({ 'together.yaml': recipe }, balanced(4, 80))
  for (const seed of seeds)
    expect(await call(home, runOf(seed, `alone-${seed}`))).toMatchObject({
      code: 0,
      err: `results are in alone-${seed}`,
    })
}, 300_000)
afterAll(() => removeHome(home))

const left = (name: string) => leftBy(join(home, name))
const times = (name: string) => eventsIn(join(home, name)).map(({ time }) => Date.parse(String(time)))

/** That runs of both seeds went on at the same time, and left what each leaves alone. */
function expectAsAlone(names: readonly [string, string]): void {
  const [first, second] = [times(names[0]), times(names[1])]
  expect(Math.max(first[0]!, second[0]!), 'they overlap').toBeLessThan(Math.min(first.at(-1)!, second.at(-1)!))
  seeds.forEach((seed, i) => {
    expect(left(names[i]!)).toEqual(left(`alone-${seed}`))
  })
}

describe('two runs at the same time end in the same bits as each alone', () => {
  test('in one thread, taking turns', async () => {
    const ended = await Promise.all(seeds.map(seed => call(home, runOf(seed, `turns-${seed}`))))
    expect(ended.map(({ code }) => code)).toEqual([0, 0])
    expectAsAlone(['turns-1', 'turns-2'])
  }, 300_000)

  test('in threads of their own', async () => {
    const workers = seeds.map(
      seed => new Worker(program, { argv: runOf(seed, `thread-${seed}`), execArgv: [], stdout: true, stderr: true }),
    )
    const codes = await Promise.all(workers.map(worker => once(worker, 'exit')))
    expect(codes).toEqual([[0], [0]])
    expectAsAlone(['thread-1', 'thread-2'])
  }, 300_000)

  test('and different seeds do not', () => {
    expect(left('alone-1')).not.toEqual(left('alone-2'))
  })
})
