import { expectClose, expectNoLeak } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Fit, LearnerEvent, Params, State, StepEvent } from './contracts.js'
import { Journal } from './journal.js'
import { optimizerOptions } from './optimizers.js'
import { createRng } from './rng.js'
import { readRecord, type TaskRecord } from './task-record.js'
import { createTrainer } from './trainer.js'

type Files = ReadonlyMap<string, Uint8Array>

const read = (files: Files) => readRecord(async name => files.get(name)!)
const numbers = (params: Params) =>
  Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, [...tensor.dataSync()]]))

/** Two fits of a task by random targets, one after the other, and all that they are seen to do. */
async function task(found: TaskRecord | undefined, saved: Files[] = [], change: Partial<Fit> = {}) {
  const events: LearnerEvent[] = []
  const noticed: StepEvent[] = []
  const journal = new Journal()
  const save = async (files: Files) => void saved.push(files)
  journal.begin(0, { due: () => found === undefined, save, ...(found && { found }) })
  const trainer = createTrainer({ emit: event => void events.push(event) }, undefined, journal)
  const rng = createRng(1)
  let steps = 0
  const fit = (name: string, params: Params): Fit => ({
    name,
    params,
    iterations: 50,
    optimizer: optimizerOptions.parse({ use: 'adam', rate: 0.1 }),
    batch: () => ({ target: tf.tensor1d(rng.normal(2)) }),
    loss: (params, { target }) => {
      steps++
      return { distance: params.a!.sub(target!).square().sum() as tf.Scalar }
    },
    notice: event => void noticed.push(event),
    ...change,
  })
  const begin = tf.tensor1d([1, 2])
  const first = await trainer.fit(fit('first', { a: begin }))
  const middle = first.a!.mul(2)
  const second = await trainer.fit(fit('second', { a: middle }))
  const result = { params: numbers(second), events, noticed, next: rng.normal(1)[0] }
  tf.dispose([begin, first, middle, second])
  return { result, steps, seconds: journal.earlier }
}

describe('a task of two fits', () => {
  test('goes on from wherever it was left: same bits, same events, and no step done again', async () => {
    const saved: Files[] = []
    const { result, steps } = await task(undefined, saved)
    expect(result.events).toHaveLength(6)
    expect(result.noticed).toEqual(result.events)
    expect(steps).toBe(100)
    const records = await Promise.all(saved.map(read))
    expect(records.map(({ fits }) => fits.map(({ step }) => step))).toEqual([
      [20],
      [40],
      [50],
      [50, 20],
      [50, 40],
      [50, 50],
    ])
    for (const [i, record] of records.entries()) {
      const again = await task(record)
      expect(again.result).toEqual(result)
      expect(again.steps).toBe([80, 60, 50, 30, 10, 0][i])
      expect(again.seconds).toBeGreaterThan(0)
    }
  })

  test('leaks no tensor, whole or gone on with', async () => {
    const saved: Files[] = []
    await task(undefined, saved)
    await expectNoLeak(async () => void (await task(undefined)))
    const record = await read(saved[1]!)
    await expectNoLeak(async () => void (await task(record)))
  })

  test('passes batches over by a way of its own, where it has one', async () => {
    const saved: Files[] = []
    const counted: number[] = []
    await task(undefined, saved)
    await task(await read(saved[1]!), [], { pass: steps => void counted.push(steps) })
    expect(counted).toEqual([40])
  })

  test('gives back what was carried along, with the parameters of that step', async () => {
    const sums: number[] = []
    const carried = {
      state: (): State => ({ tensors: { sum: tf.scalar(7) }, values: { word: 'kept' } }),
      restore({ tensors, values }: State, params: Params) {
        expect(values).toEqual({ word: 'kept' })
        sums.push(tensors.sum!.dataSync()[0]!, ...params.a!.dataSync())
      },
    }
    const saved: Files[] = []
    await task(undefined, saved, { carried })
    const record = await read(saved[0]!)
    await task(record, [], { carried })
    expectClose(tf.tensor1d(sums), [7, ...record.fits[0]!.arrays['params/a']!.values], 0)
  })
})

test.each([
  ['name', { name: 'other' }],
  ['steps', { iterations: 60 }],
] as [string, Partial<Fit>][])('a record of a fit of another %s is refused', async (_, change) => {
  const saved: Files[] = []
  await task(undefined, saved)
  const record = await read(saved[0]!)
  await expect(task(record, [], change)).rejects.toMatchObject({ code: 'checkpoint' })
})

test('a step that has spoilt its parameters, or what is carried along, is never the place to go on from', async () => {
  const before = tf.memory().numTensors
  for (const spoilt of ['"params/a"', '"carried/mean"']) {
    const saved: Files[] = []
    const journal = new Journal()
    journal.begin(0, { due: () => true, save: async files => void saved.push(files) })
    const begin = tf.tensor1d([1, 2])
    let step = 0
    const loss = ({ a }: Params) => {
      // after 40 steps: 0, with an endless slope
      const ends = ++step === 40 && spoilt.includes('params')
      return { falling: (ends ? a!.sub(a!).sqrt().sum() : a!.sum()) as tf.Scalar }
    }
    const state = () => ({ tensors: { mean: tf.scalar(step === 40 ? Number.POSITIVE_INFINITY : 0) }, values: {} })
    const fitting = createTrainer({ emit: () => {} }, undefined, journal).fit({
      name: 'toy',
      params: { a: begin },
      iterations: 60,
      optimizer: optimizerOptions.parse({ use: 'sgd', rate: 0.1 }),
      batch: () => ({}),
      loss,
      carried: { state, restore: () => {} },
    })
    await expect(fitting).rejects.toThrow(`toy: expected finite parameters, got NaN or infinite numbers in ${spoilt}`)
    expect(saved).toHaveLength(1)
    expect((await read(saved[0]!)).fits[0]!.step).toBe(20)
    begin.dispose()
  }
  expect(tf.memory().numTensors).toBe(before)
})

test('a record of another task is not gone on with', async () => {
  const saved: Files[] = []
  const { result } = await task(undefined, saved)
  const again = await task({ ...(await read(saved[3]!)), task: 1 })
  expect(again).toEqual({ result, steps: 100, seconds: 0 })
})

test.each([
  ['no JSON', '{', /got no JSON/],
  ['another version', '{"format":"lgm-underway","version":2,"task":0,"fits":[]}', /version/],
  [
    'more steps than there are',
    '{"format":"lgm-underway","version":1,"task":0,"fits":[{"name":"a","step":2,"of":1,"seconds":0,"events":[],"values":{}}]}',
    /no more steps/,
  ],
])('a record of %s is refused', async (_, text, message) => {
  const files = new Map([['manifest.json', new TextEncoder().encode(text)]])
  await expect(read(files)).rejects.toMatchObject({ code: 'checkpoint', message: expect.stringMatching(message) })
})
