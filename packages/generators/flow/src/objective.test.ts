import { createRng, oneHot } from '@lgm/core'
import { type Flow, initFlow, logProbability } from '@lgm/coupling'
import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { lossTerms } from './objective.js'

const flow: Flow = {
  shape: [2],
  net: 'mlp',
  couplings: 2,
  widths: [3],
  filters: [1],
  bound: 2,
  conditional: true,
}
const params = initFlow('me', flow, 2, createRng(0))
const batch = {
  x: tf.tensor2d([
    [0, 0],
    [1, 2],
    [3, 4],
  ]),
  y: oneHot(Int32Array.of(0, 1, 1), 2),
  weights: tf.tensor1d([0.5, 0.25, 0]),
}
/** −log N(u; 0, I) in two dimensions, of a flow that changes nothing yet: ½‖u‖² + log 2π. */
const nats = (square: number) => square / 2 + Math.log(2 * Math.PI)

test('the loss is −log p(u | y) in nats by the weights of the rows', () => {
  const terms = lossTerms(params, batch, flow)
  expect(Object.keys(terms)).toEqual(['negative-log-likelihood'])
  expectClose(terms['negative-log-likelihood']!, [0.5 * nats(0) + 0.25 * nats(5)], 1e-5)
})

test('distillation is log p_{t−1} − log p_t on draws, and half its square on recall', () => {
  // the teacher gives the second row 0.4 nats more than the flow does, and the third 0.2 less
  const teacher = logProbability(params, batch.x, batch.y, flow).add([7, 0.4, -0.2])
  const terms = lossTerms(
    params,
    { ...batch, teacher, ofRecall: tf.tensor1d([0, 0.5, 0]), ofDrawn: tf.tensor1d([0, 0, 0.3]) },
    flow,
  )
  expectClose(terms['density-distillation']!, [0.5 * 0.5 * 0.4 ** 2], 1e-5)
  expectClose(terms['sample-distillation']!, [0.3 * -0.2], 1e-5)
  expectClose(terms['negative-log-likelihood']!, [0.5 * nats(0) + 0.25 * nats(5)], 1e-5)
})
