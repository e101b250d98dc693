import { expectClose, tinyModel, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { inject } from '../container.js'
import { Options, type Params, Regularizer, type StepEvent, type TaskState } from '../contracts.js'
import { createLearner, type Learner } from '../learner.js'
import { quadraticPenalty } from '../ops/quadratic.js'
import { cloneParams, disposeParams, emptyState, flatten, mapParams, protectedParams } from '../params.js'
import { definePlugin, z } from '../point.js'
import { run } from '../run.js'
import { consolidate } from './consolidate.js'
import { learn } from './learn.js'

const options = z.strictObject({
  strength: z.number().default(1),
  protect: z.enum(['embedder', 'embedder+head']).default('embedder'),
})

/** Pulls back to the parameters at the end of the last task. */
class Pull implements Regularizer {
  readonly #options: z.output<typeof options>
  #anchors: Params | undefined
  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }
  penalty(params: Params): tf.Scalar {
    if (!this.#anchors) return tf.scalar(0)
    const ones = mapParams(this.#anchors, tensor => tf.onesLike(tensor))
    return quadraticPenalty(params, this.#anchors, ones, this.#options.strength)
  }
  consolidate({ model }: TaskState): void {
    this.dispose()
    this.#anchors = cloneParams(protectedParams(flatten(model), this.#options.protect))
  }
  measure() {
    return [{ name: 'regularizer/pull/anchors', value: 1, unit: 'count', aggregation: 'sum' }]
  }
  state() {
    return emptyState
  }
  restore() {}
  dispose(): void {
    disposeParams(this.#anchors ?? {})
    this.#anchors = undefined
  }
}
const pull = definePlugin({ point: Regularizer, name: 'pull', summary: 'a pull', options, class: Pull })

const scaleOptions = z.strictObject({ factor: z.number(), shift: z.number() })

/** g ← factor · g + shift. */
class Affine implements Regularizer {
  readonly #options: z.output<typeof scaleOptions>
  constructor(@inject(Options) given: z.output<typeof scaleOptions>) {
    this.#options = given
  }
  project(gradients: Params): Params {
    return mapParams(gradients, tensor => tensor.mul(this.#options.factor).add(this.#options.shift))
  }
  consolidate(): void {}
  state() {
    return emptyState
  }
  restore() {}
}
const affine = definePlugin({
  point: Regularizer,
  name: 'affine',
  summary: 'an affine map of the gradient',
  options: scaleOptions,
  class: Affine,
})

/** Trains a parameter of its own, pulls it to 1 and scales gradients; with `broken`, its penalty is not a number. */
const ownOptions = z.strictObject({ broken: z.boolean().default(false) })
class Own implements Regularizer {
  readonly #options: z.output<typeof ownOptions>
  constructor(@inject(Options) given: z.output<typeof ownOptions>) {
    this.#options = given
  }
  begin(state: TaskState): TaskState {
    const own = tf.keep(tf.zeros([2]))
    return {
      ...state,
      model: { ...state.model, embedder: { ...state.model.embedder, [`own/${state.task.index}`]: own } },
    }
  }
  penalty(params: Params): tf.Scalar {
    const own = Object.entries(params).filter(([name]) => name.startsWith('embedder/own/'))
    const sum = tf.addN(own.map(([, tensor]) => tensor.sub(1).square().sum())) as tf.Scalar
    return this.#options.broken ? sum.mul(Number.NaN) : sum
  }
  project(gradients: Params): Params {
    return mapParams(gradients, tensor => tensor.mul(0.5))
  }
  consolidate(): void {}
  state() {
    return emptyState
  }
  restore() {}
}
const own = definePlugin({
  point: Regularizer,
  name: 'own',
  summary: 'trains beside the model',
  options: ownOptions,
  class: Own,
})

const { plugins } = tinyModel()
const steps = (iterations: number, more: Parameters<typeof learn>[0] = {}) =>
  learn({ iterations, batchSize: 16, optimizer: { use: 'sgd', rate: 0.05 }, ...more })
const tasks = tinyTasks({ tasks: 3 })

async function taught(...parts: Parameters<typeof createLearner>[0]): Promise<Learner> {
  const learner = await createLearner([...plugins, ...parts])
  for (const task of tasks.slice(0, 2)) await learner.learn(task)
  return learner
}
const answers = async (learner: Learner) =>
  Array.from((await learner.predict(Float32Array.of(0.3, -0.7, 1, 0.2))).scores)

describe('regularizers in the learn phase', () => {
  test('have penalties that add, in whatever order they are listed', async () => {
    const [weak, strong] = [pull({ strength: 0.5 }), pull({ strength: 3, protect: 'embedder+head' })]
    const there = await answers(await taught(weak, strong, steps(30), consolidate()))
    expectClose(await answers(await taught(strong, weak, steps(30), consolidate())), there, 1e-5)
    const alone = await answers(await taught(weak, steps(30), consolidate()))
    expect(Math.max(...alone.map((value, i) => Math.abs(value - there[i]!)))).toBeGreaterThan(1e-3)
    const twice = await answers(await taught(weak, weak, steps(30), consolidate()))
    expectClose(await answers(await taught(pull({ strength: 1 }), steps(30), consolidate())), twice, 1e-5)
  })

  test('have projections that compose in the order listed', async () => {
    const [double, shift] = [affine({ factor: 2, shift: 0 }), affine({ factor: 1, shift: 0.1 })]
    // first doubled, then shifted: 2g + 0.1; the other way: 2(g + 0.1) = 2g + 0.2
    const there = await answers(await taught(double, shift, steps(10), consolidate()))
    expectClose(await answers(await taught(affine({ factor: 2, shift: 0.1 }), steps(10), consolidate())), there, 1e-5)
    const other = await answers(await taught(shift, double, steps(10), consolidate()))
    expectClose(await answers(await taught(affine({ factor: 2, shift: 0.2 }), steps(10), consolidate())), other, 1e-5)
    expect(Math.max(...other.map((value, i) => Math.abs(value - there[i]!)))).toBeGreaterThan(1e-3)
  })

  test('report size and share of the gradient, to observers and with the state, and what they measure themselves', async () => {
    const learner = await createLearner([...plugins, pull({ strength: 3 }), steps(60), consolidate()])
    const events: StepEvent[] = []
    const emit = learner.events.emit.bind(learner.events)
    learner.events.emit = event => {
      if (event.type === 'step') events.push(event)
      emit(event)
    }
    await learner.learn(tasks[0]!)
    expect(events.map(({ shares }) => shares['regularizer/pull'])).toEqual([0, 0, 0])
    const { state } = await learner.learn(tasks[1]!)
    const later = events.slice(3)
    const figure = (name: string) => state.measurements!.find(measurement => measurement.name === name)!.value as number
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    expectClose(
      [figure('regularizer/pull/penalty')],
      [mean(later.map(({ terms }) => terms['regularizer/pull']!))],
      1e-6,
    )
    expectClose(
      [figure('regularizer/pull/share')],
      [mean(later.map(({ shares }) => shares['regularizer/pull']!))],
      1e-6,
    )
    expect(figure('regularizer/pull/share')).toBeGreaterThan(0)
    expect(figure('regularizer/pull/share')).toBeLessThan(1)
    expect(figure('regularizer/pull/anchors')).toBe(1)
  })

  test('that hold nothing after the first task are refused, with reasons', async () => {
    await expect(taught(pull({ strength: 0 }), steps(150), consolidate())).rejects.toThrow(
      'regularizer "pull": expected a penalty above 0 after the first task, got 0 at each of 100 steps; raise its strength if that is 0, list the phase consolidate',
    )
    await expect(taught(pull(), steps(40, { embedder: 'freeze-after-first' }), consolidate())).rejects.toThrow(
      /got 0 at each of 40 steps; the embedder is frozen, so let it hold the head too/,
    )
  })

  test('train parameters that they added to the model, and report penalty and projection apart', async () => {
    const learner = await createLearner([...plugins, own(), steps(100), consolidate()])
    const { state } = await learner.learn(tasks[0]!)
    // halved gradients: a ← a − 0.05 · ½ · 2 (a − 1), so 1 − a shrinks by 0.95 a step
    expectClose(state.model.embedder['own/0']!, [1 - 0.95 ** 100, 1 - 0.95 ** 100], 1e-5)
    const names = state.measurements!.map(({ name }) => name)
    expect(names).toEqual(['penalty', 'share', 'projection-share'].map(name => `regularizer/own/${name}`))
    expectClose([state.measurements![2]!.value as number], [1 / 3], 1e-5)
    await learner.dispose()
  })

  test('leave no tensor behind when training fails', async () => {
    const before = tf.memory().numTensors
    const learner = await createLearner([...plugins, own({ broken: true }), steps(30), consolidate()])
    await expect(learner.learn(tasks[0]!)).rejects.toMatchObject({ code: 'not-finite' })
    await learner.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  test('stay out of a pass that is not regularized', async () => {
    const refit = steps(150, { embedder: 'freeze', regularize: false })
    const learner = await createLearner([...plugins, pull(), steps(30), refit, consolidate()])
    for (const task of tasks) await learner.learn(task)
    expect(learner.tasks).toBe(3)
  })

  test('have their figures in the report, before those of evaluators', async () => {
    const stream = (await import('../contracts.js')).Stream
    class Three {
      readonly scenario = 'class' as const
      async tasks() {
        return tasks
      }
    }
    const three = definePlugin({
      point: stream,
      name: 'three',
      summary: 'tasks',
      options: z.strictObject({}),
      class: Three,
    })
    const report = await run(await createLearner([...plugins, three(), pull(), steps(30), consolidate()]))
    expect(report.rows.map(row => row.map(({ name }) => name))).toEqual(
      Array.from({ length: 3 }, () => ['penalty', 'share', 'anchors'].map(name => `regularizer/pull/${name}`)),
    )
    expect(report.rows[0]![0]!.value).toBe(0)
    expect(report.rows[2]![0]!.value).toBeGreaterThan(0)
  })
})
