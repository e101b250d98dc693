import {
  Backend,
  convolve,
  createRng,
  crossEntropy,
  differentiate,
  type EngineFacts,
  flatten,
  oneHot,
  type Plugin,
  subset,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { build } from './build.js'
import { expectClose, finiteDifferences } from './expectations.js'
import { golden } from './golden.js'
import { tinyModel, toGoldenOrder } from './tiny-model.js'

/** What `checkBackend` is told about a plugin. */
export interface BackendDescription {
  readonly plugin: () => Plugin
  /** Whether the engine can be had on this machine; where not, the checks are skipped and say so. True unless told. */
  readonly available?: boolean
}

/**
 * What every tensor engine must do: start, and start again; say its name, version and threads; multiply matrices and differentiate
 * dense and convolutional layers rightly; leave no tensor behind. The engine stays the one in use for the rest of the test file.
 *
 * @example
 * checkBackend({ plugin: () => wasm() })
 */
export function checkBackend({ plugin, available = true }: BackendDescription): void {
  describe.skipIf(!available)(`backend "${plugin().definition.name}" conforms`, () => {
    let facts: EngineFacts
    beforeAll(async () => {
      facts = await build(Backend, plugin()).start()
    })

    test('says its name, version and threads', () => {
      expect(facts.name).not.toBe('')
      expect(facts.version).toMatch(/\d/)
      expect(facts.threads).toBeGreaterThanOrEqual(1)
      expect(Number.isInteger(facts.threads)).toBe(true)
    })

    test('is the engine in use, and stays it when started again', async () => {
      const inUse = tf.getBackend()
      expect(inUse).toBeTruthy()
      expect((await build(Backend, plugin()).start()).name).toBe(facts.name)
      expect(tf.getBackend()).toBe(inUse)
    })

    test('multiplies matrices, also transposed ones', () => {
      const rng = createRng(1)
      const [rows, inner, columns] = [17, 33, 9]
      const a = rng.normal(rows * inner)
      const b = rng.normal(inner * columns)
      const product = Float64Array.from({ length: rows * columns }, (_, at) => {
        const [row, column] = [Math.floor(at / columns), at % columns]
        return a
          .subarray(row * inner, (row + 1) * inner)
          .reduce((sum, value, k) => sum + value * b[k * columns + column]!, 0)
      })
      const left = tf.tensor2d(a, [rows, inner])
      const right = tf.tensor2d(b, [inner, columns])
      expectClose(tf.matMul(left, right), product, 1e-4)
      expectClose(
        tf.matMul(left.transpose() as tf.Tensor2D, right.transpose() as tf.Tensor2D, true, true),
        product,
        1e-4,
      )
    })

    test('gives the golden loss and gradient of a dense network', () => {
      const { embedder, head, model } = tinyModel({ weights: 'golden' })
      const params = flatten(model)
      const { terms, gradients } = differentiate(params, () => {
        const u = embedder.embed(subset(params, 'embedder'), tf.tensor2d(golden.fixture.x))
        const targets = oneHot(Int32Array.from(golden.fixture.y), 2)
        return { loss: crossEntropy(head.classify(subset(params, 'head'), u), targets).mean() as tf.Scalar }
      })
      expectClose(terms.loss!, golden.fixture.meanCrossEntropy)
      expectClose(toGoldenOrder(gradients), golden.fixture.meanGradient)
    })

    test.each([1, 2])('differentiates a convolution with stride %i', stride => {
      const rng = createRng(2)
      const x = tf.tensor4d(rng.normal(2 * 5 * 5 * 2), [2, 5, 5, 2])
      const params = {
        kernel: tf.tensor4d(rng.normal(3 * 3 * 2 * 3), [3, 3, 2, 3]).div(3),
        bias: tf.tensor1d(rng.normal(3)),
      }
      const loss = (at: Readonly<Record<string, tf.Tensor>>) =>
        convolve(x, at.kernel!, at.bias!, stride).square().mean() as tf.Scalar
      const { gradients } = differentiate(params, () => ({ loss: loss(params) }))
      const differences = finiteDifferences(loss, params, 0.1)
      for (const name in params) expectClose(gradients[name]!, differences[name]!, 1e-3)
    })

    test('leaves no tensor behind', () => {
      const params = { kernel: tf.randomNormal([4, 3]), bias: tf.zeros([3]) }
      const x = tf.randomNormal([5, 4]) as tf.Tensor2D
      const step = () =>
        tf.tidy(() => {
          const { terms } = differentiate(params, () => ({
            loss: tf
              .matMul(x, params.kernel as tf.Tensor2D)
              .add(params.bias)
              .square()
              .mean() as tf.Scalar,
          }))
          tf.dispose(terms)
        })
      step()
      const before = tf.memory().numTensors
      step()
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}
