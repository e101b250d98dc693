import { arrayExamples, createRng, type Examples, Generator, type LearnerEvent, range } from '@lgm/core'
import { build, checkGenerator, composeParts, expectClose, type GeneratorDescription } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { flow } from './flow.js'

type FlowOptions = NonNullable<Parameters<typeof flow>[0]>

const small: FlowOptions = {
  couplings: 2,
  widths: [8],
  iterations: 60,
  batchSize: 32,
  replaySize: 32,
  optimizer: { rate: 0.02 },
}

function check(options: FlowOptions, description: Partial<GeneratorDescription> = {}): void {
  checkGenerator({
    plugin: () => flow({ ...small, ...options }),
    quick: () => flow({ ...small, ...options, iterations: 3 }),
    maps: () => flow({ ...small, ...options, net: 'conv', filters: [2, 3], iterations: 3 }),
    ...description,
  })
}

check({})
check({ retention: 'distill' }, { returning: false })

/** `count` codes of each class, normal deviates of `deviation` about a corner of its own. */
function blobs(classes: readonly number[], count: number, deviation: number, seed = 0): Examples {
  const noise = createRng(seed).normal(2 * count * classes.length)
  const labels = Int32Array.from({ length: count * classes.length }, (_, i) => classes[i % classes.length]!)
  return arrayExamples(
    noise.map((value, i) => deviation * value + (i % 2 === 0 ? 3 * labels[i >> 1]! : -labels[i >> 1]!)),
    [2],
    labels,
  )
}

/** A generator that has met classes 0 and 1, and its samples of them. */
async function taught(options: FlowOptions, events: LearnerEvent[] = []) {
  const composition = composeParts([flow({ ...small, ...options })], { events })
  const generator = composition.one(Generator)!
  await generator.memorize(blobs([0, 1], 200, 0.5))
  const labels = range(0, 200).map(i => i % 2)
  const samples = generator.sample(labels)
  const recall = arrayExamples((await samples.data()) as Float32Array, [2], labels)
  return { generator, recall, samples }
}

const termsOf = (events: readonly LearnerEvent[]) =>
  events.flatMap(event => (event.type === 'step' ? [event.terms] : []))

describe('its jitter', () => {
  const learned = async (codes: readonly number[][]) => {
    const generator = build(Generator, flow({ ...small, jitter: 0.1, iterations: 1 }))
    const labels = new Int32Array(codes[0]!.length / 2)
    for (const values of codes) {
      const examples = arrayExamples(Float32Array.from(values), [2], labels)
      await generator.memorize(examples, examples)
    }
    return generator.state().values.jitter
  }

  test('is relative to the deviation of the first codes', async () => {
    // variances 4 and 16 of the two numbers: √10 times 0.1; the second codes are ten times as wide
    expect(
      await learned([
        [-2, -4, 2, 4],
        [-20, -40, 20, 40],
      ]),
    ).toBeCloseTo(0.1 * Math.sqrt(10))
  })

  test('is absolute where all codes are alike', async () => expect(await learned([[3, 3, 3, 3]])).toBe(0.1))
})

describe('its nats', () => {
  test('of normal codes are their entropy', async () => {
    const generator = build(Generator, flow({ ...small, jitter: 0, iterations: 20 }))
    await generator.memorize(blobs([0, 1], 500, 0.5))
    const [nats, perNumber] = generator.measure!()
    // log 2πe + 2 log 0.5 of N(μ, 0.25) in two dimensions; 1000 codes tell it to 1/√1000 = 0.03
    const entropy = Math.log(2 * Math.PI * Math.E) + 2 * Math.log(0.5)
    expect(nats).toMatchObject({ name: 'generator/flow/nats', unit: 'nats' })
    expectClose(nats!.value as number, [entropy], 0.1)
    expectClose(perNumber!.value as number, [entropy / 2], 0.05)
  })

  test('are a density: e to them is 1 over the plane, for each class', async () => {
    const { generator } = await taught({})
    const [side, step] = [80, 0.125]
    const grid = tf.tensor2d(
      Float32Array.from({ length: 2 * side * side }, (_, i) => {
        const cell = i >> 1
        return -4 + step * ((i % 2 === 0 ? Math.floor(cell / side) : cell % side) + 0.5)
      }),
      [side * side, 2],
    )
    expectClose(
      tf.tidy(() =>
        generator.logProbability!(grid, 2)
          .exp()
          .sum(0)
          .mul(step ** 2),
      ),
      [1, 1],
      5e-3,
    )
  })

  test('are finite on a line by jitter, of as much width as it is told', async () => {
    // codes (x, −x): with jitter j the width across them is j times the deviation of 1
    const x = createRng(3).normal(400)
    const line = arrayExamples(
      Float32Array.from({ length: 800 }, (_, i) => (i % 2 === 0 ? x[i >> 1]! : -x[i >> 1]!)),
      [2],
      new Int32Array(400),
    )
    const across = async (jitter: number) => {
      const generator = build(
        Generator,
        flow({ ...small, jitter, iterations: 300, optimizer: { rate: 0.02, schedule: 'cosine' } }),
      )
      await generator.memorize(line)
      const samples = generator.sample(new Int32Array(2000))
      const width = tf.tidy(() => samples.sum(1).div(Math.SQRT2).square().mean().sqrt())
      return width.dataSync()[0]!
    }
    expectClose(await across(0.2), [0.2], 0.05)
  })
})

describe('the loss', () => {
  test('of replay weighs recall by 1 − 1/N over N tasks so far', async () => {
    const first = async (replayWeight: number | 'tasks') => {
      const events: LearnerEvent[] = []
      const { generator, recall } = await taught({ replayWeight, iterations: 1 }, events)
      await generator.memorize(blobs([2], 50, 0.1), recall)
      return termsOf(events).at(-1)!['negative-log-likelihood']!
    }
    const [onlyNew, onlyOld, second] = [await first(0), await first(1), await first('tasks')]
    expectClose(second, [(onlyNew + onlyOld) / 2], 1e-3)
    expect(Math.abs(onlyNew - onlyOld)).toBeGreaterThan(0.5)
  })

  test('of distillation is zero before anything has moved', async () => {
    const events: LearnerEvent[] = []
    const { generator, recall } = await taught({ retention: 'distill', iterations: 1 }, events)
    await generator.memorize(blobs([2], 50, 0.1), recall)
    const terms = termsOf(events).at(-1)!
    expect(Object.keys(terms)).toEqual(['negative-log-likelihood', 'sample-distillation', 'density-distillation'])
    expectClose(terms['sample-distillation']!, [0], 1e-5)
    expectClose(terms['density-distillation']!, [0], 1e-5)
  })

  test('of distillation keeps old densities nearer to what they were than training on new codes alone', async () => {
    // a circle takes what a base alone cannot do
    const angles = createRng(4).uniform(300)
    const ring = arrayExamples(
      Float32Array.from(
        { length: 600 },
        (_, i) => 2 * Math.sin(2 * Math.PI * angles[i >> 1]! + (i % 2) * (Math.PI / 2)),
      ),
      [2],
      new Int32Array(300).fill(2),
    )
    const moved = async (options: FlowOptions) => {
      const { generator, recall, samples } = await taught({ iterations: 80, ...options })
      const before = generator.logProbability!(samples, 2)
      await generator.memorize(ring, recall)
      const after = generator.logProbability!(samples, 2)
      const own = tf.tidy(() => {
        const labels = tf.oneHot(tf.tensor1d(Array.from(recall.labels), 'int32'), 2)
        return before.sub(after).mul(labels).sum(1).square().mean().sqrt()
      })
      return own.dataSync()[0]!
    }
    // root mean square of how far log p moved, in nats
    const [held, free] = [await moved({ retention: 'distill' }), await moved({ replayWeight: 0 })]
    expect(held).toBeLessThan(0.6)
    expect(free).toBeGreaterThan(5)
  })
})

describe('new classes', () => {
  test('leave densities of old ones as they were until training moves them', async () => {
    const { generator, recall, samples } = await taught({ optimizer: { use: 'sgd', rate: 1e-12 }, iterations: 1 })
    const before = generator.logProbability!(samples, 2)
    await generator.memorize(blobs([2], 200, 0.1), recall)
    expectClose(generator.logProbability!(samples, 2), before.dataSync(), 1e-5)
    // and begin where their codes are
    const drawn = generator.sample(new Int32Array(500).fill(2))
    expectClose(drawn.mean(0), [6, -2], 0.3)
  })
})

test('of net conv, it models feature maps of odd sides', async () => {
  const noise = createRng(5).normal(60 * 15)
  const maps = arrayExamples(
    noise.map(value => 2 + 0.5 * value),
    [5, 3, 1],
    new Int32Array(60),
  )
  const generator = build(Generator, flow({ ...small, net: 'conv', filters: [2], iterations: 5 }))
  await generator.memorize(maps)
  const samples = generator.sample(new Int32Array(300))
  expect(samples.shape).toEqual([300, 5, 3, 1])
  const { mean, variance } = tf.moments(samples)
  expectClose(mean, [2], 0.1)
  expectClose(variance, [0.25], 0.08)
  expect(generator.logProbability!(samples, 1).shape).toEqual([300, 1])
})

describe('refuses in one clear line', () => {
  test('a second task without recall', async () => {
    const { generator } = await taught({ iterations: 1 })
    await expect(generator.memorize(blobs([2], 4, 1))).rejects.toThrow(
      'expected recall of the classes 0, 1, got none; put the phase "recall" before "memorize"',
    )
  })

  test('codes that no flow is of', async () => {
    const numbers = arrayExamples(new Float32Array(4), [1], new Int32Array(4))
    await expect(build(Generator, flow(small)).memorize(numbers)).rejects.toThrow(
      'expected codes of at least 2 numbers, got [1]; use the generator "gaussian"',
    )
    await expect(build(Generator, flow({ ...small, net: 'conv' })).memorize(blobs([0], 4, 1))).rejects.toThrow(
      'expected codes of shape [height, width, channels] for net: conv, got [2]; use net: mlp',
    )
  })

  test('densities of classes it has not met, and of codes of another shape', async () => {
    const { generator, samples } = await taught({ iterations: 1 })
    expect(() => generator.logProbability!(samples, 3)).toThrow('got class 2; memorize examples of it first')
    expect(() => generator.logProbability!(tf.zeros([1, 3]), 2)).toThrow('expected codes of shape [2], got [3]')
  })
})
