import { arrayExamples, createRng, type Fit, type Trainer } from '@lgm/core'
import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { options } from './options.js'
import { learnCodes } from './training.js'

/** The first batch, of 1000 items, by which codes of so many bits are learned. */
async function firstNoise(codeBits: 2 | 8 | 32): Promise<Float32Array> {
  const items = arrayExamples(createRng(0).normal(2000), [2], new Int32Array(1000), 'items')
  let noise: Float32Array = new Float32Array()
  const trainer: Trainer = {
    async fit({ batch, params }: Fit) {
      const tensors = await batch()
      noise = (await tensors.noise!.data()) as Float32Array
      tf.dispose(Object.values(tensors))
      return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, tensor.clone()]))
    },
  }
  const parsed = options.parse({ codeBits, codeSize: 3, encoder: [4], batchSize: 1000 })
  const { network } = await learnCodes({}, items, {
    name: 'me',
    options: parsed,
    trainer,
    rng: createRng(1),
    classes: 1,
  })
  tf.dispose(network)
  return noise
}

test('codes are learned under noise of all that rounding may do to them, evenly', async () => {
  const half = 1 / 3
  const noise = await firstNoise(2)
  expect(noise).toHaveLength(3000)
  expect(Math.max(...noise.map(Math.abs))).toBeLessThanOrEqual(half)
  const { mean, variance } = tf.moments(tf.tensor1d(noise))
  expectClose(mean, [0], 0.02)
  expectClose(variance, [half ** 2 / 3], 0.002)
  expect(Math.max(...(await firstNoise(8)))).toBeCloseTo(1 / 255, 4)
  expect(new Set((await firstNoise(32)).map(Math.abs))).toEqual(new Set([0]))
})
