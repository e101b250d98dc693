import { initSynthesis } from '@lgm/conditional'
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

test('codes have mean 0 and variance 1 before they are squashed, and noise reaches the loss', async () => {
  const items = arrayExamples(createRng(0).normal(600), [2], new Int32Array(300), 'items')
  let losses: number[] = []
  const trainer: Trainer = {
    async fit({ batch, loss, params }: Fit) {
      const tensors = await batch()
      const noises = [tensors.noise!, tf.zerosLike(tensors.noise!)]
      losses = noises.map(noise => loss(params, { ...tensors, noise }).recall!.dataSync()[0]!)
      return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, tensor.clone()]))
    },
  }
  const parsed = options.parse({ codeBits: 2, codeSize: 3, encoder: [4] })
  // as the network begins it gives what it gives to all codes, so it has to have weights
  const start = { ...initSynthesis('me', parsed, 3, 1, [2], createRng(2)) }
  const training = { name: 'me', options: parsed, trainer, rng: createRng(1), classes: 1 }
  const { codes } = await learnCodes(start, items, training)
  const { mean, variance } = tf.moments(tf.tensor2d(codes, [300, 3]).atanh(), 0)
  expectClose(mean, [0, 0, 0], 1e-4)
  expectClose(variance, [1, 1, 1], 1e-3)
  expect(losses[0]).not.toBeCloseTo(losses[1]!, 3)
})

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
