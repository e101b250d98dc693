import { createRng, oneHot, type Params } from '@lgm/core'
import { expectClose, expectGradients } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { createNetwork } from '../network.js'
import { type Normal, shift } from '../terms.js'
import { priors } from './index.js'
import { drawsFor, type Prior } from './prior.js'

const latent = 2
const size = 3
const network = createNetwork('vae', { net: 'mlp', filters: [1], widths: [4], latent, conditional: true }, [size])
const names = Object.keys(priors) as (keyof typeof priors)[]
/** Those without a closed form. */
const sampled = names.filter(name => name !== 'standard' && name !== 'class')
const build = (name: keyof typeof priors, components = 3): Prior =>
  priors[name]({ where: 'vae', latent, components, couplings: 2, couplingWidths: [4], network })

/** Parameters of the network and of a prior for `classes`. */
function begin(prior: Prior, classes: number, seed = 0): Params {
  const rng = createRng(seed)
  const typical = () => rng.normal(size)
  const params = network.init(classes, rng)
  return { ...params, ...prior.grow(params, 0, classes, { rng, typical }) }
}

/** The same, moved by normal deviates of a tenth. */
function moved(params: Params, seed = 5): Params {
  const rng = createRng(seed)
  return Object.fromEntries(
    Object.entries(params).map(([name, tensor]) => [
      name,
      tensor.add(tf.tensor(rng.normal(tensor.size), tensor.shape).mul(0.1)),
    ]),
  )
}
const labels = (...of: number[]) => oneHot(Int32Array.from(of), 2)
/** q of `count` rows that are all the same. */
const same = (count: number): Normal => ({
  mean: tf.tile(tf.tensor2d([[0.4, -0.3]]), [count, 1]),
  logVariance: tf.tile(tf.tensor2d([[-0.6, 0.2]]), [count, 1]),
})
const meanOf = (values: tf.Tensor) => values.mean().dataSync()[0]!
/** Four standard errors of a mean over samples. */
const fourErrors = (values: tf.Tensor) => 4 * Math.sqrt(tf.moments(values).variance.dataSync()[0]! / values.size)
const many = 4000
/** Expects the mean to be the number within four standard errors, which are no more than `error`. */
function expectMean(values: tf.Tensor, number: number, error: number): void {
  expectClose(meanOf(values), number, fourErrors(values))
  expect(fourErrors(values)).toBeLessThan(error)
}

describe.each(names)('the prior %s', name => {
  const prior = build(name)

  test('keeps what it says of old classes when it grows', () => {
    const params = begin(prior, 2)
    const start = { rng: createRng(1), typical: () => new Float32Array(size) }
    const wider = network.grow(params, 2, 4, createRng(1))
    const grown = { ...wider, ...prior.grow(params, 2, 4, start) }
    const draws = drawsFor(prior, latent, 3, createRng(2)) as never
    const y = Int32Array.of(0, 1, 1)
    const z = prior.sample(params, oneHot(y, 2), draws)
    expect(z.shape).toEqual([3, latent])
    expectClose(prior.sample(grown, oneHot(y, 4), draws), z.dataSync(), 1e-6)
    const q = same(3)
    expectClose(
      prior.divergence(grown, q, z, oneHot(y, 4)),
      prior.divergence(params, q, z, oneHot(y, 2)).dataSync(),
      1e-5,
    )
    const unchanged = prior.grow(grown, 4, 4, start)
    for (const [parameter, tensor] of Object.entries(unchanged)) expect(tensor).toBe(grown[parameter])
  })

  test('has gradients that are those of finite differences', () => {
    const params = moved(begin(prior, 2))
    const y = labels(0, 1, 1)
    const q = same(3)
    const noise = tf.tensor2d(createRng(4).normal(6), [3, 2])
    const f = ({ mean, logVariance, ...rest }: Params) => {
      const at = { mean: mean as tf.Tensor2D, logVariance: logVariance as tf.Tensor2D }
      return prior.divergence(rest, at, shift(at, noise), y)
    }
    const reached = name === 'vamp' ? /^(prior|encoder)/ : /^prior/
    const owned = Object.fromEntries(Object.entries(params).filter(([parameter]) => reached.test(parameter)))
    const inputs = { mean: q.mean, logVariance: q.logVariance, ...owned }
    expectGradients(values => f({ ...params, ...values }), inputs)
  })
})

describe.each(sampled)('the prior %s, one sample at a time,', name => {
  const prior = build(name)
  const params = moved(begin(prior, 2))
  const student = moved(params)
  const y = labels(...new Array(many).fill(1))

  test('has a density that integrates to 1', () => {
    // E_{z ~ q}[p(z) / q(z)] = ∫ p = 1, for a q wide enough
    const q: Normal = { mean: tf.zeros([many, latent]), logVariance: tf.fill([many, latent], Math.log(9)) }
    const z = shift(q, tf.tensor2d(createRng(3).normal(many * latent), [many, latent]))
    expectMean(prior.divergence(params, q, z, y).neg().exp(), 1, 0.2)
  })

  test('has samples of that density', () => {
    // E_{z ~ p}[q(z) / p(z)] = ∫ q = 1, for a q narrow enough, where the samples are
    const z = prior.sample(params, y, drawsFor(prior, latent, many, createRng(3)))
    const { mean, variance } = tf.moments(z, 0)
    const rows = (numbers: tf.Tensor) => tf.tile(numbers.expandDims(0), [many, 1]) as tf.Tensor2D
    const q: Normal = { mean: rows(mean), logVariance: rows(variance.div(4).log()) }
    expectMean(prior.divergence(params, q, z, y).exp(), 1, 0.2)
  })

  test('is distilled by no less than the mean of log p before − log p now over samples, and nothing from itself', () => {
    const z = prior.sample(params, y, drawsFor(prior, latent, many, createRng(6)))
    // (log q − log p now) − (log q − log p before), whatever q
    const q = same(many)
    const nats = prior.divergence(student, q, z, y).sub(prior.divergence(params, q, z, y))
    const held = prior.distillation!(student, params, y, z)
    expect(meanOf(nats)).toBeGreaterThan(fourErrors(nats))
    // a bound for mixtures, see matchedDivergence; for a flow the same, sample by sample
    if (name === 'flow') expectClose(held, [...nats.dataSync()], 1e-3)
    else expect(meanOf(held)).toBeGreaterThan(meanOf(nats) - fourErrors(nats))
    expectClose(prior.distillation!(params, params, y, z), new Array(many).fill(0), 1e-5)
  })
})

describe('the prior standard', () => {
  test('is N(0, 1), and not distilled', () => {
    const prior = build('standard')
    const z = prior.sample({}, labels(...new Array(many).fill(0)), drawsFor(prior, latent, many, createRng(0)))
    expectMean(z, 0, 0.1)
    expectMean(z.square(), 1, 0.1)
    // ½ (1 + 2² − 1 − log 1) for each of two numbers
    const q = { mean: tf.tensor2d([[2, 2]]), logVariance: tf.zeros([1, 2]) as tf.Tensor2D }
    expectClose(prior.divergence({}, q, q.mean, labels(0)), [4], 1e-6)
    expect(prior.distillation).toBeUndefined()
  })
})

test('the prior flow refuses a z of one number', () => {
  const setting = { where: 'vae', latent: 1, components: 1, couplings: 2, couplingWidths: [4], network }
  expect(() => priors.flow(setting)).toThrow(
    'vae: expected a latent of at least 2 for prior: flow, got 1; use prior: class',
  )
})

describe('the prior mixture of one component', () => {
  const [mixture, gaussian] = [build('mixture', 1), build('class')]
  const params = moved(begin(gaussian, 2))
  const same1: Params = {
    'prior/mean': params['prior/mean']!.expandDims(1),
    'prior/logVariance': params['prior/logVariance']!.expandDims(1),
    'prior/logit': tf.tensor2d([[3], [-1]]),
  }

  test('gives the samples of the prior class', () => {
    const y = labels(0, 1, 1)
    const draws = drawsFor(mixture, latent, 3, createRng(0)) as never
    expectClose(mixture.sample(same1, y, draws), gaussian.sample(params, y, draws).dataSync(), 1e-6)
  })

  test('has a divergence whose mean over samples is the closed form', () => {
    const y = labels(...new Array(many).fill(1))
    const q = same(many)
    const z = shift(q, tf.tensor2d(createRng(1).normal(many * latent), [many, latent]))
    const closed = gaussian.divergence(params, q, z, y).dataSync()[0]!
    expectMean(mixture.divergence(same1, q, z, y), closed, 0.2)
    expect(closed).toBeGreaterThan(0.1)
  })

  test('has a divergence without variance where q is the prior itself', () => {
    const y = labels(0, 1)
    const q = { mean: params['prior/mean'] as tf.Tensor2D, logVariance: params['prior/logVariance'] as tf.Tensor2D }
    const z = shift(q, tf.tensor2d([3, -2, 1, 0.5], [2, 2]))
    expectClose(mixture.divergence(same1, q, z, y), [0, 0], 1e-5)
  })

  test('is distilled as the prior class, in closed form', () => {
    const [later, y] = [moved(params), labels(0, 1)]
    const laterSame = { ...same1, 'prior/mean': later['prior/mean']!.expandDims(1) }
    const laterClass = { ...params, 'prior/mean': later['prior/mean']! }
    const nats = gaussian.distillation!(laterClass, params, y, y).dataSync()
    expectClose(mixture.distillation!(laterSame, same1, y, y), nats, 1e-6)
    // ½ Σ (μ − μ′)² / σ², as the variances are the same
    const [was, is, logs] = [params['prior/mean']!, later['prior/mean']!, params['prior/logVariance']!]
    const pull = tf.tidy(() => was.sub(is).square().div(logs.exp()).sum(1).mul(0.5).dataSync())
    expectClose(nats, pull, 1e-6)
  })
})

describe('the prior vamp', () => {
  const prior = build('vamp', 2)

  test('is the mean of the posteriors of its pseudo-inputs', () => {
    const params = moved(begin(prior, 2))
    const inputs = params['prior/inputs']!.arraySync() as number[][][]
    const z = [0.3, -0.8]
    for (const label of [0, 1]) {
      const densities = inputs[label]!.map(input => {
        const q = network.encode(params, tf.tensor2d([input]), labels(label))
        const [mean, logs] = [q.mean.dataSync(), q.logVariance.dataSync()]
        const nats = z.map(
          (at, i) => -((at - mean[i]!) ** 2) / (2 * Math.exp(logs[i]!)) - logs[i]! / 2 - Math.log(2 * Math.PI) / 2,
        )
        return Math.exp(nats[0]! + nats[1]!)
      })
      const q = same(1)
      const standard = { mean: tf.tensor2d([z]), logVariance: q.logVariance }
      // log q(z) at the mean of q is −½ Σ (log σ² + log 2π)
      const own = -((-0.6 + 0.2) / 2) - Math.log(2 * Math.PI)
      expectClose(
        prior.divergence(params, standard, standard.mean, labels(label)),
        [own - Math.log((densities[0]! + densities[1]!) / 2)],
        1e-5,
      )
    }
  })

  test('begins with codes like those of the class', () => {
    const typical = (label: number) => Float32Array.of(label, 10, 20)
    const { 'prior/inputs': inputs } = prior.grow({}, 0, 2, { rng: createRng(0), typical })
    expect(inputs!.arraySync()).toEqual(
      [0, 1].map(label => [
        [label, 10, 20],
        [label, 10, 20],
      ]),
    )
    const { 'prior/inputs': grown } = prior.grow({ 'prior/inputs': inputs! }, 2, 3, { rng: createRng(0), typical })
    expect((grown!.arraySync() as number[][][])[2]).toEqual([
      [2, 10, 20],
      [2, 10, 20],
    ])
  })
})
