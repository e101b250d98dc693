import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Params } from '../contracts.js'
import { createRng } from '../rng.js'
import { differentiate } from '../trainer.js'
import { convolve } from './convolve.js'
import { dense } from './dense.js'
import { layerNorm } from './layer-norm.js'
import { classMask, crossEntropy, meanCrossEntropy } from './losses.js'
import { applyMlp, initMlp } from './mlp.js'
import { perExample } from './per-example.js'

const rng = createRng(7)
const normal = (...shape: number[]) => tf.tensor(rng.normal(tf.util.sizeFromShape(shape)), shape)

/** Σ w∘f for fixed random w, so that every output has a gradient of its own. */
function weigh(output: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  return output.mul(weights).sum() as tf.Scalar
}

function gradientsOf(loss: (inputs: Params) => tf.Scalar, inputs: Params): Params {
  return tf.tidy(() => differentiate(inputs, () => ({ loss: loss(inputs) })).gradients)
}

/**
 * Expects every gradient within 2e-3 · max(1, |gradient|) of (f(θ + h) − f(θ − h)) / 2h with h = 0.01 or, where the kink of a ReLU lies
 * that near, with h = 0.001. Float32 makes an error of about 1e-7 · |f| / h, curvature one of about h².
 */
function expectGradients(loss: (inputs: Params) => tf.Scalar, inputs: Params): void {
  const gradients = gradientsOf(loss, inputs)
  for (const [name, tensor] of Object.entries(inputs)) {
    const values = tensor.dataSync()
    const got = gradients[name]!.dataSync()
    const at = (i: number, by: number) =>
      tf.tidy(() => {
        const moved = values.slice()
        moved[i]! += by
        return loss({ ...inputs, [name]: tf.tensor(moved, tensor.shape) }).dataSync()[0]!
      })
    values.forEach((_, i) => {
      const differences = [1e-2, 1e-3].map(h => (at(i, h) - at(i, -h)) / (2 * h))
      const errors = differences.map(difference => Math.abs(got[i]! - difference) / Math.max(1, Math.abs(got[i]!)))
      expect(Math.min(...errors), `${name}[${i}]: gradient ${got[i]}, differences ${differences}`).toBeLessThan(2e-3)
    })
  }
}

describe('dense', () => {
  test.each(['linear', 'relu'] as const)('has the gradients of finite differences, %s', activation => {
    const weights = normal(4, 3)
    const inputs = { x: normal(4, 5), kernel: normal(5, 3), bias: normal(3) }
    expectGradients(({ x, kernel, bias }) => weigh(dense(x!, kernel!, bias!, activation), weights), inputs)
  })

  test('is a(xW + b): [1, 2] · [[1, −1], [1, −1]] + [0.5, 0.5] = [3.5, −2.5]', () => {
    const [x, kernel, bias] = [
      tf.tensor2d([[1, 2]]),
      tf.tensor2d([
        [1, -1],
        [1, -1],
      ]),
      tf.tensor1d([0.5, 0.5]),
    ]
    expect([...dense(x, kernel, bias).dataSync()]).toEqual([3.5, -2.5])
    expect([...dense(x, kernel, bias, 'relu').dataSync()]).toEqual([3.5, 0])
  })
})

describe('convolve', () => {
  test.each([
    { activation: 'linear', size: [5, 4], side: 3, stride: 1 },
    { activation: 'relu', size: [5, 4], side: 3, stride: 2 },
    { activation: 'linear', size: [6, 7], side: 2, stride: 2 },
    { activation: 'relu', size: [7, 5], side: 4, stride: 3 },
    { activation: 'linear', size: [2, 1], side: 3, stride: 2 },
  ] as const)(
    'has the gradients of finite differences, $activation, $size, kernel $side, stride $stride',
    ({ activation, size, side, stride }) => {
      const [height, width] = size
      const weights = normal(2, Math.ceil(height / stride), Math.ceil(width / stride), 3)
      const inputs = { x: normal(2, height, width, 2), kernel: normal(side, side, 2, 3), bias: normal(3) }
      expectGradients(({ x, kernel, bias }) => weigh(convolve(x!, kernel!, bias!, stride, activation), weights), inputs)
    },
  )

  test('adds what lies under a kernel of ones: the middle of a 3 × 3 image of 1 to 9 gives 45, a corner 1 + 2 + 4 + 5 = 12', () => {
    const image = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1])
    const y = convolve(image, tf.ones([3, 3, 1, 1]), tf.zeros([1]), 1)
    expect([...y.dataSync()]).toEqual([12, 21, 16, 27, 45, 33, 24, 39, 28])
  })
})

describe('layerNorm', () => {
  test('has the gradients of finite differences', () => {
    const weights = normal(3, 6)
    expectGradients(({ u }) => weigh(layerNorm(u as tf.Tensor2D), weights), { u: normal(3, 6) })
  })

  test('has mean 0 and variance 1 in each row: [1, 3] becomes ∓1/√(1 + 10⁻⁵)', () => {
    const y = layerNorm(tf.tensor2d([[1, 3]])).dataSync()
    expect(y[0]).toBeCloseTo(-0.999995, 6)
    expect(y[1]).toBeCloseTo(0.999995, 6)
  })

  test('of equal numbers is 0, with a finite gradient', () => {
    const [y, gradient] = [layerNorm(tf.ones([1, 3])), tf.grad(u => layerNorm(u as tf.Tensor2D).sum())(tf.ones([1, 3]))]
    expect([...y.dataSync(), ...gradient.dataSync()].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0])
  })
})

describe('crossEntropy', () => {
  const soft = tf.tensor2d([
    [0.2, 0.3, 0.5],
    [1, 0, 0],
    [0.1, 0.1, 0.2],
  ])
  const weights = tf.tensor1d([1, -2, 0.5])

  test.each([
    [
      'hard',
      tf.tensor2d([
        [0, 1, 0],
        [1, 0, 0],
        [0, 0, 1],
      ]),
    ],
    ['soft, and not summing to 1', soft],
  ])('has the gradients of finite differences, targets %s', (_, targets) => {
    expectGradients(({ logits }) => weigh(crossEntropy(logits as tf.Tensor2D, targets), weights), {
      logits: normal(3, 3),
    })
  })

  test('of logits [0, ln 3] is −ln ¼ for class 0 and −ln ¾ for class 1', () => {
    const logits = tf.tensor2d([
      [0, Math.log(3)],
      [0, Math.log(3)],
    ])
    const [first, second] = crossEntropy(
      logits,
      tf.tensor2d([
        [1, 0],
        [0, 1],
      ]),
    ).dataSync()
    expect(first).toBeCloseTo(Math.log(4), 6)
    expect(second).toBeCloseTo(Math.log(4 / 3), 6)
  })

  test('stays finite for logits of ±1000', () => {
    const [value] = crossEntropy(tf.tensor2d([[1000, -1000]]), tf.tensor2d([[0, 1]])).dataSync()
    expect(value).toBe(2000)
  })

  test('runs over the classes of the example’s own task where tasks are told', () => {
    const seen = { scenario: 'task', names: ['a', 'b', 'c', 'd'], taskOf: [0, 0, 1, 1] } as const
    const mask = classMask(Int32Array.of(1, 2), seen)!
    const targets = tf.tensor2d([
      [0, 1, 0, 0],
      [0, 0, 1, 0],
    ])
    const logits = tf.tensor2d([
      [0, Math.log(3), 50, 60],
      [70, 80, Math.log(3), 0],
    ])
    const compute = (inputs: Params) => crossEntropy(inputs.logits!.add(mask) as tf.Tensor2D, targets)
    const values = compute({ logits }).dataSync()
    expect(values[0]).toBeCloseTo(Math.log(4 / 3), 6)
    expect(values[1]).toBeCloseTo(Math.log(4 / 3), 6)
    const gradient = gradientsOf(inputs => compute(inputs).sum() as tf.Scalar, { logits }).logits!.dataSync()
    const expected = [0.25, -0.25, 0, 0, 0, 0, -0.25, 0.25]
    expected.forEach((value, i) => {
      expect(gradient[i]).toBeCloseTo(value, 6)
    })
  })

  test('is averaged and weighted in one operation, with the gradient of that', () => {
    const targets = tf.tensor2d([
      [0.2, 0.3, 0.5],
      [1, 0, 0],
    ])
    const logits = normal(2, 3) as tf.Tensor2D
    for (const weight of [1, 0.3]) {
      const mean = ({ logits }: Params) => meanCrossEntropy(logits as tf.Tensor2D, targets, weight)
      const composed = crossEntropy(logits, targets).mean().mul(weight)
      expect(mean({ logits }).dataSync()[0]).toBeCloseTo(composed.dataSync()[0]!, 6)
      expectGradients(inputs => mean(inputs).mul(5) as tf.Scalar, { logits })
    }
  })

  test('needs no mask where all seen classes share one softmax', () => {
    expect(classMask(Int32Array.of(0), { scenario: 'class', names: ['a'], taskOf: [0] })).toBeUndefined()
  })
})

describe('perExample', () => {
  const targets = tf.tensor2d([
    [0, 1, 0],
    [1, 0, 0],
    [0, 0, 1],
    [0, 1, 0],
  ])
  const networks: [string, tf.Tensor, Params, (params: Params, x: tf.Tensor) => tf.Tensor2D][] = [
    ['dense', normal(4, 5), initMlp([5, 6, 3], rng), applyMlp],
    ...[1, 2, 3].map((stride): [string, tf.Tensor, Params, (params: Params, x: tf.Tensor) => tf.Tensor2D] => [
      `convolve with stride ${stride}`,
      normal(4, 5, 6, 2),
      {
        'first/kernel': normal(3, 3, 2, 4),
        'first/bias': normal(4),
        'second/kernel': normal(2, 2, 4, 3),
        'second/bias': normal(3),
      },
      (params, x) => {
        const u = convolve(x, params['first/kernel']!, params['first/bias']!, stride, 'relu')
        return convolve(u, params['second/kernel']!, params['second/bias']!, stride).sum([1, 2]) as tf.Tensor2D
      },
    ]),
  ]

  test.each(networks)('sums |∂Lₙ|ᵖ over the examples as a loop over them does, %s', (_, x, params, apply) => {
    const loss = (rows: tf.Tensor, wanted: tf.Tensor2D) => (values: Params) =>
      crossEntropy(apply(values, rows), wanted).sum() as tf.Scalar
    for (const power of [1, 2] as const) {
      const got = perExample(power, () => gradientsOf(loss(x, targets), params))
      const singles = [0, 1, 2, 3].map(n => gradientsOf(loss(x.slice(n, 1), targets.slice(n, 1)), params))
      for (const name of Object.keys(params)) {
        const sum = tf.addN(singles.map(single => single[name]!.abs().pow(power)))
        const error = got[name]!.sub(sum).abs().max().div(sum.max()).dataSync()[0]
        expect(error, `${name}, p = ${power}`).toBeLessThan(1e-5)
      }
    }
  })

  test('ends with its computation, also when that throws', () => {
    const gradient = () =>
      gradientsOf(p => dense(x, p.kernel!, tf.zeros([1])).sum() as tf.Scalar, {
        kernel: tf.ones([1, 1]),
      }).kernel!.dataSync()[0]
    const x = tf.tensor2d([[2], [3]])
    expect(() =>
      perExample(2, () => {
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(gradient()).toBe(5)
    expect(perExample(2, () => [perExample(1, gradient), gradient()])).toEqual([5, 13])
  })
})

test('the operations leave nothing behind, with a gradient or without', () => {
  const params = initMlp([4, 5, 3], rng)
  const [x, image, targets] = [
    normal(2, 4),
    normal(2, 5, 5, 1),
    tf.tensor2d([
      [0, 1, 0],
      [1, 0, 0],
    ]),
  ]
  const [kernel, bias] = [normal(3, 3, 1, 2), normal(2)]
  const before = tf.memory().numTensors
  const logits = applyMlp(params, x)
  tf.dispose([logits, crossEntropy(logits, targets), layerNorm(logits), convolve(image, kernel, bias, 2, 'relu')])
  for (const power of [1, 2] as const)
    tf.dispose(perExample(power, () => tf.grads((k, b) => convolve(image, k!, b!, 2).sum())([kernel, bias])))
  tf.dispose(tf.grad(u => crossEntropy(layerNorm(applyMlp(params, u)), targets).sum())(x))
  expect(tf.memory().numTensors).toBe(before)
})

test('a perceptron leaves alone parameters that are no layers of its own, such as those a regularizer added', () => {
  const params = initMlp([4, 5, 3], rng)
  const x = normal(2, 4)
  const more = { ...params, 'gates/0/kernel': tf.ones([5]), 'gates/0': tf.ones([5]), 'gates/1': tf.ones([5]) }
  expect([...applyMlp(more, x).dataSync()]).toEqual([...applyMlp(params, x).dataSync()])
})
