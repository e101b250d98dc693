import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { balanced, call, enterHome, eventsIn, removeHome } from './home.fixture.js'

let home: string

const recipe = `
name: exploding
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3]] }
embedder: { use: dct, coefficients: 4 }
head: linear
regularizers: [ { use: ewc, strength: 1e12 } ]
phases: [ { use: learn, iterations: 60, batchSize: 8, optimizer: { use: sgd, rate: 0.1 } }, consolidate ]
evaluators: [ accuracy ]
observers: []
`

beforeAll(() => {
  home = enterHome({ 'exploding.yaml': recipe }, balanced(4, 40))
})
afterAll(() => removeHome(home))

const run = (out: string, ...more: string[]) => call(home, ['run', 'exploding.yaml', '--out', out, ...more])
const told = (out: string, wanted: string) => eventsIn(join(home, out)).filter(({ type }) => type === wanted)

describe('numbers that explode end a run with the step and the term', () => {
  test('a penalty too strong for the rate; the checkpoint before it stays, and the run goes on from there', async () => {
    const first = await run('penalty')
    expect(first.err).toMatch(
      /^learn: expected finite losses, got (Infinity|NaN) in the term "regularizer\/ewc" at step \d+ of 60; likely too high a rate \(now 0\.1\) or too large a weight of that term: lower it$/,
    )
    expect(first).toMatchObject({ code: 1, out: '' })
    expect(readdirSync(join(home, 'penalty/checkpoints'))).toEqual(['task-1'])
    expect(told('penalty', 'run-failed')).toEqual([expect.objectContaining({ message: first.err })])

    expect(await run('penalty', '--resume')).toEqual(first)
    expect(told('penalty', 'run-resume')).toMatchObject([{ task: 1 }])
    expect(told('penalty', 'task-end')).toHaveLength(1)
    expect(readdirSync(join(home, 'penalty/checkpoints'))).toEqual(['task-1'])
  })

  test('a last step that spoils what was finite; it is not saved to go on from', async () => {
    const last = ['--set', 'phases.learn.iterations=1', '--set', 'phases.learn.optimizer.rate=1e39']
    const { code, err } = await run('last', ...last, '--checkpoint-minutes', '0')
    expect(err).toMatch(
      /^learn: expected finite parameters, got [^\n]* in "head\/[^\n]* after step 1 of 1; [^\n]*lower it$/,
    )
    expect(code).toBe(1)
    expect(existsSync(join(home, 'last/checkpoints'))).toBe(false)
  })

  test('a rate too high in the first task; there is no checkpoint, and the run begins anew', async () => {
    const rate = ['--set', 'phases.learn.optimizer.rate=1e38']
    const first = await run('rate', ...rate)
    expect(first.err).toMatch(
      /^learn: expected finite losses, got (Infinity|NaN) in the term "current" at step \d+ of 60; likely too high a rate \(now 1e\+38\)/,
    )
    expect(first).toMatchObject({ code: 1, out: '' })
    expect(await run('rate', ...rate, '--resume')).toEqual(first)
    expect(told('rate', 'run-start')).toHaveLength(1)
    expect(existsSync(join(home, 'rate/checkpoints'))).toBe(false)
  })
})
