import { createRng, flatten, mapParams, oneHot, type Params, subset } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { Average } from './average.js'
import { generate, growGan, initGan, judge, type Networks } from './networks.js'
import { base } from './objective.fixture.js'
import { alignment, criticTerms, generatorTerms } from './objective.js'

const y = oneHot(Int32Array.of(0, 1), 2)
const weights = tf.tensor1d([0.75, 0.25])

describe('the losses', () => {
  /** f(x, y) = 2x + 1 for class 0 and 2x − 1 for class 1. */
  const critic: Params = { 'mlp/0/kernel': tf.tensor2d([[2], [1], [-1]]), 'mlp/0/bias': tf.tensor1d([0]) }
  const [real, made] = [tf.tensor2d([[1], [0.25]]), tf.tensor2d([[-0.5], [0]])]
  // f(real) = 3, −0.5 and f(made) = 0, −1

  test('of a linear critic are those by hand', () => {
    const terms = (loss: 'wasserstein' | 'hinge') => criticTerms(critic, real, made, { y, weights }, { ...base, loss })
    expectClose(terms('wasserstein').critic!, 0.75 * (0 - 3) + 0.25 * (-1 + 0.5), 1e-6)
    // max(0, 1 − 3) = 0, max(0, 1 + 0.5) = 1.5, max(0, 1 + 0) = 1, max(0, 1 − 1) = 0
    expectClose(terms('hinge').critic!, 0.25 * 1.5 + 0.75 * 1, 1e-6)
  })

  test('of the generator is minus the score of what it makes', () => {
    // G(z, y) = −z for class 0 and 3 − z for class 1: −1 and 1 of z = 1, 2, whose scores are −1 and 1.
    const generator: Params = { 'mlp/0/kernel': tf.tensor2d([[-1], [0], [3]]), 'mlp/0/bias': tf.tensor1d([0]) }
    const z = tf.tensor2d([[1], [2]])
    const { score } = generatorTerms(generator, critic, [1], { y, weights, z }, base)
    expectClose(score!, -(0.75 * -1 + 0.25 * 1), 1e-6)
  })

  test('of an auxiliary classifier is its cross-entropy on real codes, times its weight', () => {
    // Logits x and −x: the cross-entropy is log(1 + e^(−2x)) of class 0, log(1 + e^(2x)) of class 1.
    const judging: Params = { 'mlp/0/kernel': tf.tensor2d([[0, 1, -1]]), 'mlp/0/bias': tf.zeros([3]) }
    const { auxiliary } = criticTerms(judging, real, made, { y, weights }, { ...base, auxiliary: 2 })
    expectClose(auxiliary!, 2 * (0.75 * Math.log(1 + Math.exp(-2)) + 0.25 * Math.log(1 + Math.exp(0.5))), 1e-6)
  })

  test('alignment is the squared distance from the teacher, however many rows', () => {
    const teacher: Params = { 'mlp/0/kernel': tf.ones([3, 2]), 'mlp/0/bias': tf.zeros([2]) }
    const moved: Params = { ...teacher, 'mlp/0/bias': tf.tensor1d([0.3, -0.4]) }
    for (const rows of [2, 8]) {
      const labels = oneHot(new Int32Array(rows), 2)
      // 0.3² + 0.4²
      expectClose(alignment(moved, teacher, [2], tf.ones([rows, 1]), labels, base), 0.25, 1e-6)
    }
  })
})

describe('the networks', () => {
  test.each([
    { net: 'mlp', auxiliary: 0 },
    { net: 'mlp', auxiliary: 1 },
    { net: 'conv', auxiliary: 0 },
    { net: 'conv', auxiliary: 1 },
  ] as const)('grow with the classes and compute the same for old ones: %o', options => {
    const networks: Networks = { ...base, ...options, widths: [5], latent: 3 }
    const rng = createRng(0)
    const shape = [4, 4, 1]
    const params = initGan('test', networks, shape, 2, rng)
    const grown = growGan(params, networks, 2, 5, rng)
    const five = oneHot(Int32Array.of(0, 1), 5)
    const [x, z] = [tf.tensor(rng.normal(32), [2, ...shape]), tf.tensor2d(rng.normal(6), [2, 3])]
    const codes = (of: Params, labels: tf.Tensor2D) => generate(subset(of, 'generator'), z, labels, shape, networks)
    const verdict = (of: Params, labels: tf.Tensor2D) => judge(subset(of, 'critic'), x, labels, networks)
    expect(codes(params, y).shape).toEqual([2, ...shape])
    expectClose(codes(grown, five), codes(params, y).dataSync(), 1e-6)
    expectClose(verdict(grown, five).scores, verdict(params, y).scores.dataSync(), 1e-6)
    expect(verdict(grown, five).logits?.shape).toEqual(options.auxiliary > 0 ? [2, 5] : undefined)
    // With an auxiliary classifier, the critic is not told the label.
    const swapped = oneHot(Int32Array.of(1, 0), 2)
    const same = Array.from(verdict(params, swapped).scores.dataSync())
    if (options.auxiliary > 0) expect(same).toEqual(Array.from(verdict(params, y).scores.dataSync()))
    else expect(same).not.toEqual(Array.from(verdict(params, y).scores.dataSync()))
  })
})

test('an average follows faster at first', () => {
  const at = (value: number) => mapParams(flatten({ a: { b: tf.scalar(0) } }), () => tf.scalar(value))
  const average = new Average(at(0), 0.25)
  average.follow(at(11))
  // d = min(0.25, 2/11) = 2/11
  expectClose(average.params['a/b']!, 9, 1e-5)
  average.follow(at(1))
  // d = min(0.25, 3/12) = 0.25
  expectClose(average.params['a/b']!, 0.25 * 9 + 0.75 * 1, 1e-5)
  average.follow(at(0))
  expectClose(average.params['a/b']!, 0.25 * 3, 1e-5)
})
