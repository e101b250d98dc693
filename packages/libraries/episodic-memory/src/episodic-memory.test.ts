import {
  arrayExamples,
  createRng,
  Decoder,
  type Examples,
  flatten,
  Generator,
  type Params,
  range,
  type Scenario,
  selectExamples,
  subset,
  type TaskState,
  z,
} from '@lgm/core'
import {
  build,
  expectClose,
  expectNoLeak,
  finiteDifferences,
  golden,
  tinyDecoder,
  tinyGenerator,
  tinyModel,
  tinyState,
  tinyTasks,
  toGoldenOrder,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { EpisodicMemory, innerProduct, type MemorySettings, memoryOptions } from './episodic-memory.js'

const { fixture } = golden

function remember(given: Partial<MemorySettings> = {}, seed = 0): EpisodicMemory {
  const { embedder, head } = tinyModel()
  return new EpisodicMemory('regularizer "some"', z.object(memoryOptions).parse(given), {
    embedder,
    head,
    generator: build(Generator, tinyGenerator()),
    decoder: build(Decoder, tinyDecoder()),
    rng: createRng(seed),
  })
}

function goldenState(): TaskState {
  const examples = arrayExamples(Float32Array.from(fixture.x.flat()), [2], Int32Array.from(fixture.y))
  const task = { index: 0, name: 'golden', classes: [0, 1], names: ['0', '1'], train: examples, test: examples }
  return tinyState([task], 0, tinyModel({ weights: 'golden' }).model)
}

/** The states of tasks of two classes with 5 examples of each, on models of as many classes as were seen. */
function statesOf(scenario: Scenario, count = 3): TaskState[] {
  const tasks = tinyTasks({ tasks: count, count: 5, scenario })
  const classes = (index: number) => (scenario === 'domain' ? 2 : 2 * (index + 1))
  return tasks.map((_, index) => tinyState(tasks, index, tinyModel({ classes: classes(index) }).model, scenario))
}

/** Memory of all states but the last, opened to that. */
async function opened(
  states: readonly TaskState[],
  given: Partial<MemorySettings> = {},
  split: 'together' | 'by task' = 'together',
): Promise<EpisodicMemory> {
  const memory = remember(given)
  for (const state of states.slice(0, -1)) await memory.add(state)
  await memory.open(states.at(-1)!, split)
  return memory
}

function gradientAt(memory: EpisodicMemory, { model }: TaskState, group = 0): Record<string, number[]> {
  const params = flatten(model)
  const gradient = memory.gradient(group, params, Object.keys(params))
  return Object.fromEntries(Object.entries(gradient).map(([name, tensor]) => [name, [...tensor.dataSync()]]))
}

describe('stored examples', () => {
  test('are as many of each class of each task, true examples of it, and drawn by the Rng', async () => {
    const states = statesOf('domain')
    const kept = async (seed: number) => {
      const memory = remember({ perClass: 3 }, seed)
      for (const state of states) await memory.add(state)
      const { tensors, values } = memory.state()
      expect(values).toEqual({ counts: [6, 6, 6] })
      expect(tensors.examples!.shape).toEqual([18, 2])
      expect([...tensors.labels!.dataSync()]).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1])
      return tensors.examples!.arraySync() as number[][]
    }
    const first = await kept(0)
    for (const [index, { task }] of states.entries()) {
      const rows = Array.from(range(0, task.train.count), i => [...(task.train.read(Int32Array.of(i)) as Float32Array)])
      const stored = first.slice(6 * index, 6 * index + 6)
      for (const row of stored) expect(rows).toContainEqual(row)
      expect(new Set(stored.map(String)).size).toBe(6)
    }
    expect(await kept(0)).toEqual(first)
    expect(await kept(1)).not.toEqual(first)
  })

  test('are all there are where a class has fewer', async () => {
    const memory = remember({ perClass: 100 })
    await memory.add(goldenState())
    expect(memory.state().tensors.examples!.shape).toEqual([6, 2])
  })

  test('are none in the first task, one group together, and one for each task before', async () => {
    const states = statesOf('domain')
    expect((await opened(states.slice(0, 1))).groups).toBe(0)
    expect((await opened(states)).groups).toBe(1)
    const memory = await opened(states, {}, 'by task')
    expect(memory.groups).toBe(2)
    memory.close()
    expect(memory.groups).toBe(0)
  })
})

describe('the gradient', () => {
  test('on the golden examples is golden', async () => {
    const state = goldenState()
    const memory = await opened([state, state])
    const params = flatten(state.model)
    expectClose(toGoldenOrder(memory.gradient(0, params, Object.keys(params))), fixture.meanGradient, 1e-6)
  })

  test('on the memory of one task is that of the mean cross-entropy there, by finite differences', async () => {
    const states = statesOf('domain')
    const memory = await opened(states, {}, 'by task')
    const { embedder, head, model } = { ...tinyModel(), model: states[2]!.model }
    for (const group of [0, 1]) {
      const { train } = states[group]!.task
      const x = tf.tensor2d(train.read(range(0, train.count)) as Float32Array, [train.count, 2])
      const loss = (params: Params) => {
        const logits = head.classify(subset(params, 'head'), embedder.embed(subset(params, 'embedder'), x))
        return tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d(train.labels, 'int32'), 2), logits) as tf.Scalar
      }
      const differences = finiteDifferences(loss, flatten(model))
      const gradient = gradientAt(memory, states[2]!, group)
      for (const [name, numbers] of Object.entries(differences)) expectClose(gradient[name]!, numbers, 1e-4)
    }
  })

  test('on batches that make up one pass is in the mean that on the whole memory', async () => {
    const states = statesOf('class', 2)
    const whole = gradientAt(await opened(states), states[1]!)
    const parts = await opened(states, { batchSize: 5 })
    const [a, b] = [gradientAt(parts, states[1]!), gradientAt(parts, states[1]!)]
    expect(a).not.toEqual(b)
    for (const [name, numbers] of Object.entries(whole))
      expectClose(
        numbers.map((_, i) => (a[name]![i]! + b[name]![i]!) / 2),
        numbers,
        1e-6,
      )
  })

  test('is over the classes of the own task where the scenario is task-incremental', async () => {
    const states = statesOf('task', 2)
    const bias = gradientAt(await opened(states), states[1]!)['head/bias']!
    expect(bias.slice(2)).toEqual([0, 0])
    expect(bias[0]).not.toBe(0)
    const open = gradientAt(await opened(statesOf('class', 2)), states[1]!)['head/bias']!
    expect(open[2]).not.toBe(0)
  })

  test('leaves no tensor behind', async () => {
    const states = statesOf('class', 2)
    const memory = await opened(states)
    const params = flatten(states[1]!.model)
    await expectNoLeak(() => tf.dispose(memory.gradient(0, params, Object.keys(params)) as tf.TensorContainer))
  })
})

describe('generated memory', () => {
  /** Codes and examples of the classes of the tasks before, balanced. */
  function withRecall(state: TaskState): TaskState {
    const labels = Int32Array.from({ length: 40 }, (_, i) => i % state.before.names.length)
    const draw = (size: number): Examples => arrayExamples(createRng(size).normal(40 * size), [size], labels)
    return { ...state, recall: draw(3), decodedRecall: draw(2) }
  }

  const withRecallAfterFirst = (state: TaskState) => (state.before.names.length > 0 ? withRecall(state) : state)

  test('keeps nothing', async () => {
    const memory = await opened(statesOf('class', 2).map(withRecallAfterFirst), { memory: 'decoded' })
    expect(memory.state()).toEqual({ tensors: {}, values: {} })
  })

  test('decoded has the gradient of stored examples that are the same', async () => {
    const states = statesOf('class', 2)
    const state = withRecall(states[1]!)
    const stored = remember({ perClass: 40 })
    await stored.add({ ...state, task: { ...state.task, train: state.decodedRecall! } })
    await stored.open(state, 'together')
    const decoded = await opened([states[0]!, state], { memory: 'decoded' })
    const [a, b] = [gradientAt(stored, state), gradientAt(decoded, state)]
    for (const name of Object.keys(a)) expectClose(b[name]!, a[name]!, 1e-6)
  })

  test('latent reaches the head only', async () => {
    const states = statesOf('class', 2).map(withRecallAfterFirst)
    const gradient = gradientAt(await opened(states, { memory: 'latent' }), states[1]!)
    expect(Object.keys(gradient)).toEqual(['head/kernel', 'head/bias'])
    expect(gradient['head/bias']!.some(value => value !== 0)).toBe(true)
  })

  test('is told apart by the tasks of its classes', async () => {
    const states = statesOf('class').map(withRecallAfterFirst)
    const memory = await opened(states, { memory: 'decoded' }, 'by task')
    expect(memory.groups).toBe(2)
    const state = states[2]!
    const of = (task: number) => {
      const { labels } = state.decodedRecall!
      const rows = range(0, 40).filter(i => state.before.taskOf[labels[i]!] === task)
      return { ...state, decodedRecall: selectExamples(state.decodedRecall!, rows) }
    }
    for (const task of [0, 1]) {
      const alone = gradientAt(await opened([states[0]!, of(task)], { memory: 'decoded' }), state)
      const group = gradientAt(memory, state, task)
      for (const name of Object.keys(alone)) expectClose(group[name]!, alone[name]!, 1e-6)
    }
  })

  test('without recall, or by task where all tasks have the same classes, is an error', async () => {
    await expect(opened(statesOf('class', 2), { memory: 'latent' })).rejects.toThrow(
      'regularizer "some": expected recall for memory: latent, got none; list the phase recall before learn',
    )
    const states = statesOf('domain', 2).map(withRecallAfterFirst)
    await expect(opened(states, { memory: 'decoded' }, 'by task')).rejects.toThrow(
      /tasks that can be told from the classes of recall, got a domain-incremental stream; set memory: examples/,
    )
  })
})

test('what is missing or cannot be reached is an error at composition', () => {
  const { embedder, head } = tinyModel()
  const generator = build(Generator, tinyGenerator())
  const make = (given: Partial<MemorySettings>, having: { generator?: Generator }) =>
    new EpisodicMemory('regularizer "some"', z.object(memoryOptions).parse(given), {
      embedder,
      head,
      generator: having.generator,
      decoder: undefined,
      rng: createRng(0),
    })
  expect(() => make({ memory: 'latent' }, {})).toThrow(
    'regularizer "some": expected a generator for memory: latent, got none; add a generator, or set memory: examples',
  )
  expect(() => make({ memory: 'decoded' }, { generator })).toThrow(/expected a decoder for memory: decoded, got none/)
  expect(() => make({ memory: 'latent', protect: 'embedder' }, { generator })).toThrow(
    /expected protect: embedder\+head with memory: latent, .* got protect: embedder/,
  )
  make({ memory: 'latent' }, { generator })
  make({ memory: 'examples', protect: 'embedder' }, {})
})

test('nothing to protect, and nothing protected that learns, are errors', async () => {
  const [state] = statesOf('class', 1)
  const memory = remember({ protect: 'embedder' })
  await expect(memory.open({ ...state!, model: { ...state!.model, embedder: {} } }, 'together')).rejects.toThrow(
    /expected parameters to hold in the embedder, got none/,
  )
  expect(() => memory.names({ 'head/bias': tf.zeros([2]) })).toThrow(
    /expected an embedder that learns, since it alone is protected, got a frozen one; set protect: embedder\+head/,
  )
})

test('the inner product is over the tensors that both have', () => {
  const a = { x: tf.tensor2d([[1, 2]]), y: tf.tensor1d([3]) }
  // 1·4 + 2·5
  expect(innerProduct(a, { x: tf.tensor2d([[4, 5]]), z: tf.scalar(9) }).dataSync()[0]).toBe(14)
  expect(innerProduct(a, {}).dataSync()[0]).toBe(0)
})
