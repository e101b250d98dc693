import type { Params } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { expect } from 'vitest'

type Nested = number | readonly Nested[]

/** Expects every number of a tensor, an array or a scalar to lie within `tolerance` of `numbers`, and as many of them. */
export function expectClose(
  actual: tf.Tensor | Nested | ArrayLike<number>,
  numbers: Nested | ArrayLike<number>,
  tolerance = 1e-5,
): void {
  const got = flat(actual instanceof tf.Tensor ? actual.dataSync() : actual)
  const want = flat(numbers)
  expect(got.length, 'how many numbers').toBe(want.length)
  want.forEach((value, i) => {
    const distance = Math.abs(got[i]! - value)
    expect(
      distance <= tolerance,
      `number ${i} of ${want.length}: expected ${value} ± ${tolerance}, got ${got[i]}`,
    ).toBe(true)
  })
}

function flat(numbers: Nested | ArrayLike<number>): number[] {
  return typeof numbers === 'number' ? [numbers] : Array.from(numbers as ArrayLike<Nested>).flatMap(flat)
}

/** How many tensors the engine holds. */
export function countTensors(): number {
  return tf.memory().numTensors
}

/**
 * Runs something once to let the engine fill its caches, then again, and expects the second run to leave `growth` more tensors than
 * it found. What the run returns is not disposed: dispose it inside.
 */
export async function expectNoLeak(run: () => unknown, growth = 0): Promise<void> {
  await run()
  const before = tf.memory().numTensors
  await run()
  expect(tf.memory().numTensors - before, 'tensors left behind').toBe(growth)
}

/**
 * The gradient of a scalar function at `params` by central differences of fourth order,
 * f′ ≈ (−f(θ+2h) + 8f(θ+h) − 8f(θ−h) + f(θ−2h)) / 12h, one number at a time, rounded by float32 to about 1e-7·|f|/h.
 */
export function finiteDifferences(
  f: (params: Params) => tf.Scalar,
  params: Params,
  step = 2e-2,
): Record<string, number[]> {
  const gradients: Record<string, number[]> = {}
  for (const [name, tensor] of Object.entries(params)) {
    const at = (i: number, by: number) =>
      tf.tidy(() => {
        const values = tensor.dataSync().slice()
        values[i]! += by
        return f({ ...params, [name]: tf.tensor(values, tensor.shape) }).dataSync()[0]!
      })
    gradients[name] = Array.from(
      { length: tensor.size },
      (_, i) => (8 * (at(i, step) - at(i, -step)) - at(i, 2 * step) + at(i, -2 * step)) / (12 * step),
    )
  }
  return gradients
}
