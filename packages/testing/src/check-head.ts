import { createRng, disposeParams, Head, type Params, type Plugin } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { build, type Surroundings } from './build.js'
import { expectExampleGradients, expectGradients } from './check-gradients.js'
import {
  expectPure,
  expectRefusal,
  expectRowsIndependent,
  expectSeeded,
  numbersOf,
  randomRows,
} from './check-network.js'
import { expectClose } from './expectations.js'

/** What `checkHead` is told about a plugin. */
export interface HeadDescription extends Pick<Surroundings, 'beside'> {
  /** A new plugin with its options, small enough for finite differences. */
  readonly plugin: () => Plugin
  /** Shapes of one code; [5] and the feature map [3, 2, 2]. */
  readonly codes?: readonly (readonly number[])[]
  /** Whether gradients in `perExample` are exact; true. Those that are not built with `dense` and `convolve` say false. */
  readonly perExample?: boolean
}

/**
 * Registers the tests that every head must pass, on three small random codes: logits `[n, classes]`, for one code and one class too;
 * growth that leaves old logits as they are, again and again; parameters that depend on the given Rng's seed only; purity; no tensor
 * left behind; rows that do not depend on each other; gradients by every parameter and by u; exact per-example gradients.
 *
 * @example
 * checkHead({ plugin: () => linear() })
 */
export function checkHead({ plugin, codes = [[5], [3, 2, 2]], perExample = true, beside = [] }: HeadDescription): void {
  describe.each(codes.map(code => ({ code })))(
    `head "${plugin().definition.name}" conforms, for codes of shape $code:`,
    ({ code }) => {
      let head: Head
      let params: Params
      let u: tf.Tensor
      const classify = (values: Params, rows: tf.Tensor) => head.classify(values, rows)
      const logitsOf = (values: Params) => tf.tidy(() => head.classify(values, u).arraySync())

      beforeAll(async () => {
        await tf.ready()
        u = randomRows(3, code, 'normal')
        head = build(Head, plugin(), { beside })
        params = head.init(code, 4, createRng(3))
      })

      test('logits are [n, classes], for one code and one class too', () => {
        for (const classes of [4, 1])
          for (const count of [3, 1]) {
            const logits = head.classify(head.init(code, classes, createRng(0)), u.slice(0, count))
            expect(logits.shape).toEqual([count, classes])
            expect(logits.dataSync().every(Number.isFinite), 'finite logits').toBe(true)
          }
      })

      test('growing leaves old logits as they are, from one class and twice', () => {
        const one = head.init(code, 1, createRng(1))
        const three = head.grow(one, 3, createRng(2))
        const six = head.grow(three, 6, createRng(3))
        const [first, second, third] = [logitsOf(one), logitsOf(three), logitsOf(six)]
        expect(third[0]!.length).toBe(6)
        first.forEach((row, i) => {
          expectClose(second[i]!.slice(0, 1), row, 1e-6)
          expectClose(third[i]!.slice(0, 3), second[i]!, 1e-6)
        })
      })

      test('new outputs are drawn from the Rng, and differ from each other', () => {
        expectSeeded(seed => added(params, head.grow(params, 6, createRng(seed))))
        const [row] = logitsOf(head.grow(params, 6, createRng(1)))
        expect(row![4]).not.toBe(row![5])
      })

      test('growing leaves the old parameters alone; the new ones outlive them', () => {
        const old = head.init(code, 2, createRng(1))
        const before = numbersOf(old)
        const count = tf.memory().numTensors
        const grown = head.grow(old, 4, createRng(2))
        const fresh = Object.keys(added(old, grown)).length
        expect(tf.memory().numTensors - count, 'tensors that are neither old nor new').toBe(fresh)
        expect(numbersOf(old)).toEqual(before)
        const logits = logitsOf(grown)
        disposeParams(old, grown)
        expect(logitsOf(grown)).toEqual(logits)
        disposeParams(grown)
      })

      test('growing to the number of classes that it has changes nothing', () => {
        expect(logitsOf(head.grow(params, 4, createRng(1)))).toEqual(logitsOf(params))
      })

      test('refuses to grow smaller', () => expectRefusal(() => head.grow(params, 3, createRng(0))))

      test('parameters depend on the given Rng only', () => {
        let other = 0
        expectSeeded(seed => build(Head, plugin(), { beside, seed: other++ }).init(code, 4, createRng(seed)))
      })

      test('init leaves behind its parameters and nothing else', () => {
        const before = tf.memory().numTensors
        const fresh = head.init(code, 4, createRng(1))
        expect(tf.memory().numTensors - before).toBe(Object.keys(fresh).length)
        disposeParams(fresh)
      })

      test('classify is pure and leaves nothing behind', () => expectPure(classify, params, u))

      test('the logits of a code do not depend on the others in its batch', () =>
        expectRowsIndependent(classify, params, u))

      test('gradients by the parameters and by u are those of finite differences', () =>
        expectGradients(({ u, ...values }) => head.classify(values, u!), { ...params, u }))

      test.runIf(perExample)('per-example gradients are exact', () => expectExampleGradients(classify, params, u))
    },
  )
}

/** The parameters of `grown` that are not also those of `old`. */
function added(old: Params, grown: Params): Params {
  return Object.fromEntries(Object.entries(grown).filter(([, tensor]) => !Object.values(old).includes(tensor)))
}
