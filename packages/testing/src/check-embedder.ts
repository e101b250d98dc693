import { createRng, disposeParams, Embedder, type Params, type Plugin } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { build, type Surroundings } from './build.js'
import { expectExampleGradients, expectGradients } from './check-gradients.js'
import { expectPure, expectRefusal, expectRowsIndependent, expectSeeded, randomRows } from './check-network.js'

/** What `checkEmbedder` is told about a plugin. */
export interface EmbedderDescription extends Pick<Surroundings, 'beside'> {
  /** A new plugin with its options, small enough for finite differences. */
  readonly plugin: () => Plugin
  /** Shape of one example; [5, 4, 2]. */
  readonly example?: readonly number[]
  /** Example shapes that it must refuse; none. */
  readonly refuses?: readonly (readonly number[])[]
  /** Whether gradients in `perExample` are exact; true. Those that are not built with `dense` and `convolve` say false. */
  readonly perExample?: boolean
}

/**
 * Registers the tests that every embedder must pass, on three small random examples: codes of the promised shape, for one example
 * too; parameters that depend on the given Rng's seed only; purity; no tensor left behind; rows that do not depend on each other;
 * gradients by every parameter and by x; exact per-example gradients; one clear error for an example shape that it cannot take.
 *
 * @example
 * checkEmbedder({ plugin: () => mlp({ widths: [5], codes: 3 }) })
 */
export function checkEmbedder({
  plugin,
  example = [5, 4, 2],
  refuses = [],
  perExample = true,
  beside = [],
}: EmbedderDescription): void {
  describe(`embedder "${plugin().definition.name}" conforms:`, () => {
    let embedder: Embedder
    let params: Params
    let x: tf.Tensor
    const embed = (values: Params, rows: tf.Tensor) => embedder.embed(values, rows)

    beforeAll(async () => {
      await tf.ready()
      x = randomRows(3, example)
      embedder = build(Embedder, plugin(), { beside })
      params = embedder.init(example, createRng(3))
    })

    test('codes have the promised shape, for one example too', () => {
      for (const count of [3, 1]) {
        const u = embedder.embed(params, x.slice(0, count))
        expect(u.shape).toEqual([count, ...embedder.codeShape(example)])
        expect(u.dtype).toBe('float32')
        expect(u.dataSync().every(Number.isFinite), 'finite codes').toBe(true)
      }
    })

    test('parameters depend on the given Rng only', () => {
      let other = 0
      expectSeeded(seed => build(Embedder, plugin(), { beside, seed: other++ }).init(example, createRng(seed)))
      expectSeeded(seed => embedder.init(example, createRng(seed)))
    })

    test('init leaves behind its parameters and nothing else', () => {
      const before = tf.memory().numTensors
      const fresh = embedder.init(example, createRng(1))
      expect(tf.memory().numTensors - before).toBe(Object.keys(fresh).length)
      disposeParams(fresh)
    })

    test('embed is pure and leaves nothing behind', () => expectPure(embed, params, x))

    test('the code of an example does not depend on the others in its batch', () =>
      expectRowsIndependent(embed, params, x))

    test('gradients by the parameters and by x are those of finite differences', () =>
      expectGradients(({ x, ...values }) => embedder.embed(values, x!), { ...params, x }))

    test.runIf(perExample)('per-example gradients are exact', () => expectExampleGradients(embed, params, x))

    for (const shape of refuses)
      test(`refuses examples of shape [${shape.join(', ')}]`, () => {
        expectRefusal(() => embedder.codeShape(shape))
        expectRefusal(() => embedder.init(shape, createRng(0)))
      })
  })
}
