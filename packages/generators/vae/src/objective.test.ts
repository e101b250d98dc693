import { countNumbers, oneHot, type Params } from '@lgm/core'
import { expectClose, expectGradients } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { createObjective, distillation, negativeElbo, part } from './objective.js'
import { options } from './options.js'

type Given = Partial<Parameters<typeof options.parse>[0] & object>

const linear = (given: Given = {}) =>
  createObjective('vae', options.parse({ widths: [], latent: 1, conditional: false, sigma: 0.5, ...given }), [1])
/** q = N(slope · u, variance), D(z) = slope · z, p(z) = N(mean, 1). */
const line = (slope: number, variance: number, mean: number): Params => ({
  'encoder/mlp/0/kernel': tf.tensor2d([[slope, 0]]),
  'encoder/mlp/0/bias': tf.tensor1d([0, Math.log(variance)]),
  'decoder/mlp/0/kernel': tf.tensor2d([[slope]]),
  'decoder/mlp/0/bias': tf.zeros([1]),
  'prior/mean': tf.tensor2d([[mean]]),
  'prior/logVariance': tf.zeros([1, 1]),
})
/** Twice u = 3, once with noise of 0.5 and once with −1, of weights 0.75 and 0.25. */
const batch = {
  x: tf.tensor2d([[3], [3]]),
  y: oneHot(Int32Array.of(0, 0), 1),
  weights: tf.tensor1d([0.75, 0.25]),
  noise: tf.tensor2d([[0.5], [-1]]),
}
const values = (terms: Readonly<Record<string, tf.Scalar>>) =>
  Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]))

test('the loss is −log p(u | z) and β times the divergence, weighted over the rows', () => {
  const { reconstruction, divergence } = values(negativeElbo(line(2, 4, 1), batch, linear({ beta: 3 })))
  // q = N(6, 4): z = 6 + 2 · 0.5 = 7 and 4; D = 14 and 8; σ = ½: (D − 3)² / 2σ² = 242 and 50
  expectClose(reconstruction!, 0.75 * 242 + 0.25 * 50 + Math.log(0.5 * Math.sqrt(2 * Math.PI)), 1e-4)
  // KL(N(6, 4) ‖ N(1, 1)) = ½ (4 + 25 − 1 − log 4)
  expectClose(divergence!, 3 * 0.5 * (28 - Math.log(4)), 1e-4)
})

describe('distillation', () => {
  const [teacher, student] = [line(1, 1, 1), line(2, 4, 3)]
  const terms = (given: Given = {}) => values(distillation(student, teacher, batch, linear(given)))

  test('of the encoder is KL in nats, or the squared distance of its outputs', () => {
    // KL(N(3, 1) ‖ N(6, 4)) = ½ (log 4 + (1 + 9) / 4 − 1)
    expectClose(terms()['encoder-distillation']!, 0.5 * (Math.log(4) + 1.5), 1e-5)
    expectClose(terms({ encoderDistillation: 'statistics' })['encoder-distillation']!, 9 + Math.log(4) ** 2, 1e-5)
  })

  test('of the decoder is at z of the old prior, or of the old posterior', () => {
    // D − D′ = 2z − z = z. Prior N(1, 1): z = 1.5 and 0; posterior N(3, 1): z = 3.5 and 2
    expectClose(terms()['decoder-distillation']!, 0.75 * 1.5 ** 2, 1e-5)
    const posterior = terms({ decoderLatents: 'posterior' })
    expectClose(posterior['decoder-distillation']!, 0.75 * 3.5 ** 2 + 0.25 * 4, 1e-5)
  })

  test('of the decoder is KL of the likelihoods in nats', () => {
    // z² / 2σ² with σ = ½
    const kl = { decoderDistillation: 'kl' } as const
    expectClose(terms(kl)['decoder-distillation']!, 2 * 0.75 * 1.5 ** 2, 1e-5)
    // of Bernoulli variables of logits z and 2z at z = 1.5, and of nothing at z = 0
    const [was, is] = [1.5, 3].map(logit => 1 / (1 + Math.exp(-logit))) as [number, number]
    const nats = was * Math.log(was / is) + (1 - was) * Math.log((1 - was) / (1 - is))
    expectClose(terms({ ...kl, likelihood: 'bernoulli' })['decoder-distillation']!, 0.75 * nats, 1e-5)
    const square = terms({ likelihood: 'bernoulli' })
    expectClose(square['decoder-distillation']!, 0.75 * (was - is) ** 2, 1e-5)
  })

  test('of the prior is KL, where one is learned', () => {
    // KL(N(1, 1) ‖ N(3, 1)) = 2² / 2
    expectClose(terms()['prior-distillation']!, 2, 1e-5)
    expect(Object.keys(terms({ prior: 'standard' }))).toEqual(['encoder-distillation', 'decoder-distillation'])
  })

  test('has gradients that are those of finite differences', () => {
    const near = line(1.3, 1.5, 1.2)
    const sum = (params: Params) =>
      tf.addN(
        Object.values({ ...negativeElbo(params, batch, linear()), ...distillation(params, teacher, batch, linear()) }),
      )
    expectGradients(sum, near)
    expect(countNumbers(near)).toBe(8)
  })
})

test('a part of a batch has the same rows of every tensor', () => {
  const { choice, ...rest } = part({ ...batch, choice: tf.tensor2d([[0.1], [0.2]]) }, 1, 1)
  expectClose(choice!, [0.2], 1e-6)
  expectClose(rest.noise, [-1])
  expectClose(rest.weights, [0.25])
  expect(rest.x.shape).toEqual([1, 1])
})
