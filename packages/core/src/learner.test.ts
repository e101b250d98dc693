import { tinyModel, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { memoryStore } from './checkpoint.js'
import { inject } from './container.js'
import {
  Evaluator,
  Events,
  Generator,
  type LearnerEvent,
  Observer,
  Options,
  Regularizer,
  Rng,
  Stream,
  type Task,
  type TaskState,
} from './contracts.js'
import { expected, LgmError } from './errors.js'
import { arrayExamples, range } from './examples.js'
import { createLearner } from './learner.js'
import { decode } from './phases/decode.js'
import { learn } from './phases/learn.js'
import { memorize } from './phases/memorize.js'
import { recall } from './phases/recall.js'
import { definePlugin, z } from './point.js'
import { reportSchema } from './report.js'
import { run } from './run.js'

/** A real, lossless generator: one Gaussian of fixed spread about each class mean. */
class Means implements Generator {
  #means: tf.Tensor1D[] = []
  readonly #rng: Rng
  constructor(@inject(Rng) rng: Rng) {
    this.#rng = rng
  }
  async memorize(fresh: Parameters<Generator['memorize']>[0]) {
    const rows = await fresh.read(range(0, fresh.count))
    const size = fresh.shape[0]!
    for (const label of new Set(fresh.labels)) {
      const mean = new Float32Array(size)
      const members = range(0, fresh.count).filter(i => fresh.labels[i] === label)
      for (const i of members) for (let j = 0; j < size; j++) mean[j]! += rows[i * size + j]! / members.length
      this.#means[label]?.dispose()
      this.#means[label] = tf.keep(tf.tensor1d(mean))
    }
  }
  sample(labels: Int32Array) {
    return tf.tidy(() => {
      const means = tf.stack(Array.from(labels, label => this.#means[label]!))
      return means.add(tf.tensor(this.#rng.normal(means.size), means.shape).mul(0.05))
    })
  }
  logProbability(u: tf.Tensor, classes: number) {
    return tf.tidy(
      () =>
        tf.stack(
          this.#means.slice(0, classes).map(mean => u.sub(mean).square().sum(1).mul(-200)),
          1,
        ) as tf.Tensor2D,
    )
  }
  state() {
    return { tensors: Object.fromEntries(this.#means.map((mean, k) => [String(k), mean.clone()])), values: {} }
  }
  restore({ tensors }: ReturnType<Generator['state']>) {
    this.dispose()
    this.#means = Object.values(tensors).map(mean => tf.keep(mean.clone() as tf.Tensor1D))
  }
  dispose() {
    for (const mean of this.#means) mean.dispose()
    this.#means = []
  }
}
const means = definePlugin({
  point: Generator,
  name: 'means',
  summary: 'class means',
  options: z.strictObject({}),
  class: Means,
})

const streamOptions = z.strictObject({
  tasks: z.int().default(3),
  scenario: z.enum(['class', 'task', 'domain']).default('class'),
})
class Tiny implements Stream {
  readonly scenario: Stream['scenario']
  readonly #count: number
  constructor(@inject(Options) options: z.output<typeof streamOptions>) {
    this.scenario = options.scenario
    this.#count = options.tasks
  }
  async tasks(): Promise<Task[]> {
    return tinyTasks({ tasks: this.#count, scenario: this.scenario, spread: 0.2 })
  }
}
const tiny = definePlugin({ point: Stream, name: 'tiny', summary: 'tiny tasks', options: streamOptions, class: Tiny })

class LastAccuracy implements Evaluator {
  evaluate(_: TaskState, answers: Parameters<Evaluator['evaluate']>[1]) {
    const value = answers.map(({ labels, classes, scores }) => {
      const right = labels.filter((label, i) => {
        const row = scores.head!.subarray(i * classes, (i + 1) * classes)
        return row.indexOf(Math.max(...row)) === label
      })
      return right.length / labels.length
    })
    return [{ name: 'accuracy', value, unit: 'fraction', axis: 'task', aggregation: 'mean over test examples' }]
  }
}
const accuracy = definePlugin({
  point: Evaluator,
  name: 'last',
  summary: 'accuracy',
  options: z.strictObject({}),
  class: LastAccuracy,
})

/** How many tasks there are, how many phases took time, and how many numbers the generator keeps. */
class Witness implements Evaluator {
  evaluate(...[, , facts]: Parameters<Evaluator['evaluate']>) {
    const { tasks, seconds, kept } = facts!
    const values = [
      tasks.length,
      Object.values(seconds).filter(value => value >= 0).length,
      kept()['generator/means']!.numbers,
    ]
    return values.map((value, k) => ({ name: `fact ${k}`, value, unit: 'count', aggregation: 'count' }))
  }
}
const witness = definePlugin({
  point: Evaluator,
  name: 'witness',
  summary: 'facts of the run',
  options: z.strictObject({}),
  class: Witness,
})

const quick = (options: Parameters<typeof learn>[0] = {}) =>
  learn({ iterations: 150, batchSize: 16, replaySize: 16, optimizer: { rate: 0.02 }, ...options })
const { plugins } = tinyModel()
const replaying = (...more: Parameters<typeof createLearner>[0]) => [
  ...plugins,
  means(),
  recall({ perClass: 50 }),
  quick({ embedder: 'freeze-after-first' }),
  memorize(),
  ...more,
]
const accuracies = (report: Awaited<ReturnType<typeof run>>) => report.rows.map(row => row[0]!.value as number[])

describe('a run', () => {
  test('without recall forgets the old classes, and with recall keeps them', async () => {
    const naive = accuracies(await run(await createLearner([...plugins, quick(), tiny(), accuracy()])))
    const kept = accuracies(await run(await createLearner(replaying(tiny(), accuracy()))))
    expect(naive.map(row => row.length)).toEqual([1, 2, 3])
    expect(naive[2]![2]).toBeGreaterThan(0.9)
    expect(naive[2]![0]).toBeLessThan(0.2)
    expect(kept[2]![0]).toBeGreaterThan(0.5)
  })

  test('gives the same bits for the same seed, and others for another', async () => {
    const final = async (seed: number) => {
      const learner = await createLearner(replaying(tiny()), { seed })
      await run(learner)
      return Array.from((await learner.predict(new Float32Array([0.3, -0.7]))).scores)
    }
    const first = await final(3)
    expect(await final(3)).toEqual(first)
    expect(await final(4)).not.toEqual(first)
  })

  test('reports in the shape of its schema, with every read-out', async () => {
    const report = await run(await createLearner(replaying(tiny(), accuracy())))
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(JSON.parse(JSON.stringify(report)))
    expect(report.readouts).toEqual(['head', 'bayes', 'ensemble'])
    expect(report.kept['generator/means']).toEqual({ numbers: 6 * 3, bytes: 4 * 6 * 3 })
    expect(report.kept.head!.numbers).toBe(6 * 3 + 6)
    expect(Object.keys(report.seconds[0]!)).toEqual(['recall', 'learn', 'memorize', 'evaluate'])
  })

  test('tells evaluators of the tasks to come, the seconds of each phase, and what is kept after each task', async () => {
    const told: number[][] = []
    const report = await run(await createLearner(replaying(tiny(), witness())), {
      answered: ({ task }, answers, { tasks }) => {
        told.push([task.index, ...answers.map(({ labels }) => labels.length), tasks.length])
      },
    })
    // the task, the test examples of each task met, all tasks: as evaluators are told
    expect(told).toEqual([
      [0, 20, 3],
      [1, 20, 20, 3],
      [2, 20, 20, 20, 3],
    ])
    expect(report.rows.map(row => row.map(({ value }) => value))).toEqual([1, 2, 3].map(task => [3, 3, task * 2 * 3]))
    expect(Object.keys(report.kept)).toEqual(['embedder', 'head', 'generator/means'])
  })

  test('in a task-incremental stream answers among the classes of the task, and measures the tasks that were met', async () => {
    const rows = accuracies(
      await run(await createLearner([...plugins, quick(), tiny({ scenario: 'task' }), accuracy()])),
    )
    expect(rows[2]!.length).toBe(3)
    expect(Math.min(...rows[2]!)).toBeGreaterThan(0.3)
  })

  test('in a domain-incremental stream measures the tasks to come as well, with one head of fixed size', async () => {
    const learner = await createLearner([...plugins, quick(), tiny({ scenario: 'domain' }), accuracy()])
    expect(accuracies(await run(learner)).map(row => row.length)).toEqual([3, 3, 3])
    expect(learner.seen.names).toEqual(['class 0', 'class 1'])
  })

  test('leaves as many tensors after each task as after the one before', async () => {
    const counts: number[] = []
    const learner = await createLearner(replaying())
    for (const task of tinyTasks({ tasks: 5, scenario: 'domain' })) {
      await learner.learn(task)
      counts.push(tf.memory().numTensors)
    }
    expect(new Set(counts.slice(1)).size).toBe(1)
    await learner.dispose()
  })

  test('after dispose, leaves no tensor at all', async () => {
    const before = tf.memory().numTensors
    const learner = await createLearner(replaying(tiny()))
    await run(learner)
    await learner.dispose()
    expect(tf.memory().numTensors).toBe(before)
    await expect(learner.predict(new Float32Array(2))).rejects.toMatchObject({ code: 'disposed' })
  })

  test('without a stream is refused', async () => {
    await expect(run(await createLearner([...plugins]))).rejects.toMatchObject({ code: 'composition' })
  })
})

describe('a learner of your own arrays', () => {
  const x = new Float32Array(Array.from({ length: 40 }, (_, i) => (i % 4 < 2 ? 1 : -1)))
  const labels = Array.from({ length: 20 }, (_, i) => (i % 2 ? 'cat' : 'dog'))

  test('learns, predicts names, learns a new name, and remembers it after save and load', async () => {
    const make = () =>
      createLearner([
        ...plugins,
        means(),
        recall({ perClass: 20 }),
        quick({ embedder: 'freeze-after-first' }),
        memorize(),
      ])
    const learner = await make()
    await learner.learn({ x, shape: [2], labels })
    expect((await learner.predict(new Float32Array([1, 1, -1, -1]))).labels).toEqual(['dog', 'cat'])
    await learner.learn({ x: new Float32Array([3, -3, 3.1, -3]), shape: [2], labels: ['cow', 'cow'] })
    expect(learner.seen.names).toEqual(['dog', 'cat', 'cow'])
    const store = memoryStore()
    await learner.save(store)
    const loaded = await make()
    await loaded.load(store)
    const probe = new Float32Array([1, 1, -1, -1, 3, -3])
    expect(await loaded.predict(probe)).toEqual(await learner.predict(probe))
    expect((await loaded.predict(probe, { readout: 'bayes' })).labels).toEqual(['dog', 'cat', 'cow'])
    const more = { x, shape: [2], labels }
    await learner.learn(more)
    await loaded.learn(more)
    expect(await loaded.predict(probe)).toEqual(await learner.predict(probe))
    expect((await loaded.recall(2)).labels).toEqual(Int32Array.from([0, 1, 2, 0, 1, 2]))
  })

  test.each([
    ['predict before learn', (l: Awaited<ReturnType<typeof createLearner>>) => l.predict(x), 'untrained'],
    [
      'arrays whose lengths do not fit',
      (l: Awaited<ReturnType<typeof createLearner>>) => l.learn({ x, shape: [3], labels }),
      'data',
    ],
    [
      'NaN',
      (l: Awaited<ReturnType<typeof createLearner>>) =>
        l.learn({ x: x.map((v, i) => (i === 7 ? Number.NaN : v)), shape: [2], labels }),
      'data',
    ],
    [
      'no example',
      (l: Awaited<ReturnType<typeof createLearner>>) => l.learn({ x: new Float32Array(0), shape: [2], labels: [] }),
      'data',
    ],
  ])('refuses %s with a clear error, and stays usable', async (_, act, code) => {
    const learner = await createLearner([...plugins, quick({ iterations: 5 })])
    await expect(act(learner)).rejects.toMatchObject({ name: 'LgmError', code })
    await learner.learn({ x, shape: [2], labels })
    await expect(learner.learn({ x, shape: [4], labels: labels.slice(10) })).rejects.toThrow(
      /shape \[2\], as before, got \[4\]/,
    )
    const [first, second] = await Promise.allSettled([learner.predict(x), learner.predict(x)])
    expect([first.status, second]).toMatchObject(['fulfilled', { reason: { code: 'busy' } }])
    expect((await learner.predict(x)).labels).toHaveLength(20)
  })

  type Living = Awaited<ReturnType<typeof createLearner>>
  const data = { x, shape: [2], labels }
  /** What TypeScript keeps apart, and JavaScript does not. */
  const wrong = <Value>(value: unknown) => value as Value
  const disposed = () => {
    const tensor = tf.zeros([1, 2])
    tensor.dispose()
    return tensor
  }
  const examples = arrayExamples(x, [2], new Int32Array(20))

  test.each<[string, (l: Living) => Promise<unknown>, string, RegExp]>([
    ['a tensor of another rank', l => l.predict(tf.zeros([2])), 'input', /a tensor \[n, 2\], got \[2\]/],
    ['a tensor of another shape', l => l.predict(tf.zeros([1, 3])), 'input', /a tensor \[n, 2\], got \[1, 3\]/],
    ['a tensor of texts', l => l.predict(tf.tensor([['a', 'b']])), 'input', /of numbers \(.*\), got string/],
    ['a disposed tensor', l => l.predict(disposed()), 'input', /got a disposed one; keep it until predict returns/],
    ['a list', l => l.predict(wrong([1, 2])), 'input', /a tensor or Examples, got a value of Array/],
    ['64-bit numbers', l => l.predict(wrong(new Float64Array(2))), 'input', /got a value of Float64Array/],
    ['nothing', l => l.predict(wrong(undefined)), 'input', /a tensor or Examples, got undefined/],
    ['half an example', l => l.predict(new Float32Array(3)), 'input', /a multiple of 2 numbers .*, got 3/],
    ['examples of another shape', l => l.predict(arrayExamples(x, [4], new Int32Array(10))), 'data', /shape \[2\]/],
    ['NaN to predict', l => l.predict(new Float32Array([1, Number.NaN])), 'data', /finite numbers, got NaN/],
    ['an unknown read-out', l => l.predict(x, { readout: 'bayes' }), 'input', /a read-out among head, got "bayes"/],
    ['recall without a generator', l => l.recall(2), 'composition', /expected a generator, got none/],
    ['recall of half a sample', l => l.recall(0.5), 'input', /samples per class from 1, got 0\.5/],
    ['no task', l => l.learn(wrong(undefined)), 'input', /a task, or \{ x, shape, labels \}, got undefined/],
    ['a task without examples', l => l.learn(wrong({ train: {}, test: {} })), 'input', /a task, or/],
    ['arrays without labels', l => l.learn(wrong({ x, shape: [2] })), 'input', /a task, or/],
    ['a label that is none', l => l.learn(wrong({ ...data, labels: labels.with(3, wrong(null)) })), 'data', /got null/],
    ['a list of numbers', l => l.learn(wrong({ ...data, x: [...x] })), 'data', /Float32Array or Uint8Array, got Array/],
    ['a side below 1', l => l.learn({ ...data, shape: [-2] }), 'data', /sides from 1, got \[-2\]/],
    [
      'a label that is none of the classes of its task',
      l => l.learn({ index: 1, name: 't', classes: [1], names: ['b'], train: examples, test: examples }),
      'data',
      /labels among its classes 1, got 0/,
    ],
    [
      'a task whose ids leave a gap',
      l => l.learn({ index: 1, name: 't', classes: [7], names: ['h'], train: examples, test: examples }),
      'data',
      /class id 2 next, got 7/,
    ],
    [
      'a task with a class without a name',
      l => l.learn({ index: 1, name: 't', classes: [0], names: [], train: examples, test: examples }),
      'data',
      /names of its 1 classes, got 0/,
    ],
  ])('that is given %s says so, and is as it was', async (_, act, code, message) => {
    const learner = await createLearner([...plugins, quick({ iterations: 5 })])
    await learner.learn(data)
    const before = await learner.predict(x)
    const error: unknown = await act(learner).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'LgmError', code, message: expect.stringMatching(message) })
    expect(await learner.predict(x)).toEqual(before)
    expect(learner.tasks).toBe(1)
    await learner.dispose()
  })

  test('is called once at a time: a second call is refused, and the first is not disturbed', async () => {
    const learner = await createLearner([...plugins, quick({ iterations: 20 })])
    const alone = await createLearner([...plugins, quick({ iterations: 20 })])
    const first = learner.learn(data)
    const others = [
      () => learner.learn(data),
      () => learner.predict(x),
      () => learner.save(memoryStore()),
      () => learner.load(memoryStore()),
      () => learner.recall(1),
      () => learner.dispose(),
    ]
    for (const other of others) await expect(other()).rejects.toMatchObject({ name: 'LgmError', code: 'busy' })
    await first
    await alone.learn(data)
    expect(await learner.predict(x)).toEqual(await alone.predict(x))
  })

  test('before it has learned, or once it is disposed, says so', async () => {
    const learner = await createLearner([...plugins, means(), memorize(), quick({ iterations: 5 })])
    const [task] = tinyTasks({ tasks: 1 })
    const calls = [
      () => learner.predict(x),
      () => learner.recall(1),
      () => learner.save(memoryStore()),
      () => learner.answers(task!),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ name: 'LgmError', code: 'untrained' })
    await expect(learner.load(memoryStore())).rejects.toMatchObject({ name: 'LgmError', code: 'checkpoint' })
    await learner.learn(data)
    await learner.dispose()
    await learner.dispose()
    const more = [() => learner.learn(data), () => learner.load(memoryStore()), async () => learner.kept()]
    for (const call of [...calls, ...more])
      await expect(call()).rejects.toMatchObject({ name: 'LgmError', code: 'disposed' })
  })

  test('in a task-incremental stream is asked for a task that it has learned', async () => {
    const learner = await createLearner([...plugins, quick({ iterations: 5 }), tiny({ scenario: 'task' })])
    await run(learner)
    const probe = new Float32Array(2)
    await expect(learner.predict(probe)).rejects.toMatchObject({ code: 'input' })
    for (const task of [3, -1, 0.5, Number.NaN])
      await expect(learner.predict(probe, { task })).rejects.toMatchObject({ name: 'LgmError', code: 'input' })
    expect((await learner.predict(probe, { task: 2 })).labels).toHaveLength(1)
  })

  test('keeps nothing of a checkpoint that is damaged', async () => {
    const make = () => createLearner([...plugins, means(), memorize(), quick({ iterations: 5 })])
    const [saved, learner] = [await make(), await make()]
    await saved.learn(data)
    const store = memoryStore()
    await saved.save(store)
    const read = async (name: string) =>
      (await store.read(name)).subarray(0, name.startsWith('plugins') ? 20 : undefined)
    await learner.learn(data)
    const [before, tensors] = [await learner.predict(x), tf.memory().numTensors]
    await expect(learner.load({ ...store, read })).rejects.toMatchObject({ name: 'LgmError', code: 'checkpoint' })
    expect(tf.memory().numTensors).toBe(tensors)
    expect(await learner.predict(x)).toEqual(before)
  })

  test('one example is enough', async () => {
    const learner = await createLearner([...plugins, quick({ iterations: 5 })])
    await learner.learn({ x: new Float32Array([1, 2]), shape: [2], labels: ['only'] })
    expect((await learner.predict(new Float32Array([1, 2]))).labels).toEqual(['only'])
  })

  test('a diverging run stops with the fit, the step and the term, and the learner is as before', async () => {
    const learner = await createLearner([...plugins, quick({ iterations: 60, optimizer: { use: 'sgd', rate: 3e38 } })])
    const contradictory = { x: new Float32Array(40).fill(1), shape: [2], labels }
    const before = tf.memory().numTensors
    await expect(learner.learn(contradictory)).rejects.toThrow(
      /^learn: expected finite losses, got .* in the term "current" at step \d+ of 60; /,
    )
    expect(tf.memory().numTensors).toBe(before)
    await expect(learner.predict(x)).rejects.toMatchObject({ code: 'untrained' })
  })

  test('a failed run says why, even where an observer cannot write that it failed', async () => {
    class Full implements Observer {
      notice({ type }: LearnerEvent) {
        if (type === 'run-failed') throw expected('full', 'some space', 'none', 'free some', 'write')
      }
    }
    const options = z.strictObject({})
    const full = definePlugin({ point: Observer, name: 'full', summary: 'cannot write', options, class: Full })
    const diverging = quick({ iterations: 60, optimizer: { use: 'sgd', rate: 3e38 } })
    const learner = await createLearner([...plugins, tiny(), diverging, full()])
    await expect(run(learner)).rejects.toMatchObject({ code: 'not-finite' })
  })

  test('an aborted run stops between steps', async () => {
    const controller = new AbortController()
    const learner = await createLearner([...plugins, quick({ iterations: 100_000 })], { signal: controller.signal })
    setTimeout(() => controller.abort(), 100)
    await expect(learner.learn({ x, shape: [2], labels })).rejects.toMatchObject({ name: 'Interrupted' })
  })
})

describe('composition', () => {
  class Zero implements Regularizer {
    consolidate() {}
    state() {
      return { tensors: {}, values: {} }
    }
    restore() {}
  }
  const zero = definePlugin({
    point: Regularizer,
    name: 'zero',
    summary: 'nothing',
    options: z.strictObject({}),
    class: Zero,
  })
  test.each([
    ['no embedder', [plugins[1]!], /expected one embedder, got none/],
    ['two heads', [...plugins, plugins[1]!], /at most one head, got tiny and tiny/],
    [
      'a phase that needs a generator',
      [...plugins, learn(), memorize()],
      /phase "memorize": expected a generator beside it/,
    ],
    ['a decode phase without a decoder', [...plugins, decode()], /phase "decode": expected a decoder/],
    [
      'a generator that no phase fills',
      [...plugins, means(), learn()],
      /expected "memorize", since there is a generator/,
    ],
    [
      'a regularizer that no phase consolidates',
      [...plugins, zero(), learn()],
      /expected "consolidate", since there is a regularizer/,
    ],
    [
      'decoded rehearsal without a decoder',
      [...plugins, learn({ decoded: 0.5 })],
      /a decoder for the options decoded and autoencode/,
    ],
  ])('refuses %s', async (_, list, message) => {
    await expect(createLearner(list)).rejects.toThrow(message)
    await expect(createLearner(list)).rejects.toBeInstanceOf(LgmError)
  })

  test('refuses a read-out that needs a density', async () => {
    await expect(createLearner([...plugins], { readout: 'bayes' })).rejects.toThrow(/a read-out among head, got bayes/)
  })

  test('without phases takes those that have something to do', async () => {
    const learner = await createLearner([...plugins, means(), zero()])
    expect([...learner.parts.parts.keys()].filter(name => name.startsWith('phase'))).toEqual([
      'phase/recall',
      'phase/learn',
      'phase/memorize',
      'phase/consolidate',
    ])
  })

  test('gives two plugins of one kind names and randomness of their own', async () => {
    const drawn: number[] = []
    class Drawing extends Zero {
      constructor(@inject(Rng) rng: Rng, @inject(Events) _: Events) {
        super()
        drawn.push(rng.uniform(1)[0]!)
      }
    }
    const drawing = definePlugin({
      point: Regularizer,
      name: 'drawing',
      summary: 'draws',
      options: z.strictObject({}),
      class: Drawing,
    })
    const learner = await createLearner([...plugins, drawing(), drawing()])
    expect([...learner.parts.parts.keys()].filter(name => name.startsWith('regularizer'))).toEqual([
      'regularizer/drawing',
      'regularizer/drawing-2',
    ])
    expect(drawn[0]).not.toBe(drawn[1])
  })
})

test('soft targets of the last classifier keep what it knew', async () => {
  const learner = await createLearner([
    ...plugins,
    means(),
    recall({ perClass: 50 }),
    quick({ labels: 'soft', embedder: 'freeze-after-first' }),
    memorize(),
    tiny(),
    accuracy(),
  ])
  expect(accuracies(await run(learner))[2]![0]).toBeGreaterThan(0.7)
})

test('arrays of examples keep to their labels when selected', () => {
  const examples = arrayExamples(new Float32Array([1, 2, 3]), [1], Int32Array.from([0, 1, 2]))
  expect(examples.read(Int32Array.from([2, 0]))).toEqual(new Float32Array([3, 1]))
})
