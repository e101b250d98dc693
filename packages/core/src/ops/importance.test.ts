import { expectClose, finiteDifferences, golden, tinyModel, toGoldenOrder } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Params } from '../contracts.js'
import { arrayExamples } from '../examples.js'
import { flatten, mapParams, subset, uniformWeights } from '../params.js'
import { createRng } from '../rng.js'
import { convolve } from './convolve.js'
import { dense, rows } from './dense.js'
import { type ExampleGradients, meanPerExample } from './importance.js'

const { fixture } = golden
const { embedder, head, model } = tinyModel({ weights: 'golden' })

/** The squared length of the golden network's logits, whose Ω is golden with power 1. */
const description = (changes: Partial<ExampleGradients> = {}): ExampleGradients => ({
  where: 'test',
  params: flatten(model),
  power: 1,
  examples: arrayExamples(Float32Array.from(fixture.x.flat()), [2], Int32Array.from(fixture.y)),
  settings: { examples: 'all', batchSize: 500 },
  rng: createRng(0),
  output: (params, x) => head.classify(subset(params, 'head'), embedder.embed(subset(params, 'embedder'), x)),
  quantities: () => [output => output.square()],
  notice: () => undefined,
  ...changes,
})

describe('the mean over examples of powers of gradients', () => {
  test.each([1, 4, 500])('is golden, in passes of %i', async batchSize => {
    const omega = await meanPerExample(description({ settings: { examples: 'all', batchSize } }))
    expectClose(toGoldenOrder(omega), golden.mas.omega, 1e-6)
  })

  test('adds over quantities, each by itself', async () => {
    const twice = await meanPerExample(
      description({ quantities: () => [output => output.square(), output => output.square().neg()] }),
    )
    expectClose(
      toGoldenOrder(twice),
      golden.mas.omega.map(value => 2 * value),
      1e-6,
    )
  })

  test('gives quantities the outputs and the examples they belong to', async () => {
    const seen: number[] = []
    await meanPerExample(
      description({
        settings: { examples: 'all', batchSize: 4 },
        quantities: (output, indices) => {
          expect(output.shape).toEqual([indices.length, 2])
          expectClose(output, Array.from(indices, index => fixture.logits[index]!).flat(), 1e-6)
          seen.push(...indices)
          return [current => current]
        },
      }),
    )
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('is over as many examples as asked for, drawn without repetition', async () => {
    const seen: number[] = []
    const progress: number[][] = []
    await meanPerExample(
      description({
        settings: { examples: 4, batchSize: 3 },
        quantities: (_, indices) => {
          seen.push(...indices)
          return [output => output]
        },
        notice: (done, of) => progress.push([done, of]),
      }),
    )
    expect(new Set(seen).size).toBe(4)
    expect(progress).toEqual([
      [3, 4],
      [4, 4],
    ])
    const rng = createRng(0)
    await meanPerExample(description({ rng, settings: { examples: 6, batchSize: 3 } }))
    expect(rng.state(), 'nothing is drawn where all are used').toEqual(createRng(0).state())
  })

  test('is zero for what nothing depends on', async () => {
    const unused = { ...flatten(model), 'decoder/kernel': tf.ones([2, 2]) }
    const { 'decoder/kernel': zeros } = await meanPerExample(description({ params: unused }))
    expectClose(zeros!, [0, 0, 0, 0], 0)
  })

  test('leaves behind no tensor but what it returns', async () => {
    await meanPerExample(description())
    const before = tf.memory().numTensors
    const omega = await meanPerExample(description({ settings: { examples: 'all', batchSize: 4 } }))
    expect(tf.memory().numTensors - before).toBe(Object.keys(omega).length)
  })
})

describe('layers', () => {
  const rng = createRng(1)
  const uniform = (count: number) => rng.uniform(count)
  const params: Params = {
    'convolution/kernel': uniformWeights([3, 3, 1, 2], 9, uniform),
    'convolution/bias': tf.tensor1d([0.1, -0.2]),
    'code/kernel': uniformWeights([2 * 2 * 2, 3], 8, uniform),
    'code/bias': tf.tensor1d([0.3, 0, -0.3]),
  }
  const examples = arrayExamples(rng.normal(4 * 16), [4, 4, 1], new Int32Array(4))
  const output = (held: Params, x: tf.Tensor) =>
    dense(
      rows(convolve(x, held['convolution/kernel']!, held['convolution/bias']!, 2).tanh()),
      held['code/kernel']!,
      held['code/bias']!,
    )
  const weights = tf.tensor1d([1, -2, 0.5])
  const quantities = () => [(code: tf.Tensor) => code.square().mul(weights)]

  test.each([1, 2] as const)('of convolutions have those of finite differences, power %i', async power => {
    const each = await Promise.all(
      [0, 1, 2, 3].map(async n => {
        const x = tf.tensor(await examples.read(Int32Array.of(n)), [1, 4, 4, 1])
        return finiteDifferences(held => quantities()[0]!(output(held, x)).sum() as tf.Scalar, params)
      }),
    )
    const settings = { examples: 'all', batchSize: 3 } as const
    const mean = await meanPerExample(description({ params, power, examples, settings, output, quantities }))
    for (const [name, tensor] of Object.entries(mean)) {
      const apart = each[0]![name]!.map(
        (_, i) => each.reduce((sum, one) => sum + Math.abs(one[name]![i]!) ** power, 0) / 4,
      )
      expectClose(tensor, apart, 2e-3 * Math.max(...apart))
    }
  })

  test.each([1, 2] as const)('without gradients of single examples are an error, power %i', async power => {
    const plain = (held: Params, x: tf.Tensor) =>
      output({ ...held, 'convolution/kernel': params['convolution/kernel']! }, x).mul(held['code/scale']!)
    const scaled = { ...params, 'code/scale': tf.tensor1d([1, 1, 1]) }
    const mixed = description({ params: scaled, power, examples, output: plain, quantities })
    await expect(meanPerExample(mixed)).rejects.toThrow(
      'test: expected layers made of dense and convolve of @lgm/core, got another one, which has no gradients of single examples, at code/scale; set batchSize: 1, which is exact for any network, and slow',
    )
    const alone = await meanPerExample({ ...mixed, settings: { examples: 'all', batchSize: 1 } })
    expect(alone['code/scale']!.abs().max().dataSync()[0]).toBeGreaterThan(0)
    expect(mapParams(alone, tensor => tensor.min())['code/scale']!.dataSync()[0]).toBeGreaterThanOrEqual(0)
  })
})
