import { createRng, type Params } from '@lgm/core'
import { expectClose, expectGradients } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { drawMixture, type Mixture, matchedDivergence, mixtureDensity, normalDensity } from './mixtures.js'

/** Two Gaussians on a line for one row: N(0, 1) with weight ¼, N(2, 4) with ¾. */
const two: Mixture = {
  mean: tf.tensor3d([[[0], [2]]]),
  logVariance: tf.tensor3d([[[0], [Math.log(4)]]]),
  logWeights: tf.tensor2d([[Math.log(0.25), Math.log(0.75)]]),
}

test('the density of a mixture is the weighted sum of those of its parts', () => {
  // at 1: ¼ e^{−½} / √2π + ¾ e^{−⅛} / 2√2π
  const sum = (0.25 * Math.exp(-0.5) + (0.75 / 2) * Math.exp(-0.125)) / Math.sqrt(2 * Math.PI)
  expectClose(mixtureDensity(tf.tensor2d([[1]]), two), [Math.log(sum)], 1e-6)
  // far out the nearer part alone counts, and nothing overflows: log ¾ − 500² / 8 − log 2√2π
  const far = Math.log(0.75) - 500 ** 2 / 8 - Math.log(2 * Math.sqrt(2 * Math.PI))
  expectClose(mixtureDensity(tf.tensor2d([[502]]), two).dataSync()[0]! / far, 1, 1e-6)
})

test('the density of one Gaussian is that of independent numbers', () => {
  // (1 − 0)² / 2 and (3 − 1)² / 2·4
  const nats = -0.5 - 0.5 - Math.log(2 * Math.PI) - Math.log(2)
  const q = { mean: tf.tensor2d([[0, 1]]), logVariance: tf.tensor2d([[0, Math.log(4)]]) }
  expectClose(normalDensity(tf.tensor2d([[1, 3]]), q), [nats], 1e-6)
})

test('draws choose parts by their weights, the last for the rest', () => {
  const rows = (count: number): Mixture => ({
    mean: tf.tile(two.mean, [count, 1, 1]),
    logVariance: tf.tile(two.logVariance, [count, 1, 1]),
    logWeights: tf.tile(two.logWeights, [count, 1]),
  })
  const z = drawMixture(rows(4), tf.ones([4, 1]), tf.tensor2d([[0], [0.2499], [0.2501], [0.99999994]]))
  // 0 + 1 or 2 + 2
  expectClose(z, [1, 1, 4, 4], 1e-6)
})

test('the divergence of matched mixtures is that of the weights and, weighted, of the parts', () => {
  const other: Mixture = { ...two, mean: tf.tensor3d([[[1], [2]]]), logWeights: tf.log(tf.tensor2d([[0.5, 0.5]])) }
  // KL(¼ ¾ ‖ ½ ½) + ¼ · ½ (0 − 1)²
  const nats = 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5) + 0.25 * 0.5
  expectClose(matchedDivergence(two, other), [nats], 1e-6)
  expectClose(matchedDivergence(two, two), [0], 1e-7)
})

test('the gradients of the density are those of finite differences', () => {
  const rng = createRng(0)
  const random = (...shape: number[]) => tf.tensor(rng.normal(tf.util.sizeFromShape(shape)), shape)
  const inputs: Params = {
    z: random(2, 3),
    mean: random(2, 4, 3),
    logVariance: random(2, 4, 3),
    logWeights: random(2, 4),
  }
  expectGradients(
    ({ z, mean, logVariance, logWeights }) =>
      mixtureDensity(z as tf.Tensor2D, {
        mean: mean as tf.Tensor3D,
        logVariance: logVariance as tf.Tensor3D,
        logWeights: logWeights as tf.Tensor2D,
      }),
    inputs,
  )
  expect(Object.keys(inputs)).toHaveLength(4)
})
