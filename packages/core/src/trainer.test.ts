import { expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import type { Events, Fit, LearnerEvent, Params, Update } from './contracts.js'
import { optimizerOptions } from './optimizers.js'
import { disposeParams } from './params.js'
import { createTrainer, differentiate } from './trainer.js'

const silent: Events = { emit: () => {} }
const square = (tensor: tf.Tensor) => tensor.square().sum() as tf.Scalar

/** Minimizes Σ a² from a = [1, 2] by SGD of rate 0.1, unless told otherwise. */
function fit(change: Partial<Fit> = {}): Fit {
  return {
    name: 'toy',
    params: change.params ?? { a: tf.tensor1d([1, 2]) },
    iterations: 3,
    optimizer: optimizerOptions.parse({ use: 'sgd', rate: 0.1 }),
    batch: () => ({}),
    loss: params => ({ square: square(params.a!) }),
    ...change,
  }
}

describe('the trainer', () => {
  test('takes as many steps as asked for', async () => {
    // a ← a − 0.1 · 2a = 0.8 a
    const { a } = await createTrainer(silent).fit(fit())
    expectClose(a!, [0.8 ** 3, 2 * 0.8 ** 3], 1e-6)
    expect(await createTrainer(silent).fit(fit({ iterations: 0, params: {} }))).toEqual({})
  })

  test('adds loss terms and penalties', async () => {
    // gradient 2a + 3 + 1
    const loss: Fit['loss'] = ({ a }) => ({ square: square(a!), linear: a!.mul(3).sum() as tf.Scalar })
    const penalties: Fit['penalties'] = { pull: ({ a }) => a!.sum() as tf.Scalar }
    const { a } = await createTrainer(silent).fit(fit({ iterations: 1, loss, penalties }))
    expectClose(a!, [1 - 0.1 * (2 + 4), 2 - 0.1 * (4 + 4)], 1e-6)
  })

  test('gives every step its batch, and disposes it', async () => {
    const batches: tf.Tensor[] = []
    const batch = async () => {
      batches.push(tf.tensor1d([batches.length, 0]))
      return { target: batches.at(-1)! }
    }
    const loss: Fit['loss'] = ({ a }, { target }) => ({ linear: a!.mul(target!).sum() as tf.Scalar })
    const { a } = await createTrainer(silent).fit(fit({ batch, loss }))
    expectClose(a!, [1 - 0.1 * (0 + 1 + 2), 2], 1e-6)
    expect(batches.map(tensor => tensor.isDisposed)).toEqual([true, true, true])
  })

  test('projects the whole gradient, and follows it', async () => {
    const project = (gradients: Params) => ({ a: gradients.a!.mul(tf.tensor1d([1, 0])) })
    const { a } = await createTrainer(silent).fit(
      fit({ iterations: 1, projections: { project }, penalties: { pull: params => params.a!.sum() as tf.Scalar } }),
    )
    expectClose(a!, [1 - 0.1 * 3, 2], 1e-6)
  })

  test('measures the shares of the gradient at the last step of 20, and at the last of all', async () => {
    const events: LearnerEvent[] = []
    await createTrainer({ emit: event => void events.push(event) }).fit(
      fit({
        iterations: 21,
        optimizer: optimizerOptions.parse({ use: 'sgd', rate: 1e-9 }),
        penalties: { pull: params => params.a!.sum() as tf.Scalar, idle: () => tf.scalar(0) },
        projections: { half: ({ a }) => ({ a: a!.mul(0.5) }) },
      }),
    )
    // ‖[1, 1]‖ / (‖[2, 4]‖ + ‖[1, 1]‖); half of the gradient: ½ / (½ + 1)
    const shares = {
      pull: expect.closeTo(Math.SQRT2 / (Math.sqrt(20) + Math.SQRT2)),
      idle: 0,
      half: expect.closeTo(1 / 3),
    }
    expect(events).toMatchObject([
      { step: 20, shares },
      { step: 21, shares },
    ])
  })

  test('shows trackers the path, with gradients of the loss without penalties', async () => {
    const path: number[][] = []
    const track = ({ before, gradients, after }: Update) =>
      void path.push([before, gradients, after].map(params => params.a!.dataSync()[0]!))
    await createTrainer(silent).fit(
      fit({ iterations: 2, track, penalties: { pull: params => params.a!.sum() as tf.Scalar } }),
    )
    // 1 → 1 − 0.1 (2 + 1) = 0.7 → 0.7 − 0.1 (1.4 + 1)
    expectClose(
      path,
      [
        [1, 2, 0.7],
        [0.7, 1.4, 0.46],
      ],
      1e-6,
    )
  })

  test('leaves a parameter that nothing depends on as it is', async () => {
    const still = tf.tensor1d([5])
    const params = { a: tf.tensor1d([1, 2]), still }
    expect((await createTrainer(silent).fit(fit({ params }))).still).toBe(still)
  })

  test.each(['sgd', 'adam', 'adamw'] as const)(
    'with %s leaves its argument alone and nothing but its result behind',
    async use => {
      const optimizer = optimizerOptions.parse({ use, momentum: 0.5 })
      const params = { a: tf.tensor1d([1, 2]), still: tf.tensor1d([5]) }
      const run = () =>
        createTrainer(silent).fit(
          fit({
            params,
            optimizer,
            iterations: 25,
            penalties: { pull: ({ a }) => square(a!) },
            projections: { same: gradients => ({ ...gradients }) },
          }),
        )
      disposeParams(await run(), params)
      const before = tf.memory().numTensors
      const result = await run()
      expect(tf.memory().numTensors).toBe(before + 1)
      expect(Array.from(params.a.dataSync())).toEqual([1, 2])
      disposeParams(result)
    },
  )

  test('tells the mean of each term over 20 steps, and of the rest at the end', async () => {
    const events: LearnerEvent[] = []
    const loss: Fit['loss'] = ({ a }, { value }) => ({
      steady: a!.sum().mul(0).add(2) as tf.Scalar,
      rising: value!.add(a!.sum().mul(0)) as tf.Scalar,
    })
    let count = 0
    await createTrainer({ emit: event => void events.push(event) }).fit(
      fit({ iterations: 45, loss, batch: () => ({ value: tf.scalar(count++) }) }),
    )
    const close = (steady: number, rising: number) => ({
      steady: expect.closeTo(steady),
      rising: expect.closeTo(rising),
    })
    expect(events).toEqual([
      { type: 'step', fit: 'toy', step: 20, of: 45, terms: close(2, 9.5), shares: {} },
      { type: 'step', fit: 'toy', step: 40, of: 45, terms: close(2, 29.5), shares: {} },
      { type: 'step', fit: 'toy', step: 45, of: 45, terms: close(2, 42), shares: {} },
    ])
  })
})

describe('a run that must stop', () => {
  test('at a loss that is not finite names fit, term and step, and leaves no tensor', async () => {
    let step = 0
    const params = { a: tf.tensor1d([1, 2]) }
    const loss: Fit['loss'] = ({ a }) => ({
      good: square(a!),
      bad: a!.sum().mul(++step === 8 ? Number.NaN : 0) as tf.Scalar,
    })
    const before = tf.memory().numTensors
    await expect(createTrainer(silent).fit(fit({ params, iterations: 30, loss }))).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringMatching(
        /^toy: expected finite losses, got NaN in the term "bad" at step 8 of 30; .*rate \(now 0.1\)/,
      ),
    })
    expect(tf.memory().numTensors).toBe(before)
    expect(params.a.isDisposed).toBe(false)
  })

  test('refuses parameters that its last step has spoilt, whose losses were finite, and leaves no tensor', async () => {
    const before = tf.memory().numTensors
    const params = { a: tf.tensor1d([0, 1]), b: tf.tensor1d([3e38]) }
    // √a falls with an endless slope at 0, where it is 0; b stays, large as it is
    const loss: Fit['loss'] = ({ a }) => ({ root: a!.sqrt().sum() as tf.Scalar })
    await expect(createTrainer(silent).fit(fit({ params, iterations: 1, loss }))).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringMatching(/^toy: expected finite parameters, got .* in "a" after step 1 of 1; .*rate/),
    })
    disposeParams(params)
    expect(tf.memory().numTensors).toBe(before)
  })

  test('at an error of a batch passes it on, and leaves no tensor', async () => {
    let count = 0
    const params = { a: tf.tensor1d([1, 2]) }
    const batch = () => {
      if (++count === 3) throw new Error('no more')
      return { x: tf.scalar(1) }
    }
    const before = tf.memory().numTensors
    await expect(
      createTrainer(silent).fit(fit({ params, batch, iterations: 5, optimizer: optimizerOptions.parse({}) })),
    ).rejects.toThrow('no more')
    expect(tf.memory().numTensors).toBe(before)
  })

  test('at its signal stops after the step', async () => {
    const controller = new AbortController()
    let steps = 0
    const batch = () => {
      if (++steps === 2) controller.abort()
      return {}
    }
    const before = tf.memory().numTensors
    const params = { a: tf.tensor1d([1, 2]) }
    await expect(
      createTrainer(silent, controller.signal).fit(fit({ params, batch, iterations: 1000 })),
    ).rejects.toMatchObject({ name: 'Interrupted' })
    expect(steps).toBe(2)
    disposeParams(params)
    expect(tf.memory().numTensors).toBe(before)
  })
})

test('gradients are those of the sum of the terms, with none for what they do not depend on', () => {
  const params = { a: tf.tensor1d([1, 2]), other: tf.scalar(3) }
  const { terms, gradients } = differentiate(params, () => ({
    square: square(params.a),
    linear: params.a.sum() as tf.Scalar,
  }))
  expect([terms.square!.dataSync()[0], terms.linear!.dataSync()[0]]).toEqual([5, 3])
  expect(Array.from(gradients.a!.dataSync())).toEqual([3, 5])
  expect(Object.keys(gradients)).toEqual(['a'])
})
