import {
  type Batch,
  type Composition,
  createRng,
  differentiate,
  disposeParams,
  flatten,
  Head,
  Journal,
  learn,
  type Model,
  nameOf,
  type Params,
  Phase,
  type Plugin,
  Regularizer,
  range,
  readRecord,
  type Scenario,
  type State,
  type Task,
  type TaskRecord,
  type TaskState,
  upload,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { composeParts } from './build.js'
import { expectClose, finiteDifferences } from './expectations.js'
import { type TinyModelOptions, tinyModel } from './tiny-model.js'
import { tinyState, tinyTasks } from './tiny-tasks.js'

/** What `checkRegularizer` is told about a plugin. */
export interface RegularizerDescription {
  /** A new plugin with its options, the same ones each time. */
  readonly plugin: () => Plugin
  /** What may stand beside it, beyond the tiny model and the learn phase. */
  readonly beside?: readonly Plugin[]
  /** Whether the penalty is zero at the parameters of the first consolidation, as that of every anchor is. True unless told. */
  readonly anchored?: boolean
  /** Whether the tensors it keeps are as many after five tasks as after one. True unless told. */
  readonly constant?: boolean
  /**
   * For a penalty that there is only within a later task, such as distillation from the model before it: what the state of such a
   * task needs beyond its data and that model, such as recall. The penalty is then looked at after `begin` on a further task.
   */
  readonly within?: (state: TaskState) => TaskState
  /** Class-incremental unless told. */
  readonly scenario?: Scenario
  /** What the tiny model is made with, for regularizers that are not for any network. */
  readonly model?: Pick<TinyModelOptions, 'activation'>
  /** Whether the penalty is there in the first task already, as a cost of the network used is. False unless told. */
  readonly immediate?: boolean
}

/**
 * What every regularizer must do. Its penalty is finite, at least 0, zero at the anchor, and differentiated rightly; it holds nothing
 * before the first task is finished, and only the anchored part of what has grown. Consolidation leaves the model and the Rng of
 * others as they are, works for one class and for one example, and does not depend on other regularizers. State goes through JSON
 * and back, and the restored regularizer goes on as if it had never stopped. A projection changes a gradient or its opposite in a
 * later task, and no argument; so does a view, which has finite parameters of E and C; what is measured has finite figures of its own
 * name. No tensor leaks. `protect: embedder` leaves the head alone, where there is such an option.
 *
 * @example
 * checkRegularizer({ plugin: () => ewc({ strength: 10 }) })
 */
export function checkRegularizer({
  plugin,
  beside = [],
  anchored = true,
  constant = true,
  within,
  scenario = 'class',
  model: made = {},
  immediate = false,
}: RegularizerDescription): void {
  const start = (tested = plugin(), others: readonly Plugin[] = []) =>
    bench(
      composeParts([...tiny().plugins, ...beside, ...others, tested, learn({ iterations: 3, batchSize: 8 })]),
      at,
      tiny,
    )
  const tiny = (classes = 2) => tinyModel({ ...made, classes })
  const at: StateAt = (tasks, index, model, previous) => {
    const state = tinyState(tasks, index, model, scenario, previous)
    return previous && within ? within(state) : state
  }
  const first = () => ({ state: at(tinyTasks({ scenario }), 0, tiny().model) })
  const begin = async (regularizer: Regularizer, state: TaskState) => (await regularizer.begin?.(state)) ?? state
  /** Begins the last of the tasks, after those that led to `model`, where there is no penalty otherwise. */
  const enter = async (regularizer: Regularizer, model: Model, tasks = tinyTasks({ scenario })) => {
    if (within) await regularizer.begin?.(at(tasks, tasks.length - 1, model, model))
  }
  const { definition, options } = plugin()

  describe(`regularizer "${definition.name}" conforms`, () => {
    test('holds nothing before the first task is finished', async () => {
      const { regularizer, batch } = start()
      const state = await begin(regularizer, first().state)
      if (!regularizer.penalty) return
      const penalty = value(regularizer.penalty(flatten(state.model), await batch(state.task)))
      if (immediate) expect(penalty > 0 && Number.isFinite(penalty), `${penalty} above 0`).toBe(true)
      else expect(penalty).toBe(0)
    })

    test('has a finite penalty of at least 0, and of 0 at the anchor', async () => {
      const { regularizer, batch, finish } = start()
      const { state } = await finish(first().state)
      if (!regularizer.penalty) return
      await enter(regularizer, state.model)
      const data = await batch(state.task)
      const there = value(regularizer.penalty(flatten(state.model), data))
      expect(there >= 0 && Number.isFinite(there)).toBe(true)
      if (anchored) expectClose([there], [0], 0)
      const moved = [1, 2, 3].map(seed => value(regularizer.penalty!(move(flatten(state.model), seed), data)))
      for (const penalty of moved) expect(penalty >= 0 && Number.isFinite(penalty), `${penalty} at least 0`).toBe(true)
      expect(Math.max(...moved), 'a penalty away from the anchor').toBeGreaterThan(0)
    })

    test('differentiates its penalty rightly, also after several tasks', async () => {
      const { regularizer, batch, run } = start()
      const states = await run(tinyTasks({ tasks: 3, scenario }))
      if (!regularizer.penalty) return
      await enter(regularizer, states.at(-1)!.model, tinyTasks({ tasks: 4, scenario }))
      const data = await batch(states.at(-1)!.task)
      const params = move(flatten(states.at(-1)!.model), 1)
      const { gradients } = differentiate(params, () => ({ penalty: regularizer.penalty!(params, data) }))
      const differences = finiteDifferences(moved => regularizer.penalty!(moved, data), params)
      const scale = Math.max(1e-6, ...Object.values(differences).flat().map(Math.abs))
      for (const [name, expected] of Object.entries(differences))
        expectClose(gradients[name] ?? expected.map(() => 0), expected, 2e-3 * scale)
    })

    test('projects gradients to finite ones of the same shapes, and leaves its arguments alone', async () => {
      const { regularizer, grow, finish } = start()
      const { state } = await finish(first().state)
      if (!regularizer.project) return
      const tasks = tinyTasks({ scenario })
      const next = at(tasks, 1, grow(state.model, classesOf(tasks)), state.model)
      const params = flatten((await begin(regularizer, next)).model)
      const gradients = move(params, 2)
      const opposite = Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, gradient.neg()]))
      const changed = [gradients, opposite].filter(given => {
        const before = numbers(given)
        const projected = regularizer.project!(given, params)
        expect(shapes(projected)).toEqual(shapes(given))
        expect(Object.values(numbers(projected)).flat().every(Number.isFinite)).toBe(true)
        expect(numbers(given)).toEqual(before)
        return JSON.stringify(numbers(projected)) !== JSON.stringify(before)
      })
      expect(changed.length, 'changes of a gradient and its opposite').toBeGreaterThan(0)
    })

    test('views the parameters of E and C for each task as finite ones of the same shapes, and leaves them alone', async () => {
      const { regularizer, run } = start()
      const states = await run(tinyTasks({ scenario }))
      if (!regularizer.view) return
      const params = flatten(states.at(-1)!.model)
      const before = numbers(params)
      const plain = shapes(flatten(first().state.model))
      for (const { task } of states) {
        const viewed = regularizer.view(params, task.index)
        for (const name of Object.keys(plain)) expect(viewed[name]?.shape, name).toEqual(params[name]!.shape)
        expect(Object.values(numbers(viewed)).flat().every(Number.isFinite)).toBe(true)
      }
      expect(numbers(params)).toEqual(before)
    })

    test('reports finite figures of its own after a later task', async () => {
      const { regularizer, run } = start()
      const figures = (await run(tinyTasks({ scenario }))).at(-1)!.measurements ?? []
      const own = figures.filter(({ name }) => name.startsWith(`${nameOf(regularizer)}/`))
      expect(own.length).toBeGreaterThan(0)
      expect(new Set(own.map(({ name }) => name)).size).toBe(own.length)
      for (const { name, value, unit, aggregation } of own) {
        expect([value].flat().every(Number.isFinite), `${name}: ${value}`).toBe(true)
        expect([unit, aggregation], name).not.toContain('')
      }
    })

    test('consolidates without touching the model or the Rng of others', async () => {
      const { regularizer, parts } = start()
      const { state: given } = first()
      const before = numbers(flatten(given.model))
      const others = () =>
        Array.from(parts.rngs)
          .filter(([name]) => parts.parts.get(name) !== regularizer)
          .map(([, rng]) => rng.state())
      const states = structuredClone(others())
      const state = await begin(regularizer, given)
      const begun = numbers(flatten(state.model))
      await regularizer.consolidate(state)
      expect(numbers(flatten(given.model))).toEqual(before)
      expect(numbers(flatten(state.model))).toEqual(begun)
      expect(others()).toEqual(states)
    })

    test.skipIf(scenario === 'domain')('holds the anchored part of a head that has grown', async () => {
      const { regularizer, batch, finish, grow } = start()
      const { state } = await finish(first().state)
      if (!regularizer.penalty) return
      await enter(regularizer, state.model)
      const data = await batch(state.task)
      const params = move(flatten(state.model), 1)
      const before = value(regularizer.penalty(params, data))
      const grown = {
        ...params,
        ...flatten({
          head: grow({ ...state.model, head: { kernel: params['head/kernel']!, bias: params['head/bias']! } }, 5).head,
        }),
      }
      const after = value(regularizer.penalty(grown, data))
      if (anchored) expectClose([after], [before], 1e-5 * before)
      else expect(after >= 0 && Number.isFinite(after)).toBe(true)
      const { gradients } = differentiate(grown, () => ({ penalty: regularizer.penalty!(grown, data) }))
      for (const [name, gradient] of Object.entries(gradients)) expect(gradient.shape, name).toEqual(grown[name]!.shape)
    })

    test('consolidates a task of one class, and one of a single example', async () => {
      for (const count of [20, 1]) {
        const tasks = tinyTasks({ classes: 1, count, scenario })
        const { regularizer, batch, finish } = start()
        const { state } = await finish(at(tasks, 0, tiny(1).model))
        await enter(regularizer, state.model, tasks)
        const penalty = regularizer.penalty?.(move(flatten(state.model), 1), await batch(tasks[0]!))
        if (penalty) expect(value(penalty) >= 0 && Number.isFinite(value(penalty))).toBe(true)
      }
    })

    test('does not depend on another regularizer beside it', async () => {
      const [alone, second] = [start(), start(plugin(), [plugin()])]
      const penalty = async (regularizer: Regularizer) => {
        const state = await begin(regularizer, first().state)
        await regularizer.consolidate(state)
        await enter(regularizer, state.model)
        return value(
          regularizer.penalty?.(move(flatten(state.model), 1), await alone.batch(state.task)) ?? tf.scalar(0),
        )
      }
      const here = second.parts.all(Regularizer)[0]!
      await second.regularizer.consolidate(await begin(second.regularizer, first().state))
      expect(await penalty(here)).toBe(await penalty(alone.regularizer))
    })

    test('gives its state, and restored from it goes on as if it had never stopped', async () => {
      const [steady, stopped] = [start(), start()]
      const { state } = await steady.finish(first().state)
      const saved = throughJson(steady.regularizer.state())
      stopped.regularizer.restore(saved)
      for (const tensor of Object.values(saved.tensors)) tensor.dispose()
      for (const [name, rng] of steady.parts.rngs) stopped.parts.rngs.get(name)!.restore(rng.state())
      const penalties = async ({ model, task }: TaskState) => {
        const tasks = tinyTasks({ tasks: task.index + 2, scenario })
        for (const { regularizer } of [steady, stopped]) await enter(regularizer, model, tasks)
        const [params, data] = [move(flatten(model), 1), await steady.batch(task)]
        return [steady, stopped].map(({ regularizer }) => value(regularizer.penalty?.(params, data) ?? tf.scalar(0)))
      }
      const [before, restored] = await penalties(state)
      expect(restored).toBe(before)
      const tasks = tinyTasks({ scenario })
      const next = at(tasks, 1, steady.grow(state.model, classesOf(tasks)), state.model)
      const finished = await steady.finish(next)
      await stopped.finish(next)
      expect(stateNumbers(stopped.regularizer)).toEqual(stateNumbers(steady.regularizer))
      const [after, goneOn] = await penalties(finished.state)
      expect(goneOn).toBe(after)
      const projections = []
      for (const { regularizer } of [steady, stopped]) {
        const params = flatten((await begin(regularizer, next)).model)
        const projected = [1, 2].map(seed => regularizer.project?.(move(params, seed), params) ?? {})
        projections.push(projected.map(numbers))
      }
      expect(projections[1]).toEqual(projections[0])
    })

    test('stopped while a task is learned, it goes on from there, bit for bit', async () => {
      const tasks = tinyTasks({ scenario })
      const left: ReadonlyMap<string, Uint8Array>[] = []
      const save = async (files: ReadonlyMap<string, Uint8Array>) => void left.push(files)
      const learnTwo = async (found?: TaskRecord) => {
        const journal = new Journal()
        const plugins = [...tiny().plugins, ...beside, plugin(), learn({ iterations: 60, batchSize: 8, early: 30 })]
        const { regularizer, grow, finish } = bench(composeParts(plugins, { journal }), at, tiny)
        const { state } = await finish(first().state)
        journal.begin(1, found ? { due: () => false, save, found } : { due: () => true, save })
        const next = await finish(at(tasks, 1, grow(state.model, classesOf(tasks)), state.model))
        const { model, measurements } = next.state
        return { model: numbers(flatten(model)), kept: stateNumbers(regularizer), measurements }
      }
      const whole = await learnTwo()
      expect(left, 'saved after 20 and 40 steps, and at the end').toHaveLength(3)
      for (const files of left.slice())
        expect(await learnTwo(await readRecord(async name => files.get(name)!))).toEqual(whole)
    })

    test('restores the state of a new regularizer, and forgets what it held', async () => {
      const { regularizer, batch, finish } = start()
      const { state } = await finish(first().state)
      regularizer.restore(start().regularizer.state())
      if (regularizer.penalty)
        expectClose(regularizer.penalty(move(flatten(state.model), 1), await batch(state.task)), [0], 0)
    })

    test('leaks no tensor over five tasks', async () => {
      const { regularizer, batch } = start()
      const tasks = tinyTasks({ tasks: 5, scenario })
      const models = tasks.map((_, index) => tiny(classesOf(tasks.slice(0, index + 1))).model)
      const kept: number[] = []
      const started = tf.memory().numTensors
      for (const [index, task] of tasks.entries()) {
        const given = at(tasks, index, models[index]!, within && models[index - 1])
        const state = await begin(regularizer, given)
        const model = state.model
        const data = await batch(task)
        tf.tidy(() => {
          const { terms } = differentiate(flatten(model), () =>
            regularizer.penalty ? { penalty: regularizer.penalty(flatten(model), data) } : {},
          )
          tf.dispose(terms)
          regularizer.project?.(flatten(model), flatten(model))
        })
        regularizer.measure?.()
        tf.dispose([data.x, data.labels])
        await regularizer.consolidate(state)
        disposeParams(flatten(model), flatten(given.model))
        kept.push(countKept(regularizer))
        expect(tf.memory().numTensors - started, `tensors after task ${index + 1}, as many as the state has`).toBe(
          kept.at(-1),
        )
      }
      if (constant) expect(kept.at(-1), 'tensors after five tasks').toBe(kept[0])
      regularizer.dispose?.()
      expect(tf.memory().numTensors, 'tensors after dispose').toBe(started)
    })

    test.skipIf(!('protect' in definition.options.shape))(
      'leaves the head alone where only the embedder is protected',
      async () => {
        const { regularizer, batch, finish, grow } = start({ definition, options: { ...options, protect: 'embedder' } })
        const { state } = await finish(first().state)
        await enter(regularizer, state.model)
        const data = await batch(state.task)
        const params = flatten(state.model)
        const moved = move(params, 1)
        const only = (part: string) =>
          Object.fromEntries(
            Object.entries(params).map(([name, tensor]) => [name, name.startsWith(part) ? moved[name]! : tensor]),
          )
        if (regularizer.penalty) {
          expectClose(regularizer.penalty(only('head/'), data), [0], 0)
          expect(value(regularizer.penalty(only('embedder/'), data))).toBeGreaterThan(0)
        }
        if (regularizer.project) {
          const tasks = tinyTasks({ scenario })
          const model = grow(state.model, classesOf(tasks))
          await regularizer.begin?.(at(tasks, 1, model, state.model))
          const moved = move(flatten(model), 1)
          const projected = numbers(regularizer.project(moved, flatten(model)))
          for (const [name, unprojected] of Object.entries(numbers(moved)))
            if (name.startsWith('head/')) expect(projected[name]).toEqual(unprojected)
        }
      },
    )
  })
}

/** The state at the task `index`, as the regularizer under test needs it. */
type StateAt = (tasks: readonly Task[], index: number, model: Model, previous?: Model) => TaskState

/** A regularizer in its composition, and a way to take it through tasks with the real learn phase. */
function bench(parts: Composition, at: StateAt, tiny: () => { readonly model: Model }) {
  const regularizer = parts.all(Regularizer).at(-1)!
  const phase = parts.one(Phase)!
  const grow = (model: Model, classes: number): Model => ({
    ...model,
    head: parts.one(Head)!.grow(model.head, classes, createRng(classes)),
  })
  const finish = async (begun: TaskState) => {
    const state = await phase.run(begun)
    await regularizer.consolidate(state)
    return { state }
  }
  const run = async (tasks: readonly Task[]) => {
    const states: TaskState[] = []
    for (const index of tasks.keys()) {
      const previous = states.at(-1)?.model
      const model = previous ? grow(previous, classesOf(tasks.slice(0, index + 1))) : tiny().model
      states.push((await finish(at(tasks, index, model, previous))).state)
    }
    return states
  }
  const batch = async ({ train }: Task): Promise<Batch> => ({
    x: await upload(train, range(0, train.count)),
    labels: tf.tensor1d(train.labels, 'int32'),
  })
  return { parts, regularizer, grow, finish, run, batch }
}

/** How many classes there are after these tasks. */
function classesOf(tasks: readonly Task[]): number {
  return Math.max(...tasks.flatMap(task => task.classes)) + 1
}

/** Every number moved by a normal deviate of 0.3. */
function move(params: Params, seed: number): Params {
  const rng = createRng(seed, '/move')
  return Object.fromEntries(
    Object.entries(params).map(([name, tensor]) => [
      name,
      tensor.add(tf.tensor(rng.normal(tensor.size), tensor.shape).mul(0.3)),
    ]),
  )
}

function value(scalar: tf.Scalar): number {
  expect(scalar.shape).toEqual([])
  return scalar.dataSync()[0]!
}

function numbers(params: Params): Record<string, number[]> {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]))
}

function shapes(params: Params): Record<string, number[]> {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, tensor.shape]))
}

function throughJson({ tensors, values }: State): State {
  return { tensors, values: JSON.parse(JSON.stringify(values)) }
}

function stateNumbers(regularizer: Regularizer): unknown {
  const { tensors, values } = regularizer.state()
  return { tensors: numbers(tensors), values }
}

function countKept(regularizer: Regularizer): number {
  const { tensors } = regularizer.state()
  tf.dispose(tensors)
  return Object.keys(tensors).length
}
