import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Params } from './contracts.js'
import { applyGradients, initSlots, optimizerOptions, rateAt } from './optimizers.js'

const parse = (options: Parameters<typeof optimizerOptions.parse>[0]) => optimizerOptions.parse(options)

/** Parameters after these gradients of one parameter `a`, one step each. */
function follow(
  options: Parameters<typeof optimizerOptions.parse>[0],
  start: number[],
  gradients: readonly number[][],
): number[][] {
  const parsed = parse(options)
  let params: Params = { a: tf.tensor1d(start) }
  let slots = initSlots(parsed, params)
  return gradients.map((gradient, step) => {
    ;({ params, slots } = applyGradients(parsed, params, { a: tf.tensor1d(gradient) }, slots, step, gradients.length))
    return Array.from(params.a!.dataSync())
  })
}

describe('SGD', () => {
  test('steps against the gradient', () => {
    expectClose(
      follow(
        { use: 'sgd', rate: 0.1 },
        [1, -1],
        [
          [2, 4],
          [1, 0],
        ],
      ),
      [
        [0.8, -1.4],
        [0.7, -1.4],
      ],
      1e-6,
    )
  })

  test('with momentum keeps a share of the last step', () => {
    // v = 1, then 0.5 · 1 + 2 = 2.5, then 0.5 · 2.5 + 0 = 1.25
    expectClose(
      follow({ use: 'sgd', rate: 0.1, momentum: 0.5 }, [0], [[1], [2], [0]]),
      [[-0.1], [-0.35], [-0.475]],
      1e-6,
    )
  })
})

describe('Adam', () => {
  test('takes a first step of the rate, whatever the size of the gradient', () => {
    expectClose(follow({ rate: 0.01 }, [1, 1], [[1e-3, -50]]), [[0.99, 1.01]], 1e-6)
  })

  test('follows algorithm 1 of the paper', () => {
    const [rate, beta1, beta2, epsilon] = [0.1, 0.8, 0.9, 1e-3]
    const gradients = [1, -2, 0.5, 3]
    let [theta, m, v] = [0.3, 0, 0]
    const expected = gradients.map((gradient, i) => {
      m = beta1 * m + (1 - beta1) * gradient
      v = beta2 * v + (1 - beta2) * gradient ** 2
      theta -= (rate * (m / (1 - beta1 ** (i + 1)))) / (Math.sqrt(v / (1 - beta2 ** (i + 1))) + epsilon)
      return [theta]
    })
    expectClose(
      follow(
        { rate, beta1, beta2, epsilon },
        [0.3],
        gradients.map(g => [g]),
      ),
      expected,
      1e-5,
    )
  })

  test('agrees with that of tfjs, whose epsilon is added at the same place', () => {
    const gradients = [1, -2, 0.5, 3, 1]
    const variable = tf.variable(tf.tensor1d([0.3]))
    const theirs = tf.train.adam(0.05, 0.9, 0.999, 1e-8)
    const expected = gradients.map(gradient => {
      theirs.applyGradients([{ name: variable.name, tensor: tf.tensor1d([gradient]) }])
      return [variable.dataSync()[0]!]
    })
    expectClose(
      follow(
        { rate: 0.05 },
        [0.3],
        gradients.map(g => [g]),
      ),
      expected,
      1e-5,
    )
  })

  test('with decoupled decay shrinks parameters by rate times decay, beside the step', () => {
    const plain = follow({ use: 'adam', rate: 0.1 }, [2], [[1]])
    const decayed = follow({ use: 'adamw', rate: 0.1, decay: 0.5 }, [2], [[1]])
    expectClose([plain[0]![0]! - decayed[0]![0]!], [2 * 0.1 * 0.5], 1e-6)
  })
})

test('a parameter without a gradient stays as it is, with its moments', () => {
  for (const use of ['sgd', 'adam', 'adamw'] as const) {
    const options = parse({ use, momentum: 0.9 })
    const params = { a: tf.tensor1d([1]), b: tf.tensor1d([2]) }
    const slots = initSlots(options, params)
    const next = applyGradients(options, params, { a: tf.tensor1d([1]) }, slots, 0, 1)
    expect(next.params.b).toBe(params.b)
    expect(next.slots.first.b).toBe(slots.first.b)
    expect(next.params.a!.dataSync()[0]).toBeLessThan(1)
  }
})

test('a rate by cosine falls from its start over half at the middle towards 0', () => {
  const options = parse({ rate: 0.2, schedule: 'cosine' })
  expectClose(
    [0, 25, 50, 75, 100].map(step => rateAt(options, step, 100)),
    [0.2, 0.1 * (1 + Math.SQRT1_2), 0.1, 0.1 * (1 - Math.SQRT1_2), 0],
    1e-12,
  )
  expect(rateAt(parse({ rate: 0.2 }), 99, 100)).toBe(0.2)
  expectClose(follow({ use: 'sgd', rate: 1, schedule: 'cosine' }, [0], [[1], [1]]), [[-1], [-1.5]], 1e-6)
})

test('options have defaults, and refuse what makes no sense', () => {
  expect(parse(undefined)).toMatchObject({
    use: 'adam',
    rate: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    schedule: 'constant',
  })
  for (const bad of [{ rate: 0 }, { beta1: 1 }, { epsilon: 0 }, { momentum: -1 }, { use: 'rmsprop' }, { lr: 1 }])
    expect(optimizerOptions.safeParse(bad).success, JSON.stringify(bad)).toBe(false)
})
