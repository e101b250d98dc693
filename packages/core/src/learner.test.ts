import { tinyModel, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { memoryStore } from './checkpoint.js'
import { inject } from './container.js'
import {
  Evaluator,
  Events,
  Generator,
  Options,
  Regularizer,
  Rng,
  Stream,
  type Task,
  type TaskState,
} from './contracts.js'
import { LgmError } from './errors.js'
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
    await expect(Promise.all([learner.predict(x), learner.predict(x)])).rejects.toMatchObject({ code: 'busy' })
    expect((await learner.predict(x)).labels).toHaveLength(20)
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
