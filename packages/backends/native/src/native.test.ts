import { facts, findEngines, setupNative } from '@lgm/backend-native/setup'
import { Backend } from '@lgm/core'
import { build, checkBackend } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { native } from './index.js'

const missing = findEngines().length === 0
if (missing) process.stderr.write('native engine: not set up here, its tests are skipped; run: npx lgm-setup-native\n')

checkBackend({ plugin: () => native(), available: !missing })

describe.skipIf(missing)('the native engine', () => {
  beforeAll(async () => {
    await build(Backend, native()).start()
  })

  test('says which TensorFlow it runs on, and on how many threads', async () => {
    const started = await build(Backend, native()).start()
    expect(started.name).toBe('native')
    expect(started.version).toMatch(/^TensorFlow \d/)
    expect(started.threads).toBeGreaterThan(0)
    expect(tf.getBackend()).toBe('tensorflow')
  })

  test('refuses another number of threads once it runs', async () => {
    await expect(build(Backend, native({ threads: 63 })).start()).rejects.toThrow(
      /expected \d+ threads.*got threads: 63; /,
    )
  })

  test('is ready at once when set-up is asked again, and has nothing to complain of', async () => {
    const again = await setupNative()
    expect(again).toMatchObject({ ok: true, how: 'present' })
    expect((await facts()).problem).toBeUndefined()
  })

  test.each([
    { decay: 0, count: 1 },
    { decay: 0, count: 1000 },
    { decay: 0.1, count: 3 },
  ])('its fused Adam is the step of the paper: decay $decay, step $count', ({ decay, count }) => {
    const values = {
      parameter: [1, -2, 0.5],
      firstMoment: [0.1, 0, -0.3],
      secondMoment: [0.01, 0, 0.2],
      gradient: [0.5, 2, -1],
    }
    const [rate, beta1, beta2, epsilon] = [0.01, 0.9, 0.999, 1e-8]
    const corrections = { correction1: 1 - beta1 ** count, correction2: 1 - beta2 ** count }
    const inputs = Object.fromEntries(Object.entries(values).map(([name, array]) => [name, tf.tensor1d(array)]))
    const outputs = runAdam(inputs, { rate, beta1, beta2, epsilon, ...corrections, decay }).map(output =>
      output.dataSync(),
    )
    for (let i = 0; i < 3; i++) {
      const first = beta1 * values.firstMoment[i]! + (1 - beta1) * values.gradient[i]!
      const second = beta2 * values.secondMoment[i]! + (1 - beta2) * values.gradient[i]! ** 2
      const move = first / corrections.correction1 / (Math.sqrt(second / corrections.correction2) + epsilon)
      expect(outputs[0]![i]).toBeCloseTo(values.parameter[i]! * (1 - rate * decay) - rate * move, 6)
      expect(outputs[1]![i]).toBeCloseTo(first, 6)
      expect(outputs[2]![i]).toBeCloseTo(second, 6)
    }
    for (const [name, array] of Object.entries(values))
      expect(inputs[name]!.dataSync()).toEqual(Float32Array.from(array))
  })

  test('its fused Adam keeps no tensor from call to call, whatever the shapes', () => {
    const attributes = {
      rate: 0.01,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      correction1: 0.1,
      correction2: 0.001,
      decay: 0.01,
    }
    const count = () => tf.memory().numTensors
    const before = count()
    for (const shape of [[3], [2, 5], [], [0], [4, 1, 2]])
      tf.tidy(() => {
        const inputs = {
          parameter: tf.ones(shape),
          firstMoment: tf.zeros(shape),
          secondMoment: tf.zeros(shape),
          gradient: tf.ones(shape),
        }
        for (const output of runAdam(inputs, attributes)) expect(output.shape).toEqual(shape)
      })
    expect(count()).toBe(before)
  })

  test('step is 1 above zero and 0 elsewhere, or the slope asked for', () => {
    expect([...tf.tensor1d([-1, 0, 2, 1e-30]).step().dataSync()]).toEqual([0, 0, 1, 1])
    expect([...tf.tensor1d([-1, 0, 2]).step(0.5).dataSync()]).toEqual([0.5, 0.5, 1])
    expect(tf.tensor1d([Number.NaN]).step().dataSync()[0]).toBeNaN()
  })

  test('a reshape or cast that changes nothing gives a tensor that outlives its source', () => {
    const source = tf.tensor2d([1, 2, 3, 4], [2, 2])
    const [same, cast] = [source.reshape([2, -1]), source.cast('float32')]
    source.dispose()
    expect([...same.dataSync(), ...cast.dataSync()]).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
    expect(cast.cast('int32').dtype).toBe('int32')
    expect(same.reshape([4]).shape).toEqual([4])
  })
})

function runAdam(inputs: Record<string, tf.Tensor>, attributes: Record<string, number>): tf.Tensor[] {
  return tf.engine().runKernel('LgmAdam', inputs, attributes) as unknown as tf.Tensor[]
}
