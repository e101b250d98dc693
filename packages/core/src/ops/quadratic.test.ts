import { expectClose, finiteDifferences, fromGoldenOrder, golden } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Params } from '../contracts.js'
import { cloneParams, mapParams } from '../params.js'
import { differentiate } from '../trainer.js'
import {
  disposeQuadratic,
  heldPenalty,
  padTo,
  type Quadratic,
  quadraticAt,
  quadraticPenalty,
  quadraticState,
  restoreQuadratic,
  sumQuadratics,
  weightedSum,
} from './quadratic.js'

const anchors = fromGoldenOrder(golden.fixture.theta)
const importances = fromGoldenOrder(golden.fisher.all)
const moved = fromGoldenOrder(golden.fixture.theta.map((theta, k) => theta + 0.1 * (-1) ** k * (1 + k / 10)))
const value = (scalar: tf.Scalar) => scalar.dataSync()[0]!

describe('the quadratic penalty', () => {
  test('is golden', () => {
    expectClose(quadraticPenalty(moved, anchors, importances, 1), [golden.ewcPenaltyAtThetaPlusDelta.all], 1e-7)
    expect(value(quadraticPenalty(anchors, anchors, importances, 1))).toBe(0)
  })

  test('has the gradient λ F (θ − θ*), also times an upstream gradient', () => {
    const penalty = (params: Params) => quadraticPenalty(params, anchors, importances, 30).mul(2) as tf.Scalar
    const { gradients } = differentiate(moved, () => ({ penalty: penalty(moved) }))
    const differences = finiteDifferences(penalty, moved)
    for (const name in moved) {
      expectClose(gradients[name]!, moved[name]!.sub(anchors[name]!).mul(importances[name]!).mul(60).dataSync(), 1e-6)
      expectClose(gradients[name]!, differences[name]!, 1e-3)
    }
  })

  test('holds the anchored part of what has grown, and pulls at nothing else', () => {
    const params = {
      a: tf.tensor2d([
        [3, 9],
        [4, 9],
        [9, 9],
      ]),
    }
    const [anchor, importance] = [{ a: tf.tensor2d([[1], [1]]) }, { a: tf.tensor2d([[1], [10]]) }]
    // ½ · 2 · (1 · 2² + 10 · 3²)
    const { terms, gradients } = differentiate(params, () => ({
      penalty: quadraticPenalty(params, anchor, importance, 2),
    }))
    expectClose(terms.penalty!, [94], 1e-5)
    expectClose(gradients.a!, [4, 0, 60, 0, 0, 0], 1e-5)
  })

  test('leaves out what has no anchor, no importance or no parameter', () => {
    const { 'head/bias': bias, ...others } = moved
    const without = quadraticPenalty(others, anchors, importances, 1)
    const rest = quadraticPenalty({ 'head/bias': bias! }, anchors, importances, 1)
    expectClose([value(without) + value(rest)], [golden.ewcPenaltyAtThetaPlusDelta.all], 1e-6)
    expect(value(quadraticPenalty(moved, {}, importances, 1)) + value(quadraticPenalty(moved, anchors, {}, 1))).toBe(0)
  })

  test('refuses a parameter that is smaller than its anchor', () => {
    expect(() => quadraticPenalty({ a: tf.ones([2]) }, { a: tf.ones([3]) }, { a: tf.ones([3]) }, 1)).toThrow(
      'penalty: expected a of shape [3] or grown from it, got [2]; use the parameters that were anchored',
    )
  })

  test('leaves no tensor behind', () => {
    const step = () =>
      tf.tidy(() => {
        const { terms } = differentiate(moved, () => ({ penalty: quadraticPenalty(moved, anchors, importances, 1) }))
        tf.dispose(terms)
      })
    step()
    const before = tf.memory().numTensors
    step()
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('the sum of quadratics', () => {
  const at = ({ anchors, importances, offset }: Quadratic, params: Params) =>
    2 * value(quadraticPenalty(params, anchors, importances, 1)) + value(offset)
  const first: Quadratic = { anchors, importances, offset: tf.scalar(0.5) }
  const second: Quadratic = {
    anchors: mapParams(moved, tensor => tensor.neg()),
    importances: mapParams(importances, tensor => tensor.mul(3).add(0.01)),
    offset: tf.scalar(0),
  }

  test('is the sum everywhere', () => {
    const sum = sumQuadratics(first, second)
    for (const params of [anchors, moved, second.anchors])
      expectClose([at(sum, params)], [at(first, params) + at(second, params)], 1e-5)
  })

  test('of any number of terms is the sum of all', () => {
    const all = [first, second, first, second].reduce(sumQuadratics)
    expectClose([at(all, moved)], [2 * (at(first, moved) + at(second, moved))], 1e-5)
  })

  test('holds grown parts by the second alone, and what nobody holds not at all', () => {
    const small = { anchors: { a: tf.tensor1d([1, 1]) }, importances: { a: tf.tensor1d([2, 0]) }, offset: tf.scalar(0) }
    const grown = {
      anchors: { a: tf.tensor1d([4, 5, 6]), b: tf.tensor1d([7]) },
      importances: { a: tf.tensor1d([1, 0, 3]), b: tf.tensor1d([1]) },
      offset: tf.scalar(0),
    }
    const { anchors: means, importances: sums, offset } = sumQuadratics(small, grown)
    // (2 · 1 + 1 · 4) / 3 = 2; offset 2 · 1 / 3 · (4 − 1)² = 6
    expectClose(means.a!.gather(tf.tensor1d([0, 2], 'int32')), [2, 6], 1e-6)
    expectClose(sums.a!, [3, 0, 3], 1e-6)
    expectClose([means.b!.dataSync()[0]!, sums.b!.dataSync()[0]!], [7, 1], 0)
    expectClose(offset, [6], 1e-5)
  })

  test('makes new tensors, one of each kind a parameter and a constant', () => {
    const before = tf.memory().numTensors
    const sum = sumQuadratics(first, second)
    expect(tf.memory().numTensors - before).toBe(4 + 4 + 1)
    tf.dispose([...Object.values(sum.anchors), ...Object.values(sum.importances), sum.offset])
    expect(first.anchors['head/bias']!.isDisposed).toBe(false)
  })
})

test('padding adds zeros at the end of each axis', () => {
  expect(padTo(tf.tensor2d([[1, 2]]), [2, 3]).arraySync()).toEqual([
    [1, 2, 0],
    [0, 0, 0],
  ])
})

describe('a quadratic that is held', () => {
  const held = (): Quadratic => ({ ...quadraticAt(anchors, cloneParams(importances)), offset: tf.scalar(0.5) })

  test('costs λ/2 times what it says, its offset too, and nothing before there is one', () => {
    const expectedPenalty = 3 * (2 * golden.ewcPenaltyAtThetaPlusDelta.all + 0.5)
    expectClose(heldPenalty(moved, held(), 6), [expectedPenalty], 1e-5)
    expectClose(heldPenalty(moved, undefined, 6), [0], 0)
  })

  test('stands at the parameters it was made at, with tensors of its own', () => {
    const at = { a: tf.tensor1d([1, 2]) }
    const made = quadraticAt(at, { a: tf.tensor1d([3, 4]) })
    at.a.dispose()
    expectClose(heldPenalty({ a: tf.tensor1d([1, 2]) }, made, 1), [0], 0)
    // ½ (3 · 1² + 4 · 2²)
    expectClose(heldPenalty({ a: tf.tensor1d([2, 4]) }, made, 1), [9.5], 1e-6)
  })

  test('goes to state and back in clones, each freed by itself', () => {
    const before = tf.memory().numTensors
    const first = quadraticAt(anchors, cloneParams(importances))
    const state = quadraticState(first)
    const second = restoreQuadratic(state)
    disposeQuadratic(first, undefined)
    tf.dispose(state.tensors)
    const penalty = tf.tidy(() => heldPenalty(moved, second, 1))
    expectClose(penalty, [golden.ewcPenaltyAtThetaPlusDelta.all], 1e-6)
    penalty.dispose()
    disposeQuadratic(second)
    expect(tf.memory().numTensors).toBe(before)
  })

  test('is nothing where there was nothing', () => {
    expect(quadraticState(undefined)).toEqual({ tensors: {}, values: {} })
    expect(restoreQuadratic(quadraticState(undefined))).toBeUndefined()
  })
})

test('a weighted sum pads the first, and takes the second alone where there is no first', () => {
  const sum = weightedSum(
    { a: tf.tensor1d([4]), gone: tf.scalar(1) },
    { a: tf.tensor1d([1, 2]), b: tf.tensor1d([3]) },
    [0.5, 2],
  )
  expect(Object.keys(sum)).toEqual(['a', 'b'])
  expectClose(sum.a!, [4, 4], 0)
  expectClose(sum.b!, [6], 0)
  const second = { a: tf.tensor1d([1]) }
  const clone = weightedSum({}, second)
  second.a.dispose()
  expectClose(clone.a!, [1], 0)
})
