import { differentiate, type Params } from '@lgm/core'
import { expectClose, finiteDifferences, golden } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { bernoulliLoss, divergence, gaussianLoss } from './terms.js'

const tensors = (rows: Record<string, number[][]>): Params =>
  Object.fromEntries(Object.entries(rows).map(([name, values]) => [name, tf.tensor2d(values)]))

/** Expects the gradients of the rows' sum, weighted 1, 2, …, to be those of finite differences. */
function expectGradient(params: Params, loss: (params: Params) => tf.Tensor1D): void {
  const f = (values: Params) => loss(values).mul([1, 2]).sum() as tf.Scalar
  const { gradients } = tf.tidy(() => differentiate(params, () => ({ loss: f(params) })))
  for (const [name, numbers] of Object.entries(finiteDifferences(f, params)))
    expectClose(gradients[name]!, numbers, 2e-3)
}

test('the divergence of a Gaussian from the standard normal is the golden one', () => {
  const { mu, logVariance, nats } = golden.klStandardNormal
  const zeros = tf.zeros([1, mu.length]) as tf.Tensor2D
  const q = { mean: tf.tensor2d([...mu], [1, mu.length]), logVariance: tf.tensor2d([...logVariance], [1, mu.length]) }
  expectClose(divergence(q, { mean: zeros, logVariance: zeros }), [nats], 1e-6)
})

test('the divergence of two Gaussians is the formula, and zero of a Gaussian from itself', () => {
  const q = { mean: tf.tensor2d([[1, 0]]), logVariance: tf.tensor2d([[0, Math.log(4)]]) }
  const p = { mean: tf.tensor2d([[3, 0]]), logVariance: tf.tensor2d([[Math.log(2), 0]]) }
  // ½ (log 2/1 + (1 + 4)/2 − 1) + ½ (log 1/4 + 4 − 1).
  expectClose(divergence(q, p), [0.5 * (Math.log(2) + 1.5) + 0.5 * (Math.log(0.25) + 3)], 1e-6)
  expectClose(divergence(q, q), [0], 1e-7)
})

test('a Bernoulli loss is the cross-entropy summed over pixels, also for logits that overflow', () => {
  const logits = tf.tensor2d([[0, Math.log(3), 200, -200]])
  // Probabilities ½, ¾, 1, 0 against 1, 0.5, 1, 0.
  const nats = Math.log(2) - 0.5 * Math.log(0.75) - 0.5 * Math.log(0.25)
  expectClose(bernoulliLoss(logits, tf.tensor2d([[1, 0.5, 1, 0]])), [nats], 1e-5)
  expectClose(bernoulliLoss(logits, tf.tensor2d([[1, 0.5, 0, 0]])), [nats + 200], 1e-4)
})

test('a Gaussian loss is the negative log density', () => {
  // σ = ½: (1² + 2²) / (2 · ¼) + 2 log(½ √2π).
  const nats = 10 + 2 * Math.log(0.5 * Math.sqrt(2 * Math.PI))
  expectClose(gaussianLoss(tf.tensor2d([[1, 2]]), tf.tensor2d([[0, 0]]), 0.5), [nats], 1e-5)
})

test('their gradients are those of finite differences', () => {
  const x = tf.tensor2d([
    [0.2, 1, 0],
    [0.7, 0.5, 0.1],
  ])
  const rows = (shift: number) => [
    [0.3 + shift, -0.5, 0.8],
    [-0.1, 0.4 - shift, 0.2],
  ]
  expectGradient(tensors({ logits: rows(0) }), ({ logits }) => bernoulliLoss(logits as tf.Tensor2D, x))
  expectGradient(tensors({ means: rows(0) }), ({ means }) => gaussianLoss(means as tf.Tensor2D, x, 0.7))
  const normals = tensors({ mean: rows(0), logVariance: rows(0.3), pMean: rows(-0.4), pLog: rows(0.2) })
  expectGradient(normals, ({ mean, logVariance, pMean, pLog }) =>
    divergence(
      { mean: mean as tf.Tensor2D, logVariance: logVariance as tf.Tensor2D },
      { mean: pMean as tf.Tensor2D, logVariance: pLog as tf.Tensor2D },
    ),
  )
  expect(Object.keys(normals)).toHaveLength(4)
})
