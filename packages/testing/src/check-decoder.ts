import {
  createRng,
  Decoder,
  decode,
  disposeParams,
  Embedder,
  type Examples,
  type Model,
  mapExamples,
  type Params,
  Phase,
  type Plugin,
  range,
  type TaskState,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { build, composeParts, type Surroundings } from './build.js'
import { expectGradients } from './check-gradients.js'
import { expectPure, expectRefusal, expectRowsIndependent, expectSeeded, randomRows } from './check-network.js'
import { tinyEmbedder } from './tiny-model.js'
import { tinyState, tinyTasks } from './tiny-tasks.js'

/** What `checkDecoder` is told about a plugin. */
export interface DecoderDescription extends Pick<Surroundings, 'beside'> {
  /** A new plugin with its options, small enough for finite differences. */
  readonly plugin: () => Plugin
  /** Shape of one code; [6]. */
  readonly code?: readonly number[]
  /** Shape of one example; [5, 4, 2]. */
  readonly example?: readonly number[]
  /** Shapes of code and example that it must refuse; none. */
  readonly refuses?: readonly { readonly code: readonly number[]; readonly example: readonly number[] }[]
}

/**
 * Registers the tests that every decoder must pass, on three small random codes: examples of the asked shape, for one code too;
 * parameters that depend on the given Rng's seed only; purity; no tensor left behind; rows that do not depend on each other;
 * gradients by every parameter and by u; one clear error for shapes that it cannot take. If it learns, it is taken through two tasks by
 * the phase decode, where distillation on recall must hold what it makes of old codes.
 *
 * @example
 * checkDecoder({ plugin: () => mlp({ widths: [5] }) })
 */
export function checkDecoder({
  plugin,
  code = [6],
  example = [5, 4, 2],
  refuses = [],
  beside = [],
}: DecoderDescription): void {
  describe(`decoder "${plugin().definition.name}" conforms:`, () => {
    let decoder: Decoder
    let params: Params
    let u: tf.Tensor
    const apply = (values: Params, rows: tf.Tensor) => decoder.decode(values, rows)

    beforeAll(async () => {
      await tf.ready()
      u = randomRows(3, code, 'normal')
      decoder = build(Decoder, plugin(), { beside })
      params = decoder.init(code, example, createRng(3))
    })

    test('examples have the asked shape, for one code too', () => {
      for (const count of [3, 1]) {
        const x = decoder.decode(params, u.slice(0, count))
        expect(x.shape).toEqual([count, ...example])
        expect(x.dtype).toBe('float32')
        expect(x.dataSync().every(Number.isFinite), 'finite examples').toBe(true)
      }
    })

    test('parameters depend on the given Rng only', () => {
      let other = 0
      expectSeeded(seed => build(Decoder, plugin(), { beside, seed: other++ }).init(code, example, createRng(seed)))
      expectSeeded(seed => decoder.init(code, example, createRng(seed)))
    })

    test('init leaves behind its parameters and nothing else', () => {
      const before = tf.memory().numTensors
      const fresh = decoder.init(code, example, createRng(1))
      expect(tf.memory().numTensors - before).toBe(Object.keys(fresh).length)
      disposeParams(fresh)
    })

    test('decode is pure and leaves nothing behind', () => expectPure(apply, params, u))

    test('the example of a code does not depend on the others in its batch', () =>
      expectRowsIndependent(apply, params, u))

    test('gradients by the parameters and by u are those of finite differences', () =>
      expectGradients(({ u, ...values }) => decoder.decode(values, u!), { ...params, u }))

    test('trained with recall, goes on making of old codes what it made of them, better than without', async () => {
      if (Object.keys(params).length === 0) return
      const fit = { iterations: 40, batchSize: 16, replaySize: 16, optimizer: { use: 'adam', rate: 0.02 } } as const
      const parts = composeParts([...beside, tinyEmbedder({ width: 6 }), plugin(), decode(fit)])
      const [embedder, phase] = [parts.one(Embedder)!, parts.one(Phase)!]
      const tasks = tinyTasks({ tasks: 2, shape: example })
      const model = {
        embedder: embedder.init(example, createRng(1)),
        head: {},
        decoder: decoder.init([6], example, createRng(2)),
      }
      const codes = (examples: Examples) => mapExamples(examples, x => embedder.embed(model.embedder, x))
      const images = async (examples: Examples, { decoder: values }: Model) =>
        mapExamples(await codes(examples), rows => decoder.decode(values, rows))
      const { model: learned } = await phase.run(tinyState(tasks, 0, model))
      const next = tinyState(tasks, 1, learned, 'class', learned)
      const { train, test: unseen } = tasks[0]!
      const moved = async (state: TaskState) => {
        const { model: after } = await phase.run(state)
        const all = range(0, unseen.count)
        const [was, is] = [await images(unseen, learned), await images(unseen, after)]
        const [before, now] = [await was.read(all), await is.read(all)]
        return before.reduce((sum, value, i) => sum + (value - now[i]!) ** 2, 0)
      }
      const recall = { recall: await codes(train), decodedRecall: await images(train, learned) }
      expect(await moved({ ...next, ...recall })).toBeLessThan((await moved(next)) / 2)
    })

    for (const shapes of refuses)
      test(`refuses codes of shape [${shapes.code.join(', ')}] for examples of shape [${shapes.example.join(', ')}]`, () =>
        expectRefusal(() => decoder.init(shapes.code, shapes.example, createRng(0))))
  })
}
