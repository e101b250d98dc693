import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Model, Params } from './contracts.js'
import {
  cloneParams,
  countNumbers,
  disposeParams,
  flatten,
  mapParams,
  protectedParams,
  requireEmbedder,
  requireProtected,
  subset,
  unflatten,
  uniformWeights,
} from './params.js'
import { createRng } from './rng.js'

const model = (): Model => ({
  embedder: { '0/kernel': tf.ones([2, 3]), '0/bias': tf.zeros([3]) },
  head: { kernel: tf.ones([3, 2]) },
  decoder: {},
})

describe('parameters', () => {
  test('are named by part when flat, and unflatten to what they were', () => {
    const parts = model()
    const flat = flatten(parts)
    expect(Object.keys(flat)).toEqual(['embedder/0/kernel', 'embedder/0/bias', 'head/kernel'])
    expect(unflatten(flat)).toEqual(parts)
    expect(subset(flat, 'embedder/0')).toEqual({ kernel: parts.embedder['0/kernel'], bias: parts.embedder['0/bias'] })
    expect(subset(flat, 'emb')).toEqual({})
  })

  test('are protected by part', () => {
    const flat = { ...flatten(model()), 'decoder/kernel': tf.ones([1]) }
    expect(Object.keys(protectedParams(flat, 'embedder'))).toEqual(['embedder/0/kernel', 'embedder/0/bias'])
    expect(Object.keys(protectedParams(flat, 'embedder+head'))).toEqual([
      'embedder/0/kernel',
      'embedder/0/bias',
      'head/kernel',
    ])
  })

  test('that a regularizer must have are an error where there are none', () => {
    expect(Object.keys(requireProtected('me', model(), 'embedder'))).toEqual(['embedder/0/kernel', 'embedder/0/bias'])
    const fixed = { ...model(), embedder: {} }
    expect(Object.keys(requireProtected('me', fixed, 'embedder+head'))).toEqual(['head/kernel'])
    expect(() => requireProtected('me', fixed, 'embedder')).toThrow(
      'me: expected parameters to hold in the embedder, got none; use an embedder that learns, or protect: embedder+head',
    )
  })

  test('of the embedder must be there for what teaches it', () => {
    expect(() => requireEmbedder('me', model())).not.toThrow()
    expect(() => requireEmbedder('me', { ...model(), embedder: {} })).toThrow(
      'me: expected an embedder with parameters, got one without',
    )
  })

  test('count their numbers', () => {
    expect(countNumbers(flatten(model()))).toBe(2 * 3 + 3 + 3 * 2)
    expect(countNumbers({})).toBe(0)
  })

  test('clones outlive the original and a tidy around them', () => {
    const original = { a: tf.tensor1d([1, 2]) }
    let clone: Params = {}
    tf.tidy(() => {
      clone = cloneParams(original)
    })
    disposeParams(original)
    expect(Array.from(clone.a!.dataSync())).toEqual([1, 2])
    disposeParams(clone)
    expect(clone.a!.isDisposed).toBe(true)
  })

  test('are disposed but for those that stand elsewhere too, once', () => {
    const shared = tf.ones([1])
    const old = { a: tf.ones([1]), b: shared }
    disposeParams(old, { x: shared })
    expect([old.a.isDisposed, shared.isDisposed]).toEqual([true, false])
    disposeParams(old)
    disposeParams(old)
    expect(shared.isDisposed).toBe(true)
  })

  test('are mapped with their names', () => {
    const mapped = mapParams({ a: tf.scalar(2), b: tf.scalar(3) }, (tensor, name) =>
      tensor.mul(name === 'a' ? 10 : 100),
    )
    expect([mapped.a!.dataSync()[0], mapped.b!.dataSync()[0]]).toEqual([20, 300])
  })
})

test('uniform weights fill ±√(6 / fan in) · gain, with variance 2 gain² / fan in', () => {
  const rng = createRng(1)
  const weights = uniformWeights([150, 40], 150, count => rng.uniform(count), 0.5)
  expect(weights.shape).toEqual([150, 40])
  const values = Array.from(weights.dataSync())
  const limit = 0.5 * Math.sqrt(6 / 150)
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(limit)
  expect(Math.max(...values)).toBeGreaterThan(0.98 * limit)
  expect(Math.min(...values)).toBeLessThan(-0.98 * limit)
  const variance = values.reduce((sum, value) => sum + value ** 2, 0) / values.length
  expect(variance / ((2 * 0.25) / 150)).toBeCloseTo(1, 1)
})
