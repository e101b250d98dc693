import { arrayExamples, createRng, oneHot, type Params } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import {
  type Architecture,
  after,
  analyse,
  checkNew,
  checkRehearsal,
  classesIn,
  growLabels,
  initAnalysis,
  initSynthesis,
  memorizedSchema,
  memorizedValues,
  mixedBatches,
  nothingMemorized,
  replayWeightOf,
  synthesize,
} from './index.js'

const mlp: Architecture = { net: 'mlp', filters: [2], widths: [5, 4] }
const conv: Architecture = { net: 'conv', filters: [3, 2], widths: [4] }
const shapesOf = (params: Params) =>
  Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, shape]))
const examples = (values: number[], labels: number[]) =>
  arrayExamples(Float32Array.from(values), [1], Int32Array.from(labels))

describe('an analysis', () => {
  test('of net mlp has dense layers with the labels beside the code', () => {
    const params = initAnalysis('me', mlp, [3, 2], 2, 7, createRng(0))
    expect(shapesOf(params)).toMatchObject({
      'mlp/0/kernel': [3 * 2 + 2, 5],
      'mlp/1/kernel': [5, 4],
      'mlp/2/kernel': [4, 7],
    })
    const y = oneHot(Int32Array.of(0, 1), 2)
    const x = tf.ones([2, 3, 2])
    const [first, second] = analyse(params, x, y).arraySync()
    expect(first).toHaveLength(7)
    // the same code with another label
    expect(first).not.toEqual(second)
  })

  test('of net conv halves the sides, rounded up, before them', () => {
    const params = initAnalysis('me', conv, [7, 5, 2], 2, 6, createRng(0))
    // 7 × 5 → 4 × 3 → 2 × 2, of 2 channels
    expect(shapesOf(params)).toMatchObject({
      'conv/0/kernel': [3, 3, 2, 3],
      'conv/1/kernel': [3, 3, 3, 2],
      'mlp/0/kernel': [2 * 2 * 2 + 2, 4],
      'mlp/1/kernel': [4, 6],
    })
    expect(analyse(params, tf.ones([3, 7, 5, 2]), oneHot(Int32Array.of(0, 1, 1), 2)).shape).toEqual([3, 6])
    expect(() => initAnalysis('me', conv, [7], 2, 6, createRng(0))).toThrow(
      'me: expected codes of shape [height, width, channels] for net: conv, got [7]; use net: mlp',
    )
  })
})

describe('a synthesis', () => {
  test('gives codes of the shape asked for, odd sides too', () => {
    for (const [architecture, shape] of [
      [mlp, [3, 2]],
      [conv, [7, 5, 2]],
      [conv, [4, 4, 1]],
    ] as const) {
      const params = initSynthesis('me', architecture, 3, 2, shape, createRng(0))
      const made = synthesize(params, tf.ones([2, 3]), oneHot(Int32Array.of(0, 1), 2), shape)
      expect(made.shape).toEqual([2, ...shape])
      const [first, second] = tf.unstack(made).map(one => Array.from(one.dataSync()))
      expect(first).not.toEqual(second)
    }
  })

  test('with convolutions mirrors the maps of the analysis', () => {
    expect(shapesOf(initSynthesis('me', conv, 3, 2, [7, 5, 2], createRng(0)))).toMatchObject({
      'mlp/0/kernel': [3 + 2, 4],
      'mlp/1/kernel': [4, 2 * 2 * 2],
      'conv/0/kernel': [3, 3, 3, 2],
      'conv/1/kernel': [3, 3, 2, 3],
    })
  })
})

test('transposed convolutions begin at the scale that keeps variances: of what reaches one place, a quarter of side × side × channels', () => {
  const wide: Architecture = { net: 'conv', filters: [32, 64], widths: [4] }
  const params = initSynthesis('me', wide, 3, 0, [8, 8, 16], createRng(0))
  const largest = (layer: number) => params[`conv/${layer}/kernel`]!.abs().max().dataSync()[0]!
  // ± √(6 / (64 · 9 / 4)) before a ReLU, ± √(3 / (32 · 9 / 4)) at last: both 0.2041
  for (const layer of [0, 1]) {
    expect(largest(layer)).toBeLessThanOrEqual(0.20413)
    expect(largest(layer)).toBeGreaterThan(0.204)
  }
})

test.each([mlp, conv])(
  'first weights are as large as asked for, of net $net and of labels that come later too',
  architecture => {
    const gain = 0.25
    const shape = [7, 5, 2]
    const make = (of: Architecture) => {
      const rng = createRng(0)
      const analysis = initAnalysis('me', of, shape, 1, 6, rng)
      const kernels = (params: Params) => Object.entries(params).filter(([name]) => name.endsWith('kernel'))
      const grown = growLabels(analysis, 1, 3, rng, of.gain)
      return [...kernels(analysis), ...kernels(initSynthesis('me', of, 3, 1, shape, rng)), ...kernels(grown)]
    }
    const [whole, small] = [make(architecture), make({ ...architecture, gain })]
    expect(small).toHaveLength(whole.length)
    for (const [i, [, kernel]] of small.entries()) expectClose(kernel, whole[i]![1].mul(gain).dataSync(), 1e-7)
  },
)

test('a network with room for more labels computes what it did for the old ones', () => {
  for (const architecture of [mlp, conv]) {
    const shape = [4, 4, 1]
    const params = initAnalysis('me', architecture, shape, 2, 3, createRng(0))
    const grown = growLabels(params, 2, 4, createRng(1))
    const x = tf.randomNormal([2, ...shape], 0, 1, 'float32', 3)
    const labels = Int32Array.of(0, 1)
    expect(analyse(grown, x, oneHot(labels, 4)).arraySync()).toEqual(analyse(params, x, oneHot(labels, 2)).arraySync())
    expect(growLabels(params, 2, 2, createRng(1))).toBe(params)
  }
})

test('batches weigh the new and the recalled by their shares, whatever their sizes', async () => {
  const fresh = examples([1, 1], [2, 2])
  const recall = examples([0, 0, 0], [0, 1, 0])
  const mix = { batchSize: 2, replaySize: 4, replayWeight: 0.75, classes: 3 }
  const { x, y, weights } = await mixedBatches(fresh, recall, mix, createRng(0))()
  expect(x!.shape).toEqual([6, 1])
  expect(Array.from(x!.dataSync())).toEqual([1, 1, 0, 0, 0, 0])
  expect(y!.shape).toEqual([6, 3])
  // 0.25 / 2 for each new one, 0.75 / 4 for each recalled one
  expect(Array.from(weights!.dataSync())).toEqual([0.125, 0.125, 0.1875, 0.1875, 0.1875, 0.1875])
  const alone = await mixedBatches(fresh, undefined, mix, createRng(0))()
  expect(Array.from(alone.weights!.dataSync())).toEqual([0.5, 0.5])
})

test('what was memorized grows, and says what cannot be trained on', () => {
  const first = after(nothingMemorized, examples([1, 2], [0, 2]))
  expect([first.shape, [...first.known], first.tasks, classesIn(first.known)]).toEqual([[1], [0, 2], 1, 3])
  expect(classesIn(nothingMemorized.known)).toBe(0)
  expect(() => checkRehearsal('me', nothingMemorized, examples([1], [0]), undefined)).not.toThrow()
  expect(() => checkRehearsal('me', first, examples([1], [1]), undefined)).toThrow(
    'me: expected recall of the classes 0, 2, got none; put the phase "recall" before "memorize"',
  )
  const wide = arrayExamples(new Float32Array(2), [2], new Int32Array(1))
  expect(() => checkRehearsal('me', first, wide, examples([1], [0]))).toThrow(
    'me: expected codes of shape [1], got [2]',
  )
  expect(() => checkNew('me', first, examples([1], [1]), 'do so')).not.toThrow()
  expect(() => checkNew('me', first, examples([1], [2]), 'do so')).toThrow('class 2 again; do so')
})

test('what was memorized goes through the values of a state as it is', () => {
  const memorized = after(after(nothingMemorized, examples([1, 2], [0, 2])), examples([1], [1]))
  const values = JSON.parse(JSON.stringify({ ...memorizedValues(memorized), other: 1 }))
  expect(memorizedSchema.parse(values)).toEqual(memorized)
})

test('recall weighs what its share of the tasks is, or what was asked', () => {
  const twice = after(after(nothingMemorized, examples([1], [0])), examples([1], [1]))
  expect(replayWeightOf('tasks', nothingMemorized)).toBe(0)
  expect(replayWeightOf('tasks', twice)).toBeCloseTo(2 / 3)
  expect(replayWeightOf(0.25, twice)).toBe(0.25)
})
