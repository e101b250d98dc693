import { createRng, differentiate, mapParams, type Params, perExample, type Rng } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { expect } from 'vitest'

/** A layer or network as a pure function of named tensors. */
export type Network = (inputs: Params) => tf.Tensor

const checkedOfEach = 60
const steps = [2e-2, 2e-3, 2e-4]
const tolerance = 5e-3
/** Biases begin at zero, where a ReLU that is given nothing has its kink: inputs are moved by normal deviates of this size first. */
const nudge = 0.05

/**
 * Expects the gradients of Σ w∘f, w standard normal, by every tensor close to `at` to be those of central differences,
 * |gradient − (f(θ + h) − f(θ − h)) / 2h| ≤ 0.005 · max(1, |gradient|) for h = 0.02 or, where f has a kink or bends much, 0.002 or 0.0002.
 * Of tensors with more than 60 numbers, 60 drawn at random are checked. The sum over outputs is taken in 64 bits, so that float32 adds
 * about 1e-7 · |f| / h.
 */
export function expectGradients(network: Network, at: Params, rng: Rng = createRng(0)): void {
  const inputs = mapParams(at, tensor =>
    tf.tidy(() => tensor.add(tf.tensor(rng.normal(tensor.size), tensor.shape).mul(nudge))),
  )
  const shape = tf.tidy(() => network(inputs).shape)
  const weights = tf.tensor(rng.normal(tf.util.sizeFromShape(shape)), shape)
  const gradients = weightedGradients(network, inputs, weights)
  const factors = weights.dataSync()
  for (const [name, tensor] of Object.entries(inputs)) {
    expect(gradients[name], `the gradient by ${name}`).toBeDefined()
    const got = gradients[name]!.dataSync()
    const values = tensor.dataSync()
    const moved = (i: number, by: number) =>
      tf.tidy(() => {
        const changed = values.slice()
        changed[i]! += by
        const outputs = Array.from(network({ ...inputs, [name]: tf.tensor(changed, tensor.shape) }).dataSync())
        return outputs.reduce((sum, output, k) => sum + output * factors[k]!, 0)
      })
    for (const i of rng.permutation(tensor.size).subarray(0, checkedOfEach)) {
      const differences: number[] = []
      const agrees = steps.some(h => {
        const difference = (moved(i, h) - moved(i, -h)) / (2 * h)
        differences.push(difference)
        return Math.abs(got[i]! - difference) <= tolerance * Math.max(1, Math.abs(got[i]!))
      })
      expect(
        agrees,
        `gradient by number ${i} of ${name}: expected ${differences.join(' or ')} by central differences, got ${got[i]}`,
      ).toBe(true)
    }
  }
  tf.dispose([weights, gradients, inputs])
}

/**
 * Expects, inside `perExample(p)`, the gradient by every parameter to be Σₙ |∂Lₙ/∂θ|ᵖ over the examples n of `x`, Lₙ = Σ wₙ∘fₙ, as a
 * loop over single examples gives it, to 1e-4 of its largest number; p = 1 and 2.
 */
export function expectExampleGradients(
  apply: (params: Params, x: tf.Tensor) => tf.Tensor,
  params: Params,
  x: tf.Tensor,
  rng: Rng = createRng(0),
): void {
  tf.tidy(() => {
    const shape = apply(params, x).shape
    const weights = tf.tensor(rng.normal(tf.util.sizeFromShape(shape)), shape)
    const singles = Array.from({ length: x.shape[0]! }, (_, n) =>
      weightedGradients(values => apply(values, x.slice(n, 1)), params, weights.slice(n, 1)),
    )
    for (const power of [1, 2] as const) {
      const got = perExample(power, () => weightedGradients(values => apply(values, x), params, weights))
      for (const name of Object.keys(params)) {
        const sum = tf.addN(singles.map(single => single[name]!.abs().pow(power)))
        const error = got[name]!.sub(sum).abs().max().dataSync()[0]!
        const largest = sum.max().dataSync()[0]!
        expect(
          error <= 1e-4 * largest,
          `gradient by ${name} in perExample(${power}): expected the sum over single examples, at most ${largest}, got one that is off by ${error}; build layers with dense and convolve of @lgm/core`,
        ).toBe(true)
      }
    }
  })
}

/** Gradients of Σ weights∘network by `inputs`, which belong to the caller. */
function weightedGradients(network: Network, inputs: Params, weights: tf.Tensor): Params {
  return tf.tidy(
    () => differentiate(inputs, () => ({ sum: network(inputs).mul(weights).sum() as tf.Scalar })).gradients,
  )
}
