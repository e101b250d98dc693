import { facts, findEngines, setupNative } from '@lgm/backend-native/setup'
import {
  Backend,
  convolve,
  createTrainer,
  dense,
  differentiate,
  meanCrossEntropy,
  optimizerOptions,
  type Params,
} from '@lgm/core'
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

  test('its fused Adam takes the memory of what is spent, unless another tensor shares it', () => {
    const [shape, rest] = [
      [2, 3],
      { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, correction1: 0.1, correction2: 0.001 },
    ]
    const inputs = () => ({
      parameter: tf.ones(shape),
      firstMoment: tf.fill(shape, 0.1),
      secondMoment: tf.fill(shape, 0.2),
      gradient: tf.fill(shape, -1),
    })
    const before = tf.memory().numTensors
    const [kept, spent] = [inputs(), inputs()]
    const shared = spent.firstMoment.clone()
    const expected = runAdam(kept, { ...rest, decay: 0.1 })
    const got = runAdam(spent, { ...rest, decay: 0.1, spent: [true, true, true] })
    expect(got.map(tensor => tensor.dataSync())).toEqual(expected.map(tensor => tensor.dataSync()))
    expect(shared.dataSync()).toEqual(kept.firstMoment.dataSync())
    expect(kept.parameter.dataSync()).toEqual(new Float32Array(6).fill(1))
    expect(() => spent.parameter.dataSync()).toThrow()
    tf.dispose([kept, spent, shared, expected, got])
    expect(tf.memory().numTensors).toBe(before)
  })

  test('training leaves the parameters that it was given as they were, and is the same whether updates are tracked or not', async () => {
    const params = { weight: tf.tensor1d([1, -1]) }
    const fit = {
      name: 'square',
      params,
      iterations: 5,
      optimizer: optimizerOptions.parse({ rate: 0.1 }),
      batch: () => ({}),
      loss: ({ weight }: Params) => ({ square: weight!.square().sum() as tf.Scalar }),
    }
    const steps: number[] = []
    const trainer = createTrainer({ emit: () => {} })
    const [plain, tracked] = [
      await trainer.fit(fit),
      await trainer.fit({ ...fit, track: ({ before }) => steps.push(before.weight!.dataSync()[0]!) }),
    ]
    expect(plain.weight!.dataSync()).toEqual(tracked.weight!.dataSync())
    expect([...params.weight.dataSync()]).toEqual([1, -1])
    expect(steps).toHaveLength(5)
    expect(steps[1]).toBeCloseTo(0.9, 5)
  })

  test.each(['linear', 'relu'] as const)('layers and their gradients are those of the plain engine: %s', activation => {
    const compare = (shapes: Record<string, number[]>, compute: (inputs: Params) => tf.Scalar) => {
      const [native, plain] = ['tensorflow', 'cpu'].map(name => {
        tf.setBackend(name)
        return tf.tidy(() => {
          const inputs: Params = Object.fromEntries(
            Object.entries(shapes).map(([key, shape], k) => [key, tf.tensor(numbers(shape, k), shape)]),
          )
          const { terms, gradients } = differentiate(inputs, () => ({ loss: compute(inputs) }))
          return { ...terms, ...Object.fromEntries(Object.entries(gradients).map(([key, g]) => [`d${key}`, g])) }
        })
      })
      for (const [key, tensor] of Object.entries(plain!)) {
        const [wanted, got] = [tensor.dataSync(), native![key]!.dataSync()]
        expect(got).toHaveLength(wanted.length)
        for (const [i, value] of wanted.entries()) expect(got[i], `${key}[${i}]`).toBeCloseTo(value, 4)
      }
      tf.dispose([native, plain])
    }
    const weighed = (y: tf.Tensor) => y.mul(tf.tensor(numbers(y.shape, 9), y.shape)).sum() as tf.Scalar
    try {
      const { numTensors } = tf.memory()
      compare({ x: [4, 3], kernel: [3, 5], bias: [5] }, ({ x, kernel, bias }) =>
        weighed(dense(x!, kernel!, bias!, activation)),
      )
      for (const stride of [1, 2])
        compare({ x: [2, 5, 6, 3], kernel: [3, 3, 3, 4], bias: [4] }, ({ x, kernel, bias }) =>
          weighed(convolve(x!, kernel!, bias!, stride, activation)),
        )
      compare({ logits: [4, 3] }, ({ logits }) => {
        const targets = tf.softmax(tf.tensor2d(numbers([4, 3], 5), [4, 3]))
        return meanCrossEntropy(logits as tf.Tensor2D, targets, 0.5)
      })
      expect(tf.memory().numTensors).toBe(numTensors)
    } finally {
      tf.setBackend('tensorflow')
    }
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

function runAdam(inputs: Record<string, tf.Tensor>, attributes: Record<string, number | boolean[]>): tf.Tensor[] {
  return tf.engine().runKernel('LgmAdam', inputs, attributes) as unknown as tf.Tensor[]
}

/** Reproducible numbers between −1 and 1. */
function numbers(shape: readonly number[], seed: number): Float32Array {
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(12.9898 * (i + 1) + seed))
}
