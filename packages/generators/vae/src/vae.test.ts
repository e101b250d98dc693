import { arrayExamples, countNumbers, createRng, type Examples, Generator, type LearnerEvent, oneHot } from '@lgm/core'
import { build, checkGenerator, composeParts, expectClose, type GeneratorDescription } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { createNetwork } from './network.js'
import { vae } from './vae.js'

type VaeOptions = NonNullable<Parameters<typeof vae>[0]>

const small: VaeOptions = {
  widths: [16],
  latent: 2,
  sigma: 0.4,
  iterations: 120,
  batchSize: 32,
  replaySize: 32,
  optimizer: { rate: 0.03 },
}

/** At a rate that leaves its few filters alive. */
const convolutions: VaeOptions = {
  ...small,
  net: 'conv',
  filters: [8, 8],
  widths: [8],
  sigma: 0.1,
  beta: 0.01,
  iterations: 40,
  optimizer: { rate: 0.01 },
}

function check(options: VaeOptions, description: Partial<GeneratorDescription> = {}): void {
  checkGenerator({
    plugin: () => vae({ ...small, ...options }),
    quick: () => vae({ ...small, ...options, iterations: 3 }),
    ...description,
  })
}

check({}, { maps: () => vae(convolutions) })
check({ prior: 'standard', retention: 'restart' })
check({ conditional: false, prior: 'mixture', components: 3, iterations: 200 })
check({ prior: 'flow', couplings: 2, couplingWidths: [8] })
check({ retention: 'distill' }, { returning: false, maps: () => vae({ ...convolutions, retention: 'distill' }) })
check(
  {
    prior: 'vamp',
    components: 3,
    retention: 'distill',
    encoderDistillation: 'statistics',
    decoderDistillation: 'kl',
    decoderLatents: 'posterior',
  },
  { returning: false },
)
check({ conditional: false, prior: 'standard', noise: true }, { labelled: false })
check({ likelihood: 'bernoulli', beta: 0.05 }, { unit: true })

/** `count` codes of the numbers `code`, all of one class. */
const copies = (count: number, code: readonly number[], label: number): Examples =>
  arrayExamples(
    Float32Array.from({ length: count * code.length }, (_, i) => code[i % code.length]!),
    [code.length],
    new Int32Array(count).fill(label),
  )

/** The loss terms of the first step on new codes and, if there are any, recall, of a generator that knows class 0. */
async function firstTerms(options: VaeOptions, fresh: Examples, recall?: Examples) {
  const events: LearnerEvent[] = []
  const generator = build(Generator, vae({ ...small, iterations: 1, ...options }), { events })
  await generator.memorize(copies(4, [0.5, 0], 0))
  await generator.memorize(fresh, recall ?? copies(4, [0.5, 0], 0))
  const [, last] = events.filter(event => event.type === 'step')
  return { ...last!.terms }
}

describe('the network', () => {
  test('is that of published deep generative replay: 1,069,784 parameters', async () => {
    const options = { likelihood: 'bernoulli', conditional: false, prior: 'standard', iterations: 1 } as const
    const generator = build(Generator, vae({ ...options, batchSize: 2 }))
    await generator.memorize(copies(2, new Array(784).fill(0), 0))
    // 784·400 + 400 + 400·400 + 400 + 400·200 + 200, and 100·400 + 400 + 400·400 + 400 + 400·784 + 784.
    expect(countNumbers(generator.state().tensors)).toBe(1_069_784)
  })

  test.each([
    { conditional: true, net: 'mlp' },
    { conditional: true, net: 'conv' },
    { conditional: false, net: 'mlp' },
  ] as const)('grows with the classes and computes the same for old ones: %o', choice => {
    const network = createNetwork('vae', { widths: [5], filters: [3], latent: 3, ...choice }, [3, 4, 1])
    tf.tidy(() => {
      const rng = createRng(0)
      const params = network.init(2, rng)
      const grown = network.grow(params, 2, 5, rng)
      const x = tf.tensor2d(rng.normal(24), [2, 12])
      const z = tf.tensor2d(rng.normal(6), [2, 3])
      const [two, five] = [oneHot(Int32Array.of(0, 1), 2), oneHot(Int32Array.of(0, 1), 5)]
      expect(network.encode(params, x, two).logVariance.shape).toEqual([2, 3])
      expect(network.decode(params, z, two).shape).toEqual([2, 12])
      expectClose(network.encode(grown, x, five).mean, network.encode(params, x, two).mean.dataSync(), 1e-6)
      expectClose(network.decode(grown, z, five), network.decode(params, z, two).dataSync(), 1e-6)
      // a row of weights for each new class, in encoder and decoder
      const rows = choice.conditional ? 2 * 3 * 5 : 0
      expect(countNumbers(grown)).toBe(countNumbers(params) + rows)
    })
  })
})

describe('the loss', () => {
  test('weighs recall by 1 − 1/N over N tasks so far', async () => {
    const fresh = copies(4, [3, 1], 1)
    const [onlyNew, onlyOld, second] = await Promise.all(
      [0, 1, 'tasks' as const].map(replayWeight => firstTerms({ replayWeight }, fresh)),
    )
    for (const term of ['reconstruction', 'divergence'])
      expectClose(second![term]!, (onlyNew![term]! + onlyOld![term]!) / 2, 1e-4)
    expect(onlyNew!.reconstruction).not.toBeCloseTo(onlyOld!.reconstruction!, 1)
  })

  test('of distillation is zero before anything has moved, whatever the new codes', async () => {
    const terms = await firstTerms({ retention: 'distill' }, copies(4, [3, 1], 1))
    expect(Object.keys(terms).sort()).toEqual([
      'decoder-distillation',
      'divergence',
      'encoder-distillation',
      'prior-distillation',
      'reconstruction',
    ])
    for (const name of ['encoder', 'decoder', 'prior']) expectClose(terms[`${name}-distillation`]!, 0, 1e-6)
    const alone = await firstTerms({ replayWeight: 0 }, copies(4, [3, 1], 1))
    expectClose(terms.reconstruction!, alone.reconstruction! / 2, 1e-4)
  })

  test('restart forgets what the network was, replay goes on from it', async () => {
    const trained = async (retention: 'restart' | 'replay', iterations: number) => {
      const { rng, ...rest } = await trainedOn(copies(4, [0.5, 0], 0), iterations)
      const events: LearnerEvent[] = []
      const second = composeParts([vae({ ...small, retention, iterations: 1, replayWeight: 1 })], { events })
      second.rngs.get('generator/vae')!.restore(rng)
      second.one(Generator)!.restore(rest.state)
      await second.one(Generator)!.memorize(copies(4, [3, 1], 1), copies(4, [0.5, 0], 0))
      return events.find(event => event.type === 'step')!.terms.reconstruction!
    }
    // N(0.5; D, 0.4²) in two dimensions costs 2 log(0.4 √2π) = 0.005 nats at best.
    expect(await trained('replay', 150)).toBeLessThan(0.5)
    expect(await trained('restart', 150)).toBeGreaterThan(0.7)
  })
})

async function trainedOn(examples: Examples, iterations: number) {
  const composition = composeParts([vae({ ...small, iterations })])
  await composition.one(Generator)!.memorize(examples)
  return { state: composition.one(Generator)!.state(), rng: composition.rngs.get('generator/vae')!.state() }
}

test('convolutions make feature maps, and grow with new classes', async () => {
  // 4 × 4 maps of one channel whose upper or left half is lit, by about 1
  const lit = (label: number) => (i: number) => Number(label === 0 ? i < 8 : i % 4 < 2)
  const maps = (label: number, rng = createRng(label)) =>
    arrayExamples(
      rng.normal(30 * 16).map((value, i) => lit(label)(i % 16) * (1 + 0.2 * value)),
      [4, 4, 1],
      new Int32Array(30).fill(label),
    )
  const options: VaeOptions = {
    net: 'conv',
    filters: [4],
    widths: [8],
    latent: 2,
    sigma: 0.3,
    batchSize: 16,
    replaySize: 16,
  }
  const generator = build(Generator, vae({ ...options, iterations: 100, optimizer: { rate: 0.02 } }))
  await generator.memorize(maps(0))
  expect(Object.keys(generator.state().tensors)).toContain('encoder/conv/0/kernel')
  await generator.memorize(maps(1), maps(0))
  const means = tf.tidy(() => {
    const samples = generator.sample(Int32Array.from({ length: 40 }, (_, i) => Math.floor(i / 20)))
    expect(samples.shape).toEqual([40, 4, 4, 1])
    return [samples.slice(0, 20).mean(0).dataSync(), samples.slice(20).mean(0).dataSync()]
  })
  for (const [label, mean] of means.entries())
    expectClose(
      mean,
      Array.from({ length: 16 }, (_, i) => lit(label)(i)),
      0.35,
    )
})

describe('samples', () => {
  const draw = async (options: VaeOptions) => {
    const generator = build(Generator, vae({ ...small, iterations: 1, ...options }))
    await generator.memorize(copies(4, [0.5, 0.25], 0))
    return generator.sample(new Int32Array(4000))
  }

  test('carry noise of σ where they are to', async () => {
    const [means, noisy] = [await draw({}), await draw({ noise: true })]
    // The same z, so the difference is the noise: 8000 numbers, of which the variance is known to 0.16 √(2 / 8000) = 0.0025.
    expectClose(
      tf.tidy(() => noisy.sub(means).square().mean()),
      0.16,
      0.01,
    )
    expectClose(
      tf.tidy(() => noisy.sub(means).mean()),
      0,
      0.02,
    )
  })

  test('of pixels are means, or zeros and ones', async () => {
    const values = new Set((await draw({ likelihood: 'bernoulli', noise: true })).dataSync())
    expect([...values].sort()).toEqual([0, 1])
    expect((await draw({ likelihood: 'bernoulli' })).dataSync().every(value => value > 0 && value < 1)).toBe(true)
  })
})

describe('refuses in one clear line', () => {
  test('a second task without recall', async () => {
    const generator = build(Generator, vae({ ...small, iterations: 1 }))
    await generator.memorize(copies(4, [0, 0], 0))
    await expect(generator.memorize(copies(4, [1, 1], 1))).rejects.toThrow(
      'expected recall of the classes 0, got none; put the phase "recall" before "memorize"',
    )
  })

  test('codes outside 0 to 1 for a Bernoulli likelihood', async () => {
    const generator = build(Generator, vae({ ...small, likelihood: 'bernoulli' }))
    await expect(generator.memorize(copies(4, [0, 1.5], 0))).rejects.toThrow(
      'expected codes from 0 to 1 for likelihood: bernoulli, got 1.5; use likelihood: gaussian',
    )
  })
})
