import { type Architecture, analyse, initAnalysis } from '@lgm/conditional'
import { createRng, oneHot, type Params, sizeOf } from '@lgm/core'
import { expectClose, expectGradients, expectNoLeak } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { gradientPenalty } from './penalty.js'

/** A critic of one hidden unit, f(x) = 3 relu(2x₁ − x₂ + 1) + 5. */
const tiny = (): Params => ({
  'mlp/0/kernel': tf.tensor2d([[2], [-1]]),
  'mlp/0/bias': tf.tensor1d([1]),
  'mlp/1/kernel': tf.tensor2d([[3]]),
  'mlp/1/bias': tf.tensor1d([5]),
})

/** The penalty as an operation with its gradients, those by biases zero. */
function differentiable(critic: Params, x: tf.Tensor, y: tf.Tensor2D | undefined, weights: tf.Tensor): tf.Tensor {
  const penalty = () => gradientPenalty(critic, x, y, weights)
  const compute = (() => ({
    value: penalty().value,
    gradFunc: (dy: tf.Tensor) => {
      const { gradients } = penalty()
      return Object.entries(critic).map(([name, tensor]) => gradients[name]?.mul(dy) ?? tf.zerosLike(tensor))
    },
  })) as unknown as Parameters<typeof tf.customGrad>[0]
  return tf.customGrad(compute)(...Object.values(critic))
}

describe('the gradient penalty', () => {
  test('of one hidden unit is that by hand', () => {
    // Where the unit is active, ∂f/∂x = 3 · (2, −1), of length 3√5; where it is not, (0, 0).
    const x = tf.tensor2d([
      [1, 0],
      [-5, 0],
    ])
    const { value, gradients } = gradientPenalty(tiny(), x, undefined, tf.tensor1d([0.5, 0.25]))
    const length = 3 * Math.sqrt(5)
    expectClose(value, 0.5 * (length - 1) ** 2 + 0.25, 1e-4)
    // P = ½ (|v| |w| − 1)² with v = 3 and w = (2, −1): ∂P/∂v = (|v||w| − 1) |w| and ∂P/∂w = (|v||w| − 1) |v| w / |w|.
    expectClose(gradients['mlp/1/kernel']!, (length - 1) * Math.sqrt(5), 1e-4)
    expectClose(
      gradients['mlp/0/kernel']!,
      [2, -1].map(w => ((length - 1) * 3 * w) / Math.sqrt(5)),
      1e-4,
    )
    expect(Object.keys(gradients)).toHaveLength(2)
  })

  const cases: [string, Architecture, number[], number, number][] = [
    ['net mlp', { net: 'mlp', filters: [1], widths: [4, 3] }, [3], 2, 1],
    ['net mlp with an auxiliary classifier', { net: 'mlp', filters: [1], widths: [3] }, [2, 2], 0, 3],
    ['no hidden layer', { net: 'mlp', filters: [1], widths: [] }, [3], 2, 1],
    ['net conv', { net: 'conv', filters: [2, 2], widths: [3] }, [4, 3, 1], 2, 1],
    ['net conv with an auxiliary classifier', { net: 'conv', filters: [2], widths: [] }, [3, 3, 1], 0, 3],
  ]
  describe.each(cases)('of %s', (_, architecture, shape, labels, outputs) => {
    const rng = createRng(3)
    const critic = initAnalysis('test', architecture, shape, labels, outputs, rng)
    const x = tf.tensor(rng.normal(4 * sizeOf(shape)), [4, ...shape])
    const y = labels > 0 ? oneHot(Int32Array.of(0, 1, 1, 0), labels) : undefined
    const weights = tf.tensor1d([1, 2, 0.5, 0.1])

    test('is that of the first derivative of the score', () => {
      const score = (at: tf.Tensor) => analyse(critic, at, y).slice([0, 0], [-1, 1]).sum() as tf.Scalar
      const norms = tf.grad(score)(x).reshape([4, -1]).norm('euclidean', 1)
      const penalty = norms.sub(1).square().mul(weights).sum()
      expectClose(gradientPenalty(critic, x, y, weights).value, penalty.dataSync(), 1e-4)
    })

    test('has the gradients of finite differences', () => {
      expectGradients(at => differentiable(at, x, y, weights), critic)
    })
  })

  test('leaves nothing behind but what it returns', async () => {
    const critic = tiny()
    const [x, weights] = [tf.ones([3, 2]), tf.ones([3])]
    await expectNoLeak(() => tf.dispose(gradientPenalty(critic, x, undefined, weights)))
  })
})
