import { composeParts, expectClose, tinyState, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import {
  Decoder,
  Embedder,
  type Examples,
  Generator,
  Head,
  type Model,
  type Params,
  Phase,
  type TaskState,
} from '../contracts.js'
import { arrayExamples, range } from '../examples.js'
import { dense } from '../ops/dense.js'
import { emptyState } from '../params.js'
import { definePlugin, z } from '../point.js'
import { migrate } from './migrate.js'
import { recall } from './recall.js'

const none = z.strictObject({})
const line = (params: Params, x: tf.Tensor) => dense(x, params.kernel!, params.bias!)

/** u = xW + b, and back; a generator that returns codes it was given, in turn. */
class Line implements Embedder, Decoder, Head {
  codeShape() {
    return [2]
  }
  init() {
    return {}
  }
  grow() {
    return {}
  }
  embed(params: Params, x: tf.Tensor) {
    return line(params, x)
  }
  decode(params: Params, u: tf.Tensor) {
    return line(params, u)
  }
  classify(params: Params, u: tf.Tensor) {
    return line(params, u) as tf.Tensor2D
  }
}
class Fixed implements Generator {
  async memorize() {}
  sample(labels: Int32Array) {
    return tf.tensor2d(
      Array.from(labels, (label, i) => [label + 1, i]),
      [labels.length, 2],
    )
  }
  state() {
    return emptyState
  }
  restore() {}
}
const plugins = [
  definePlugin({ point: Embedder, name: 'line', summary: 'a line', options: none, class: Line })(),
  definePlugin({ point: Decoder, name: 'line', summary: 'a line', options: none, class: Line })(),
  definePlugin({ point: Head, name: 'line', summary: 'a line', options: none, class: Line })(),
  definePlugin({ point: Generator, name: 'fixed', summary: 'fixed codes', options: none, class: Fixed })(),
]
const scaled = (factor: number, shift: number): Params => ({
  kernel: tf.eye(2).mul(factor),
  bias: tf.tensor1d([shift, shift]),
})
const model = (embedder: Params): Model => ({ embedder, head: scaled(1, 0), decoder: scaled(0.5, 1) })
const values = async (examples: Examples | undefined) => Array.from(await examples!.read(range(0, examples!.count)))

/** E_{t−1}: 3x; E_t: 4x − 1; D_{t−1}: u/2 + 1. */
async function moved(mode?: 'displacement' | 'round-trip') {
  const parts = composeParts([...plugins, recall({ perClass: 2 }), ...(mode ? [migrate({ mode })] : [])])
  let state: TaskState = tinyState(tinyTasks(), 1, model(scaled(4, -1)), 'class', model(scaled(3, 0)))
  for (const phase of parts.all(Phase)) state = await phase.run(state)
  return state
}

describe('the phase recall, where there is a decoder', () => {
  test('decodes what it draws by the decoder of the last task', async () => {
    const { recall: codes, decodedRecall } = await moved()
    expect(codes!.count).toBe(4)
    expectClose(
      await values(decodedRecall),
      (await values(codes)).map(u => u / 2 + 1),
      1e-6,
    )
    expect(decodedRecall!.labels).toEqual(codes!.labels)
  })
})

describe('the phase recall of all classes seen', () => {
  test('has those of this task too, and decodes by the decoder as it is now', async () => {
    const parts = composeParts([...plugins, recall({ perClass: 2, classes: 'seen' })])
    for (const task of [0, 1]) {
      const previous = task > 0 ? model(scaled(3, 0)) : undefined
      const now = { ...model(scaled(4, -1)), decoder: scaled(2, 0) }
      const state = await parts.all(Phase)[0]!.run(tinyState(tinyTasks(), task, now, 'class', previous))
      // two classes a task
      expect(Array.from(state.recall!.labels).sort()).toEqual(task > 0 ? [0, 0, 1, 1, 2, 2, 3, 3] : [0, 0, 1, 1])
      expectClose(
        await values(state.decodedRecall),
        (await values(state.recall)).map(u => 2 * u),
        1e-6,
      )
    }
  })
})

describe('the phase migrate', () => {
  test('by round trip replaces u by E_t(D_{t−1}(u))', async () => {
    const before = await values((await moved()).recall)
    const state = await moved('round-trip')
    // 4 (u/2 + 1) − 1 = 2u + 3
    const after = before.map(u => 2 * u + 3)
    expectClose(await values(state.recall), after, 1e-5)
    const square = (numbers: number[]) => numbers.reduce((sum, value) => sum + value ** 2, 0)
    const share = square(after.map((value, i) => value - before[i]!)) / square(before)
    expect(state.measurements![0]).toMatchObject({ name: 'phase/migrate/displacement', unit: 'fraction' })
    expectClose([state.measurements![0]!.value as number], [share], 1e-5)
  })

  test('by displacement adds how far the decoding of u has moved', async () => {
    const before = await values((await moved()).recall)
    const state = await moved('displacement')
    // u + 4x̂ − 1 − 3x̂ = u + x̂ − 1 = 1.5 u
    expectClose(
      await values(state.recall),
      before.map(u => 1.5 * u),
      1e-5,
    )
    expectClose(
      await values(state.decodedRecall),
      before.map(u => u / 2 + 1),
      1e-6,
    )
    expect(state.recall!.labels).toEqual((await moved()).recall!.labels)
  })

  test('leaves codes as they are where the embedder is', async () => {
    const parts = composeParts([...plugins, recall({ perClass: 2 }), migrate()])
    const same = model(scaled(3, 0))
    let state: TaskState = tinyState(tinyTasks(), 1, same, 'class', same)
    for (const phase of parts.all(Phase)) state = await phase.run(state)
    expectClose(await values(state.recall), await values((await moved()).recall), 1e-6)
    expect(state.measurements![0]!.value).toBeLessThan(1e-12)
  })

  test('has nothing to do in the first task', async () => {
    const parts = composeParts([...plugins, migrate()])
    const state = tinyState(tinyTasks(), 0, model(scaled(4, -1)))
    expect(await parts.all(Phase)[0]!.run(state)).toBe(state)
    const empty = { ...state, recall: arrayExamples(new Float32Array(0), [2], new Int32Array(0)) }
    expect(await parts.all(Phase)[0]!.run(empty)).toBe(empty)
  })
})
