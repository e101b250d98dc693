import { createRng, LgmError, type Params, sizeOf } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { expect } from 'vitest'
import { expectClose } from './expectations.js'

/** `[count, ...shape]` of uniform numbers in [0, 1), or standard normal ones. */
export function randomRows(
  count: number,
  shape: readonly number[],
  draw: 'uniform' | 'normal' = 'uniform',
  seed = 0,
): tf.Tensor {
  return tf.tensor(createRng(seed, '/rows')[draw](count * sizeOf(shape)), [count, ...shape])
}

/** The numbers of each tensor, by name. */
export function numbersOf(params: Params): Record<string, number[]> {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]))
}

/**
 * Expects `init` to be a function of the Rng's seed: the same numbers again for the same seed and, if there are any, others for
 * another seed. The parameters are disposed.
 */
export function expectSeeded(init: (seed: number) => Params): void {
  const [first, again, other] = [init(1), init(1), init(2)]
  expect(numbersOf(again), 'the same seed').toEqual(numbersOf(first))
  if (Object.keys(first).length > 0) expect(numbersOf(other), 'another seed').not.toEqual(numbersOf(first))
  tf.dispose([first, again, other])
}

/**
 * Expects `apply` to be pure: the same bits twice, parameters and input untouched, nothing left behind but what is returned, and an
 * output of its own, which the caller may dispose without harm to the input.
 */
export function expectPure(apply: (params: Params, x: tf.Tensor) => tf.Tensor, params: Params, x: tf.Tensor): void {
  const before = numbersOf({ ...params, x })
  const run = () => {
    const y = apply(params, x)
    const numbers = Array.from(y.dataSync())
    y.dispose()
    return numbers
  }
  const first = run()
  const count = tf.memory().numTensors
  expect(run(), 'the second output').toEqual(first)
  expect(tf.memory().numTensors - count, 'tensors left behind').toBe(0)
  expect(numbersOf({ ...params, x }), 'parameters and input after the calls').toEqual(before)
}

/** Expects row i of a batch to be what example i alone gives, to 1e-5. */
export function expectRowsIndependent(
  apply: (params: Params, x: tf.Tensor) => tf.Tensor,
  params: Params,
  x: tf.Tensor,
): void {
  tf.tidy(() => {
    const together = apply(params, x)
    for (let i = 0; i < x.shape[0]!; i++)
      expectClose(together.slice(i, 1), apply(params, x.slice(i, 1)).dataSync(), 1e-5)
  })
}

/** Expects an LgmError in the form `<where>: expected <what>, got <what>; <remedy>`. */
export function expectRefusal(attempt: () => unknown): void {
  let thrown: unknown
  try {
    attempt()
  } catch (error) {
    thrown = error
  }
  expect(thrown, 'what was thrown').toBeInstanceOf(LgmError)
  expect((thrown as LgmError).message).toMatch(/^[^:]+: expected .+, got .+; .+/)
}
