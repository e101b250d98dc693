import { arrayExamples, type Examples, Generator, type LearnerEvent } from '@lgm/core'
import { build, checkGenerator, expectClose, type GeneratorDescription } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test, vi } from 'vitest'
import { gan } from './gan.js'
import { Opponent } from './opponent.js'

type GanOptions = NonNullable<Parameters<typeof gan>[0]>

const small: GanOptions = {
  widths: [24],
  latent: 2,
  criticSteps: 2,
  penalty: 1,
  iterations: 120,
  batchSize: 32,
  replaySize: 32,
  optimizer: { rate: 0.01 },
}

function check(options: GanOptions, description: Partial<GeneratorDescription> = {}): void {
  checkGenerator({
    plugin: () => gan({ ...small, ...options }),
    quick: () => gan({ ...small, ...options, iterations: 2 }),
    maps: () => gan({ ...small, ...options, net: 'conv', filters: [2, 3], widths: [4], iterations: 2 }),
    ...description,
  })
}

check({})
check({ retention: 'align', loss: 'hinge', auxiliary: 1 }, { returning: false })

/** `count` codes of the numbers `code`, all of one class. */
const copies = (count: number, code: readonly number[], label: number): Examples =>
  arrayExamples(
    Float32Array.from({ length: count * code.length }, (_, i) => code[i % code.length]!),
    [code.length],
    new Int32Array(count).fill(label),
  )

/** The loss terms of the first step of each of two tasks. */
async function firstTerms(options: GanOptions, seed = 0) {
  const events: LearnerEvent[] = []
  const generator = build(Generator, gan({ ...small, iterations: 1, ...options }), { events, seed })
  await generator.memorize(copies(4, [0.5, 0], 0))
  await generator.memorize(copies(4, [0.25, 1], 1), copies(4, [0.5, 0], 0))
  const terms = events.filter(event => event.type === 'step').map(event => ({ ...event.terms }))
  return { generator, terms: [terms[0]!, terms[1]!] as const }
}

describe('what a step tells', () => {
  test('are the terms of both networks, and their last means are what is measured', async () => {
    const { generator, terms } = await firstTerms({ criticSteps: 3 })
    expect(Object.keys(terms[0]).sort()).toEqual(['penalty', 'score', 'wasserstein'])
    expect(generator.measure!().map(({ name, value }) => [name, value])).toEqual(
      Object.entries(terms[1]).map(([name, value]) => [`generator/gan/${name}`, value]),
    )
    const hinge = await firstTerms({ loss: 'hinge', penalty: 0, auxiliary: 1 })
    expect(Object.keys(hinge.terms[0]).sort()).toEqual(['auxiliary', 'critic-auxiliary', 'hinge', 'score'])
    // Of one class, the classifier is always right; of two, with small weights, it begins near log 2.
    expectClose(hinge.terms[0].auxiliary!, 0, 1e-6)
    expect(hinge.terms[1].auxiliary).toBeGreaterThan(0.05)
    const unitsOf = (from: Generator) =>
      Object.fromEntries(from.measure!().map(({ name, unit }) => [name.slice(14), unit]))
    const distance = 'distance between codes'
    expect(unitsOf(generator)).toEqual({ wasserstein: distance, score: distance, penalty: distance })
    expect(unitsOf(hinge.generator)).toEqual({ hinge: '1', score: '1', auxiliary: 'nats', 'critic-auxiliary': 'nats' })
  })

  test('weighs recall by 1 − 1/N over N tasks so far', async () => {
    const [onlyNew, onlyOld, tasks] = await Promise.all(
      [0, 1, 'tasks' as const].map(async replayWeight => (await firstTerms({ replayWeight, criticSteps: 1 })).terms[1]),
    )
    for (const term of ['wasserstein', 'penalty'])
      expectClose(tasks![term]!, (onlyNew![term]! + onlyOld![term]!) / 2, 1e-4)
    expect(Math.abs(onlyNew!.wasserstein! - onlyOld!.wasserstein!)).toBeGreaterThan(0.01)
  })

  test('of alignment is zero before the generator has moved, and needs no recall', async () => {
    const { generator, terms } = await firstTerms({ retention: 'align' })
    expect(terms[0].alignment).toBeUndefined()
    expect(terms[1].alignment).toBe(0)
    await generator.memorize(copies(4, [1, 1], 2))
  })

  test('has the alignment times its weight, once the generator has moved', async () => {
    const moved = async (alignment: number) => {
      const generator = build(Generator, gan({ ...small, retention: 'align', alignment, iterations: 2 }))
      for (const label of [0, 1]) await generator.memorize(copies(4, [label, 1], label))
      return generator.measure!().find(({ name }) => name.endsWith('alignment'))!.value as number
    }
    // the first step is the same with all weights, since nothing has moved; the second tells of it
    const [once, twice] = [await moved(1), await moved(2)]
    expect(once).toBeGreaterThan(0)
    expectClose(twice / once, 2, 1e-3)
  })

  test('the critic is updated as often as asked for each step of the generator', async () => {
    const updates = vi.spyOn(Opponent.prototype, 'update')
    await build(Generator, gan({ ...small, iterations: 7, criticSteps: 3 })).memorize(copies(4, [0.5, 0], 0))
    expect(updates).toHaveBeenCalledTimes(7 * 3)
    updates.mockRestore()
  })
})

describe('samples', () => {
  test('are pixels from 0 to 1 where they are to be', async () => {
    const sample = async (output: 'linear' | 'sigmoid') => {
      const generator = build(Generator, gan({ ...small, output, iterations: 1 }))
      await generator.memorize(copies(4, [0.5, 1], 0))
      return generator.sample(new Int32Array(200)).dataSync()
    }
    const [linear, pixels] = [await sample('linear'), await sample('sigmoid')]
    expect(linear.some(value => value < 0 || value > 1)).toBe(true)
    expect(pixels.every(value => value > 0 && value < 1)).toBe(true)
  })

  test('come from the average of the weights', async () => {
    const draw = async (decay: number) => {
      const generator = build(Generator, gan({ ...small, decay, iterations: 1 }))
      await generator.memorize(copies(4, [0.5, 1], 0))
      return generator.state().tensors['generator/mlp/1/bias']!.dataSync()
    }
    // From 0, one step: the average is 2/11 of what it was and 9/11 of what it is.
    const [last, average] = [await draw(0), await draw(0.999)]
    expect(Math.abs(last[0]!)).toBeGreaterThan(1e-3)
    expectClose(
      average,
      last.map(value => (9 / 11) * value),
      1e-6,
    )
  })
})

describe('refuses in one clear line', () => {
  test('a Wasserstein critic without bounds', () => {
    expect(() => gan({ penalty: 0 })).toThrow('a penalty above 0 for loss: wasserstein')
  })

  test('a second task without recall, unless it aligns', async () => {
    const generator = build(Generator, gan({ ...small, iterations: 1 }))
    await generator.memorize(copies(4, [0, 0], 0))
    await expect(generator.memorize(copies(4, [1, 1], 1))).rejects.toThrow('expected recall of the classes 0, got none')
  })

  test('codes outside 0 to 1 for a sigmoid', async () => {
    const generator = build(Generator, gan({ ...small, output: 'sigmoid' }))
    await expect(generator.memorize(copies(4, [0, 1.5], 0))).rejects.toThrow(
      'expected codes from 0 to 1 for output: sigmoid, got 1.5; use output: linear',
    )
  })

  test('training that runs away, and then nothing is lost or left behind', async () => {
    const generator = build(Generator, gan({ ...small, iterations: 40, optimizer: { use: 'sgd', rate: 1e30 } }))
    const before = tf.memory().numTensors
    await expect(generator.memorize(copies(4, [1, 1], 0))).rejects.toThrow('generator/gan: expected finite losses')
    expect(tf.memory().numTensors).toBe(before)
  })
})
