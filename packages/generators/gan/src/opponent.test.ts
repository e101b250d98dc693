import { createRng, oneHot, optimizerOptions, type Params, subset } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { initGan } from './networks.js'
import { base } from './objective.fixture.js'
import { Opponent } from './opponent.js'
import { gradientPenalty } from './penalty.js'

const objective = { ...base, penalty: 10 }

test('is penalized between real and made codes, as far from them as the mix says', () => {
  // f(x, y) = 3 relu(x): its slope is 3 above 0 and 0 below
  const critic: Params = {
    'mlp/0/kernel': tf.tensor2d([[1], [0]]),
    'mlp/0/bias': tf.tensor1d([0]),
    'mlp/1/kernel': tf.tensor2d([[3]]),
    'mlp/1/bias': tf.tensor1d([0]),
  }
  const opponent = new Opponent(critic, optimizerOptions.parse({}), objective, 10)
  const [real, made] = [tf.tensor2d([[2], [2]]), tf.tensor2d([[-1], [-1]])]
  const rows = { y: oneHot(Int32Array.of(0, 0), 1), weights: tf.tensor1d([0.75, 0.25]) }
  // at −1 + 0.9 · 3 = 1.7 and −1 + 0.1 · 3 = −0.7
  const { penalty } = opponent.update(real, made, rows, tf.tensor1d([0.9, 0.1]))
  expectClose(penalty!, 10 * (0.75 * (3 - 1) ** 2 + 0.25 * (0 - 1) ** 2), 1e-4)
  opponent.end()
})

test('follows the gradient of the penalty beside that of its loss', () => {
  const start = () => subset(initGan('test', { ...objective, widths: [3] }, [2], 2, createRng(0)), 'critic')
  const [real, made] = [
    tf.tensor2d([
      [2, 1],
      [0, 1],
    ]),
    tf.tensor2d([
      [-1, 0],
      [1, -2],
    ]),
  ]
  const rows = { y: oneHot(Int32Array.of(0, 1), 2), weights: tf.tensor1d([0.75, 0.25]) }
  const mix = tf.tensor1d([0.9, 0.1])
  const after = (penalty: number) => {
    const sgd = optimizerOptions.parse({ use: 'sgd', rate: 1 })
    const opponent = new Opponent(start(), sgd, { ...objective, widths: [3], penalty }, 10)
    opponent.update(real, made, rows, mix)
    return opponent.params
  }
  const [penalized, without] = [after(10), after(0)]
  const between = made.add(real.sub(made).mul(mix.reshape([2, 1])))
  const { gradients } = gradientPenalty(start(), between, rows.y, rows.weights.mul(10))
  expect(Object.keys(gradients)).not.toEqual([])
  for (const [name, gradient] of Object.entries(gradients))
    expectClose(without[name]!.sub(penalized[name]!), [...gradient.dataSync()], 1e-4)
})

test('has one number more than there are classes to say where it judges labels, and else one', () => {
  const outputs = (auxiliary: number) =>
    initGan('test', { ...objective, auxiliary }, [2], 3, createRng(0))['critic/mlp/0/bias']!.shape
  expect([outputs(1), outputs(0)]).toEqual([[4], [1]])
})
