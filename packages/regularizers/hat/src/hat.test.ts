import {
  applyMlp,
  consolidate,
  convolve,
  createLearner,
  createRng,
  definePlugin,
  dense,
  differentiate,
  Embedder,
  flatten,
  initMlp,
  inject,
  type Learner,
  layerNorm,
  learn,
  memoryStore,
  Options,
  type Params,
  Regularizer,
  type Rng,
  rows,
  Stream,
  subset,
  type Task,
  uniformWeights,
  z,
} from '@lgm/core'
import {
  build,
  checkRegularizer,
  expectClose,
  finiteDifferences,
  tinyGenerator,
  tinyHead,
  tinyModel,
  tinyTasks,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { gatesOf } from './embeddings.js'
import { annealedSlope, compensated, gates, sparsityCost } from './gates.js'
import { hat } from './hat.js'
import { freeShares, layersOf } from './layers.js'

// A soft slope, at which differences can be taken, and gates that are used in part.
checkRegularizer({
  plugin: () => hat({ slope: 4, period: 1, hold: 1 }),
  model: { activation: 'relu' },
  scenario: 'task',
  anchored: false,
  immediate: true,
})

describe('gates', () => {
  test('rise from 1/400 over 200.00125 to 400 within a period of 5 steps, and again', () => {
    const slopes = [0, 2, 4, 5].map(step => annealedSlope(step, 5, 400))
    expectClose(slopes, [1 / 400, 1 / 400 + (400 - 1 / 400) / 2, 400, 1 / 400], 1e-9)
    expect(annealedSlope(3, 1, 400)).toBe(400)
  })

  test('cost what they take of what is free: (0.5 · 0 + 0.2 · 1 + 1 · 0.5) / (0 + 1 + 0.5) = 0.7/1.5; their mean where all is free', () => {
    const open = { 'a/gate': tf.tensor1d([0.5, 0.2]), 'b/gate': tf.tensor1d([1]) }
    const used = { 'a/gate': tf.tensor1d([1, 0]), 'b/gate': tf.tensor1d([0.5]) }
    expectClose(sparsityCost(open, used), [0.7 / 1.5], 1e-6)
    expectClose(sparsityCost(open, {}), [1.7 / 3], 1e-6)
  })

  test('have gradients compensated by s_max/s · (cosh(s·e) + 1)/(cosh(e) + 1): 4/2 · 3.125/2.25 at e = ln 2, s = 2, s_max = 4', () => {
    expectClose(compensated(tf.tensor1d([1]), tf.tensor1d([Math.LN2]), 2, 4), [(2 * 3.125) / 2.25], 1e-5)
  })

  test('so have, at any slope, the gradient s_max · σ′(e) of gates that do not saturate', () => {
    const e = tf.tensor1d([-1.2, -0.1, 0, 0.4, 0.9])
    const plain = e.sigmoid().mul(tf.sub(1, e.sigmoid())).mul(10)
    for (const slope of [0.1, 1, 5]) {
      const gradient = tf.grad((x: tf.Tensor) => gates(x, slope).sum())(e)
      expectClose(compensated(gradient, e, slope, 10), plain.dataSync(), 1e-3)
    }
  })

  test('are held within ±6, and where σ saturates cosh stays finite', () => {
    const [gradient, embedding] = [tf.tensor1d([-1, 1, -1, 1]), tf.tensor1d([6, 6, -6, -6])]
    const kept = compensated(gradient, embedding, 1, 1)
    expectClose(kept, [0, 1, -1, 0], 1e-6)
    const steep = compensated(tf.tensor1d([1e-20]), tf.tensor1d([3]), 400, 400)
    expectClose(steep.div(1e-20).log(), [Math.log((Math.cosh(50) + 1) / (Math.cosh(3) + 1))], 1e-4)
  })
})

/** Layers 2 → 6 → 4 with what is asked after the last; codes of four numbers. */
const chainOptions = z.strictObject({
  after: z.enum(['relu', 'norm', 'tanh', 'linear']).default('relu').describe('what follows the last layer'),
  between: z.enum(['relu', 'tanh']).default('relu').describe('what follows the first'),
})

class Chain implements Embedder {
  readonly #options: z.output<typeof chainOptions>

  constructor(@inject(Options) options: z.output<typeof chainOptions>) {
    this.#options = options
  }

  codeShape(): readonly number[] {
    return [4]
  }

  init(exampleShape: readonly number[], rng: Rng): Params {
    return initMlp([exampleShape[0]!, 24, 4], rng, 'relu')
  }

  embed(params: Params, x: tf.Tensor): tf.Tensor {
    const { after, between } = this.#options
    if (between === 'tanh')
      return dense(dense(x, params['0/kernel']!, params['0/bias']!).tanh(), params['1/kernel']!, params['1/bias']!)
    const codes = applyMlp(params, x, after === 'relu' ? 'relu' : 'linear')
    return after === 'norm' ? layerNorm(codes) : after === 'tanh' ? codes.tanh() : codes
  }
}

const chain = definePlugin({
  point: Embedder,
  name: 'chain',
  summary: 'two layers, for tests',
  options: chainOptions,
  class: Chain,
})

/** A convolution with three filters at stride 2, and a layer on its flattened maps. */
class Maps implements Embedder {
  codeShape(): readonly number[] {
    return [2]
  }

  init(_: readonly number[], rng: Rng): Params {
    const uniform = (count: number) => rng.uniform(count)
    return {
      '0/kernel': uniformWeights([3, 3, 1, 3], 9, uniform),
      '0/bias': tf.tensor1d([0.1, 0.2, -0.1]),
      'code/kernel': uniformWeights([12, 2], 12, uniform),
      'code/bias': tf.tensor1d([0.3, -0.2]),
    }
  }

  embed(params: Params, x: tf.Tensor): tf.Tensor {
    const maps = convolve(x, params['0/kernel']!, params['0/bias']!, 2, 'relu')
    return dense(rows(maps), params['code/kernel']!, params['code/bias']!)
  }
}

const maps = definePlugin({
  point: Embedder,
  name: 'maps',
  summary: 'a convolution and a layer, for tests',
  options: z.strictObject({}),
  class: Maps,
})

const rng = createRng(3)
const normal = (...shape: number[]) => tf.tensor(rng.normal(tf.util.sizeFromShape(shape)), shape)
const embedderOf = (after: z.output<typeof chainOptions>['after']) => build(Embedder, chain({ after }))

describe('layers', () => {
  test.each([
    ['relu', true],
    ['linear', true],
    ['norm', false],
    ['tanh', false],
  ] as const)('all are gated but a last one whose codes do not scale: %s', async (after, gated) => {
    const embedder = embedderOf(after)
    const layers = await layersOf(embedder, embedder.init([2], rng), normal(8, 2))
    expect(layers).toEqual([
      { name: '0/', inputs: 2, units: 24, gated: true },
      { name: '1/', inputs: 24, units: 4, gated },
    ])
  })

  test('are known through flattened maps, filter by filter', async () => {
    const embedder = build(Embedder, maps())
    const layers = await layersOf(embedder, embedder.init([4, 4, 1], rng), normal(8, 4, 4, 1))
    expect(layers).toEqual([
      { name: '0/', inputs: 1, units: 3, gated: true },
      { name: 'code/', inputs: 12, units: 2, gated: true },
    ])
  })

  test('that are no chain of ReLU are refused, with the place', async () => {
    const tanh = build(Embedder, chain({ between: 'tanh' }))
    await expect(layersOf(tanh, tanh.init([2], rng), normal(8, 2))).rejects.toThrow(/scaled back.*mlp or conv/)
    const relu = embedderOf('relu')
    const scaled = { ...relu.init([2], rng), '0/scale': tf.ones([6]) }
    await expect(layersOf(relu, scaled, normal(8, 2))).rejects.toThrow(/got the parameter 0\/scale/)
    const { embedder, model } = tinyModel()
    await expect(layersOf(embedder, model.embedder, normal(8, 2))).rejects.toThrow(/none that can be gated/)
    await expect(layersOf(embedder, {}, normal(8, 2))).rejects.toThrow(/none that can be gated/)
  })

  test('leave free 1 − min(a_in, a_out) of a kernel and 1 − a_out of a bias; what has no gates is used by all', () => {
    const layers = [
      { name: '0/', inputs: 1, units: 2, gated: true },
      { name: '1/', inputs: 4, units: 3, gated: true },
      { name: '2/', inputs: 3, units: 1, gated: false },
    ]
    const free = freeShares(layers, { '0/gate': tf.tensor1d([1, 0.25]), '1/gate': tf.tensor1d([0, 0.5, 1]) })
    expectClose(free['0/kernel']!, [0, 0.75])
    expectClose(free['0/bias']!, [0, 0.75])
    const [first, second] = [
      [1, 0.5, 0],
      [1, 0.75, 0.75],
    ]
    expectClose(free['1/kernel']!, [...first, ...second, ...first, ...second])
    expectClose(free['1/bias']!, [1, 0.5, 0])
    expectClose(free['2/kernel']!, [1, 0.5, 0])
    expectClose(free['2/bias']!, [0])
  })
})

describe('the view', () => {
  /** HAT at the start of the first task, with slope 1/4 as its period of two steps begins. */
  async function begun(embedder: ReturnType<typeof chain>, shape: readonly number[]) {
    const regularizer = build(Regularizer, hat({ slope: 4, period: 2 }), { beside: [embedder, tinyHead()] })
    const plugin = build(Embedder, embedder)
    const task = tinyTasks({ tasks: 1, scenario: 'task', shape })[0]!
    const seen = { scenario: 'task' as const, names: task.names, taskOf: [0, 0] }
    const model = { embedder: plugin.init(shape, rng), head: { kernel: normal(4, 2) }, decoder: {} }
    const state = (await regularizer.begin!({ task, seen, before: { ...seen, names: [], taskOf: [] }, model }))!
    return { regularizer, embedder: plugin, params: flatten(state.model) }
  }

  test('is the network with each activation times its gate, σ(e/4)', async () => {
    const { regularizer, embedder, params } = await begun(chain(), [2])
    const x = normal(5, 2)
    const gate = (layer: number) => params[`embedder/hat/0/${layer}/gate`]!.div(4).sigmoid()
    const layer = (u: tf.Tensor, k: number) =>
      dense(u, params[`embedder/${k}/kernel`]!, params[`embedder/${k}/bias`]!, 'relu').mul(gate(k))
    const viewed = regularizer.view!(params, 0)
    expect(Object.keys(viewed).sort()).toEqual(
      ['0/bias', '0/kernel', '1/bias', '1/kernel'].map(name => `embedder/${name}`).concat('head/kernel'),
    )
    expectClose(embedder.embed(subset(viewed, 'embedder'), x), layer(layer(x, 0), 1).dataSync())
    expect(viewed['head/kernel']).toBe(params['head/kernel'])
  })

  test('is so for maps of a convolution too', async () => {
    const { regularizer, embedder, params } = await begun(maps() as ReturnType<typeof chain>, [4, 4, 1])
    const x = normal(3, 4, 4, 1)
    const [first, code] = ['0', 'code'].map(layer => params[`embedder/hat/0/${layer}/gate`]!.div(4).sigmoid())
    const own = subset(params, 'embedder')
    const gated = convolve(x, own['0/kernel']!, own['0/bias']!, 2, 'relu').mul(first!)
    const codes = dense(rows(gated), own['code/kernel']!, own['code/bias']!).mul(code!)
    expectClose(embedder.embed(subset(regularizer.view!(params, 0), 'embedder'), x), codes.dataSync())
  })

  test('has the gradients of finite differences, by weights and embeddings alike', async () => {
    const { regularizer, embedder, params } = await begun(chain({ after: 'linear' }), [2])
    // every other unit is on, the rest off, all far from the kink of ReLU
    const bias = tf.tensor1d(Array.from({ length: 24 }, (_, unit) => (unit % 2 ? 9 : -9)))
    const own = { ...flatten({ embedder: subset(params, 'embedder') }), 'embedder/0/bias': bias }
    const [x, weights] = [normal(5, 2), normal(5, 4)]
    const loss = (at: Params) =>
      embedder
        .embed(subset(regularizer.view!(at, 0), 'embedder'), x)
        .mul(weights)
        .sum() as tf.Scalar
    const { gradients } = differentiate(own, () => ({ loss: loss(own) }))
    const differences = finiteDifferences(loss, own)
    const scale = Math.max(...Object.values(differences).flat().map(Math.abs))
    for (const [name, wanted] of Object.entries(differences)) expectClose(gradients[name]!, wanted, 2e-4 * scale)
  })
})

/** A stream for the scenario's sake; tasks are given by hand. */
const taskStream = definePlugin({
  point: Stream,
  name: 'by-hand',
  summary: 'task-incremental, for tests',
  options: z.strictObject({}),
  class: class implements Stream {
    readonly scenario = 'task' as const
    async tasks(): Promise<readonly Task[]> {
      return []
    }
  },
})

const tasks = tinyTasks({ tasks: 3, scenario: 'task', shape: [3], spread: 0.7, seed: 2 })

type Training = { optimizer?: object; iterations?: number; embedder?: 'freeze' | 'train' }

async function learnerWith(options: Parameters<typeof hat>[0] | undefined, training: Training = {}): Promise<Learner> {
  const plugins = options ? [hat(options), consolidate()] : []
  const phase = learn({ iterations: 60, batchSize: 16, optimizer: { rate: 0.02 }, ...training })
  const [regularizer, ...after] = plugins
  const before = regularizer ? [regularizer] : []
  return createLearner([taskStream(), chain(), tinyHead(), ...before, phase, ...after])
}

/** Probabilities of the task's own classes for its test examples. */
async function probabilities(learner: Learner, task: Task): Promise<number[]> {
  const { scores, classes, labels } = await learner.answers(task)
  return Array.from(labels.keys()).flatMap(row => task.classes.map(id => Math.exp(scores.head![row * classes + id]!)))
}

/** The share of a task's test examples that are answered rightly. */
async function accuracy(learner: Learner, task: Task): Promise<number> {
  const { scores, labels, classes } = await learner.answers(task)
  const right = labels.filter((label, row) => {
    const own = scores.head!.subarray(row * classes, (row + 1) * classes)
    return own.indexOf(Math.max(...own)) === label
  })
  return right.length / labels.length
}

/** The largest change of a probability of the first two of three tasks, from when each was learned to the end. */
async function forgotten(learner: Learner): Promise<number> {
  const then: number[][] = []
  for (const task of tasks) {
    await learner.learn(task)
    then.push(await probabilities(learner, task))
  }
  const changes = await Promise.all(
    tasks
      .slice(0, 2)
      .map(async (task, k) => (await probabilities(learner, task)).map((p, i) => Math.abs(p - then[k]![i]!))),
  )
  return Math.max(...changes.flat())
}

describe('a learner', () => {
  test.each(['adam', 'sgd'])(
    'answers old tasks as when it had learned them, by %s, and without HAT does not',
    async use => {
      const optimizer = { use, rate: use === 'adam' ? 0.02 : 0.1 }
      const learner = await learnerWith({ period: 20 }, { optimizer })
      expect(await forgotten(learner)).toBeLessThan(1e-3)
      for (const task of tasks) expect(await accuracy(learner, task)).toBeGreaterThan(0.7)
      expect(await forgotten(await learnerWith(undefined, { optimizer }))).toBeGreaterThan(0.05)
    },
  )

  test('does not move weights between units in use, nor the head for old classes, by a single bit', async () => {
    const learner = await learnerWith({ period: 20 })
    const first = flatten((await learner.learn(tasks[0]!)).state.model)
    const before = Object.fromEntries(Object.entries(first).map(([name, tensor]) => [name, tensor.dataSync().slice()]))
    const after = flatten((await learner.learn(tasks[1]!)).state.model)
    const open = [0, 1].map(layer => before[`embedder/hat/0/${layer}/gate`]!.map(e => Number(400 * e > Math.log(1e-4))))
    const moved = (name: string, row: (i: number) => boolean) =>
      Array.from(after[name]!.dataSync())
        .flatMap((value, i) => (row(i) ? Number(value !== before[name]![i]) : []))
        .reduce((sum, change) => sum + change, 0)
    const used = (i: number) => open[0]![Math.floor(i / 4)] === 1 && open[1]![i % 4] === 1
    expect(open.map(units => units.includes(1))).toEqual([true, true])
    expect(moved('embedder/0/kernel', i => open[0]![i % 24] === 1)).toBe(0)
    expect(moved('embedder/0/bias', i => open[0]![i] === 1)).toBe(0)
    expect(moved('embedder/1/kernel', used)).toBe(0)
    expect(moved('embedder/0/kernel', i => open[0]![i % 24] === 0)).toBeGreaterThan(10)
    expect(moved('embedder/1/kernel', i => !used(i))).toBeGreaterThan(10)
    for (const layer of [0, 1]) expect(moved(`embedder/hat/0/${layer}/gate`, () => true)).toBe(0)
    const columns = Array.from(tf.slice(after['head/kernel']!, [0, 0], [4, 2]).dataSync())
    expect(columns).toEqual(Array.from(before['head/kernel']!))
    expect(Array.from(tf.slice(after['head/bias']!, 0, 2).dataSync())).toEqual(Array.from(before['head/bias']!))
  })

  test('goes on from a checkpoint as if it had never stopped', async () => {
    const [steady, stopped, store] = [
      await learnerWith({ period: 20 }),
      await learnerWith({ period: 20 }),
      memoryStore(),
    ]
    for (const task of tasks.slice(0, 2)) await steady.learn(task)
    await steady.save(store)
    await stopped.load(store)
    for (const task of tasks.slice(0, 2))
      expect(await probabilities(stopped, task)).toEqual(await probabilities(steady, task))
    for (const learner of [steady, stopped]) await learner.learn(tasks[2]!)
    for (const task of tasks) expect(await probabilities(stopped, task)).toEqual(await probabilities(steady, task))
    expect(stopped.kept()).toEqual(steady.kept())
  })

  test('keeps one number for each unit and, for each task, one more; and no other tensor', async () => {
    const before = tf.memory().numTensors
    const learner = await learnerWith({ period: 20 })
    for (const task of tasks.slice(0, 2)) await learner.learn(task)
    expect(learner.kept()['regularizer/hat']!.numbers).toBe(24 + 4)
    expect(learner.kept().embedder!.numbers).toBe((3 + 1) * 24 + (24 + 1) * 4 + 2 * (24 + 4))
    // kernel and bias of three layers, gates of two layers for two tasks, and the widest gates of two layers
    expect(tf.memory().numTensors - before).toBe(6 + 4 + 2)
    await learner.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  test.each([
    [1e-4, 1],
    [1, 4],
  ])('counts gates from hold on as open for good: hold %d at slope %d', async (hold, slope) => {
    const learner = await learnerWith({ period: 20, hold, slope })
    await learner.learn(tasks[0]!)
    const { tensors } = (learner.parts.parts.get('regularizer/hat') as Regularizer).state()
    const used = Object.values(tensors).flatMap(tensor => Array.from(tensor.dataSync()))
    const between = used.filter(gate => gate >= 1e-4 && gate < 1)
    if (hold < 1) expect(between).toEqual([])
    else expect(between.length).toBeGreaterThan(20)
    expect(used.length).toBe(24 + 4)
  })

  test('reports how much of the network the earlier tasks use', async () => {
    const learner = await learnerWith({ period: 20 })
    const used: unknown[] = []
    for (const task of tasks) {
      const { measurements } = (await learner.learn(task)).state
      used.push(measurements!.find(({ name }) => name === 'regularizer/hat/used')!.value)
    }
    expect(used[0]).toBe(0)
    expect(used[1]).toBeGreaterThan(0)
    expect(used[2]).toBeGreaterThanOrEqual(used[1] as number)
    expect(used[2]).toBeLessThan(1)
  })

  test('is refused what HAT cannot do, with a reason', async () => {
    const [first, second] = tasks as [Task, Task]
    const plugins = [chain(), tinyHead(), hat({ period: 20 })]
    const classes = await createLearner(plugins)
    await expect(classes.learn(first)).rejects.toThrow('expected the scenario task, got class')
    await expect(createLearner([...plugins, tinyGenerator()])).rejects.toThrow('expected no generator')
    const frozen = await learnerWith({ period: 20 }, { embedder: 'freeze' })
    await expect(frozen.learn(first)).rejects.toThrow('expected an embedder that learns')
    const uneven = await learnerWith({ period: 25 })
    await expect(uneven.learn(first)).rejects.toThrow('a multiple of the period, 25, got 60')
    const decayed = await learnerWith({ period: 20 }, { optimizer: { use: 'adamw', rate: 0.02 } })
    await decayed.learn(first)
    await expect(decayed.predict(new Float32Array(3), { task: 1 })).rejects.toThrow(
      'a task that was learned (0), got 1',
    )
    const layer = { name: '0/', inputs: 3, units: 2, gated: true }
    expect(() => gatesOf({}, [layer], 1, 400)).toThrow('expected gates of task 2, got none')
    await expect(decayed.learn(second)).rejects.toThrow(/what earlier tasks use to stay.*without weight decay/)
    const full = await learnerWith({ period: 20, hold: 1e-30, strength: 1e-6, slope: 1 }, { iterations: 20 })
    await full.learn(first)
    await expect(full.learn(second)).rejects.toThrow('expected units that no task uses yet, got none')
  })
})
