import { arrayExamples, Generator, oneHot, type Params } from '@lgm/core'
import { build, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { checkCollapse, tellingOf } from './collapse.js'
import { lookAt } from './look.js'
import { createObjective } from './objective.js'
import { options } from './options.js'
import { vae } from './vae.js'

/** Two classes of two codes of one number: 0 ± deviation, and 3 ± deviation. */
const codes = (deviation: number) =>
  arrayExamples(Float32Array.of(-deviation, deviation, 3 - deviation, 3 + deviation), [1], Int32Array.of(0, 0, 1, 1))

/** The figures of an encoder whose μ are the code times `slopes`, and whose σ² are 1. */
async function figures(slopes: number[], deviation: number, given: Parameters<typeof options.parse>[0] = {}) {
  const chosen = options.parse({ widths: [], latent: slopes.length, ...(given as object) })
  const inputs = chosen.conditional ? 3 : 1
  const kernel = tf.zeros([inputs, 2 * slopes.length]).arraySync() as number[][]
  kernel[0]!.splice(0, slopes.length, ...slopes)
  const params: Params = {
    'encoder/mlp/0/kernel': tf.tensor2d(kernel),
    'encoder/mlp/0/bias': tf.zeros([2 * slopes.length]),
  }
  const objective = createObjective('generator/vae', chosen, [1])
  return checkCollapse('generator/vae', objective, params, await lookAt(codes(deviation)), 2)
}

test('a number of z tells ½ log of the variance of all codes over that of one', () => {
  // two codes of class 0 at ±1, σ² = 1: v = 1 + 1. Two of class 1 at 5: v = σ². One of class 3 alone.
  const mean = tf.tensor2d([[1], [-1], [5], [5], [9]])
  const logVariance = tf.zeros([5, 1]) as tf.Tensor2D
  const groups = oneHot(Int32Array.of(0, 0, 1, 1, 3), 4)
  expectClose(tellingOf({ mean, logVariance }, groups), [(2 / 5) * 0.5 * Math.log(2)], 1e-6)
  // σ² of ¼ and 4 at one place: v = 17/8, mean log σ² = 0
  const unequal = { mean: tf.zeros([2, 1]) as tf.Tensor2D, logVariance: tf.tensor2d([[Math.log(0.25)], [Math.log(4)]]) }
  expectClose(tellingOf(unequal, tf.ones([2, 1])), [0.5 * Math.log(17 / 8)], 1e-6)
})

describe('collapse', () => {
  test('of some numbers is a figure', async () => {
    // μ = ±1 of σ² = 1 tells ½ log 2, ±0.1 tells ½ log 1.01 = 0.005, which is below 0.01
    const [count, nats, ...rest] = await figures([2, 0, 0.2], 0.5)
    expect(rest).toEqual([])
    expect(count).toMatchObject({ name: 'generator/vae/active-dimensions', value: 1 })
    expect(nats).toMatchObject({ name: 'generator/vae/information', unit: 'nats' })
    expectClose(nats!.value as number, 0.5 * Math.log(2) + 0.5 * Math.log(1.01), 1e-6)
  })

  test('is seen within a class, or over all codes where z alone could tell the class', async () => {
    expect((await figures([0.2, 2], 0.5))[0]!.value).toBe(1)
    expect((await figures([0.2, 2], 0.5, { conditional: false }))[0]!.value).toBe(1)
    // the classes are 3 apart: ½ log(1 + 0.2² (1.5² + 0.5²)) = 0.048
    expect((await figures([0.2, 2], 0.5, { conditional: false, prior: 'standard' }))[0]!.value).toBe(2)
  })

  test('of all of z is an error that says what to turn', async () => {
    await expect(figures([0, 0.2], 0.5)).rejects.toMatchObject({ code: 'collapsed' })
    await expect(figures([0, 0.2], 0.5)).rejects.toThrow(
      'generator/vae: expected a z that depends on the code, got less than 0.01 nats in each of its 2 numbers (posterior collapse: all samples of a class would be its mean, from which codes deviate by 0.50 in some direction); lower beta (now 1) or sigma (now 0.1), or train longer',
    )
    await expect(figures([0], 0.51, { likelihood: 'bernoulli', beta: 3 })).rejects.toThrow(
      'lower beta (now 3), or train longer',
    )
  })

  test('is no error where codes vary by no more than the noise, or where nothing is paid for z', async () => {
    expect((await figures([0], 0.09))[0]!.value).toBe(0)
    await expect(figures([0], 0.11)).rejects.toThrow('posterior collapse')
    expect((await figures([0], 0.49, { likelihood: 'bernoulli' }))[0]!.value).toBe(0)
    expect((await figures([0], 0.5, { beta: 0 }))[0]!.value).toBe(0)
  })

  test('by training leaves the generator as it was', async () => {
    const generator = build(
      Generator,
      vae({ widths: [8], latent: 2, beta: 1000, iterations: 100, optimizer: { rate: 0.1 } }),
    )
    const before = tf.memory().numTensors
    await expect(generator.memorize(codes(0.5))).rejects.toThrow('posterior collapse')
    expect(tf.memory().numTensors).toBe(before)
    expect(generator.measure!()).toEqual([])
    expect(() => generator.sample(Int32Array.of(0))).toThrow('none yet')
  })
})
