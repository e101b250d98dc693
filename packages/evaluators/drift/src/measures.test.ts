import { createRng } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { linearCka, movement } from './measures.js'

describe('movement', () => {
  // two classes of two codes: means (1, 0) and (1, 4), all (1, 2)
  const codes = Float32Array.from([0, 0, 2, 0, 0, 4, 2, 4])
  const labels = Int32Array.from([7, 7, 3, 3])

  test('of a known shift is its square, beside variances known by hand', () => {
    const shifted = codes.map((value, i) => value + (i % 2 === 0 ? 3 : -4))
    expect(movement(codes, shifted, labels)).toEqual({
      moved: 9 + 16,
      totalVariance: 1 + 4,
      withinClassVariance: 1,
      squaredNorm: (0 + 4 + 16 + 20) / 4,
    })
  })

  test('of codes that stay is nothing, and classes that are one have the total variance within', () => {
    const { moved, totalVariance, withinClassVariance } = movement(codes, codes, new Int32Array(4))
    expect(moved).toBe(0)
    expect(withinClassVariance).toBe(totalVariance)
  })
})

describe('linear CKA', () => {
  const rng = createRng(3)
  const draw = (n: number, d: number) => tf.tensor2d(rng.normal(n * d), [n, d])
  const cka = (x: tf.Tensor2D, y: tf.Tensor2D) => linearCka(x, y).dataSync()[0]!
  const [x, y] = [draw(20, 3), draw(20, 5)]

  test('of a representation with itself is 1', () => {
    expectClose([cka(x, x), cka(y, y)], [1, 1], 1e-6)
  })

  test('is the same after a rotation, a shift and a scale of either', () => {
    // rotation by the angle of (0.6, 0.8) in the plane of the first and the last number
    const rotation = tf.tensor2d([
      [0.6, 0, -0.8],
      [0, 1, 0],
      [0.8, 0, 0.6],
    ])
    const turned = tf
      .matMul(x, rotation)
      .mul(7)
      .add(tf.tensor1d([1, -2, 3])) as tf.Tensor2D
    expectClose([cka(turned, x)], [1], 1e-6)
    expectClose([cka(turned, y), cka(y, turned)], [cka(x, y), cka(x, y)], 1e-6)
  })

  test('is not the same after a stretch along one axis', () => {
    expect(cka(x, x.mul(tf.tensor1d([10, 1, 1])) as tf.Tensor2D)).toBeLessThan(0.9)
  })

  test('of one column each is the squared correlation', () => {
    // (1, 2, 3) and (1, 3, 2): covariance 1, variances 2 and 2, correlation 1/2
    const column = (...numbers: number[]) => tf.tensor2d(numbers, [3, 1])
    expectClose([cka(column(1, 2, 3), column(1, 3, 2))], [1 / 4], 1e-6)
  })

  test('is the same from the products of columns and from those of examples', () => {
    // by hand from the centred columns, for fewer numbers than examples and for more
    for (const [a, b] of [
      [x, y],
      [draw(4, 6), draw(4, 2)],
    ] as const) {
      const centred = (z: tf.Tensor2D) => z.sub(z.mean(0)) as tf.Tensor2D
      const norm = (p: tf.Tensor2D, q: tf.Tensor2D) => tf.matMul(p, q, true).square().sum().sqrt().dataSync()[0]!
      const [ca, cb] = [centred(a), centred(b)]
      expectClose([cka(a, b)], [norm(cb, ca) ** 2 / (norm(ca, ca) * norm(cb, cb))], 1e-5)
    }
  })

  test('of what does not vary is not a number', () => {
    expect(cka(tf.ones([4, 2]), draw(4, 2))).toBeNaN()
    expect(cka(draw(1, 2), draw(1, 2))).toBeNaN()
  })
})
