import {
  createLearner,
  Dataset,
  Decoder,
  definePlugin,
  Embedder,
  Evaluator,
  type Examples,
  flatten,
  Generator,
  inject,
  type Learner,
  type LearnerEvent,
  learn,
  type Measurement,
  memorize,
  memoryStore,
  Observer,
  Options,
  type Params,
  type Plugin,
  Rng,
  recall,
  run,
  type State,
  Stream,
  type Task,
  type TaskState,
  z,
} from '@lgm/core'
import {
  build,
  checkEvaluator,
  expectClose,
  expectNoLeak,
  tinyDecoder,
  tinyGenerator,
  tinyHead,
  tinyModel,
  tinyState,
  tinyTasks,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { decode } from 'fast-png'
import { describe, expect, test } from 'vitest'
import { sampleQuality } from './sample-quality.js'

const none = z.strictObject({})
/** Classifiers that take no time. */
const quick: NonNullable<Parameters<typeof sampleQuality>[0]> = {
  samples: 60,
  classifier: { widths: [8], iterations: 3 },
}

/** Knows every class from the start: N((y, y, …), 1) for class y, with its density. */
class Ready implements Generator {
  readonly #rng: Rng
  constructor(@inject(Rng) rng: Rng) {
    this.#rng = rng
  }
  async memorize(): Promise<void> {}
  sample(labels: Int32Array): tf.Tensor {
    const noise = this.#rng.normal(3 * labels.length)
    return tf.tensor2d(
      noise.map((value, i) => value + labels[Math.floor(i / 3)]!),
      [labels.length, 3],
    )
  }
  logProbability(u: tf.Tensor, classes: number): tf.Tensor2D {
    return tf.tidy(() => {
      const distances = Array.from({ length: classes }, (_, y) => u.sub(y).square().sum(1))
      return tf
        .stack(distances, 1)
        .mul(-0.5)
        .sub(1.5 * Math.log(2 * Math.PI)) as tf.Tensor2D
    })
  }
  state(): State {
    return { tensors: {}, values: {} }
  }
  restore(): void {}
}
const ready = definePlugin({ point: Generator, name: 'ready', summary: 'for tests', options: none, class: Ready })

/** Has the means of classes, but of class 3 it draws class 0. */
const TinyGenerator = tinyGenerator().definition.class as new (rng: Rng) => Generator
class Sorted extends TinyGenerator {
  constructor(@inject(Rng) rng: Rng) {
    super(rng)
  }
  override sample(labels: Int32Array): tf.Tensor {
    return super.sample(labels.map(label => (label === 3 ? 0 : label)))
  }
}
const sorted = definePlugin({ point: Generator, name: 'sorted', summary: 'for tests', options: none, class: Sorted })

/** E(x) = x. */
class Same implements Embedder {
  codeShape = (shape: readonly number[]) => shape
  init = (): Params => ({})
  embed = (_params: Params, x: tf.Tensor) => x.clone()
}
const same = definePlugin({ point: Embedder, name: 'same', summary: 'codes are examples', options: none, class: Same })

/** Codes of three numbers → examples that repeat them, without parameters. */
class Repeat implements Decoder {
  readonly #shape: readonly number[]
  constructor(@inject(Options) { shape }: { shape: number[] }) {
    this.#shape = shape
  }
  init = (): Params => ({})
  decode(_params: Params, u: tf.Tensor): tf.Tensor {
    const [count, size] = [u.shape[0]!, tf.util.sizeFromShape([...this.#shape])]
    return tf.tidy(() =>
      tf
        .tile(u, [1, Math.ceil(size / 3)])
        .slice([0, 0], [count, size])
        .reshape([count, ...this.#shape]),
    )
  }
}
const repeat = definePlugin({
  point: Decoder,
  name: 'repeat',
  summary: 'for tests',
  options: z.strictObject({ shape: z.array(z.int()) }),
  class: Repeat,
})

checkEvaluator({ plugin: () => sampleQuality(quick), beside: [ready()], classesOf: 'examples' })
checkEvaluator({
  plugin: () => sampleQuality({ ...quick, neighbours: 1 }),
  beside: [ready(), repeat({ shape: [2] })],
  classesOf: 'examples',
})

/** A stream of these tasks, as a plugin. */
function streamOf(tasks: readonly Task[]): readonly Plugin[] {
  class Data implements Dataset {
    load = async () => ({ train: tasks[0]!.train, test: tasks[0]!.test, classes: tasks.flatMap(({ names }) => names) })
  }
  class Fixed implements Stream {
    readonly scenario = 'class'
    tasks = async () => tasks
  }
  return [
    definePlugin({ point: Dataset, name: 'fixed', summary: 'for tests', options: none, class: Data })(),
    definePlugin({ point: Stream, name: 'fixed', summary: 'for tests', options: none, class: Fixed })(),
  ]
}

/** Hears all events. */
function ear(): { readonly plugin: Plugin; readonly events: LearnerEvent[] } {
  const events: LearnerEvent[] = []
  class Ear implements Observer {
    notice = (event: LearnerEvent) => void events.push(event)
  }
  return {
    plugin: definePlugin({ point: Observer, name: 'ear', summary: 'for tests', options: none, class: Ear })(),
    events,
  }
}

const phases = [recall({ perClass: 20 }), learn({ iterations: 5 }), memorize()]
const figure = (row: readonly Pick<Measurement, 'name' | 'value'>[], name: string) =>
  row.find(measurement => measurement.name === name)?.value
const names = (row: readonly Pick<Measurement, 'name'>[]) => row.map(({ name }) => name)

async function evaluated(plugin: Plugin, beside: readonly Plugin[], tasks: readonly Task[], index = 0) {
  const parts = [...tinyModel({ shape: tasks[0]!.train.shape }).plugins, ...beside]
  const { model } = tinyModel({ shape: tasks[0]!.train.shape })
  const events: LearnerEvent[] = []
  const evaluator = build(Evaluator, plugin, { beside: parts, events })
  const rows = []
  for (let at = 0; at <= index; at++) rows.push(await evaluator.evaluate(tinyState(tasks, at, model), []))
  return { row: rows.at(-1)!, rows, evaluator, events }
}

describe('figures', () => {
  const tasks = tinyTasks({ tasks: 2, count: 24 })

  test('are of each class met so far, in latent space alone where nothing decodes', async () => {
    const { rows } = await evaluated(sampleQuality(quick), [ready()], tasks, 1)
    expect(names(rows[1]!)).toEqual([
      'latent-frechet-raw3',
      'latent-frechet-raw3-within-class',
      'latent-precision',
      'latent-recall',
      'latent-memorization-ratio',
      'latent-cas',
      'log-likelihood',
    ])
    for (const { name, value } of rows.flat())
      if (typeof value !== 'number') expect(value.every(Number.isFinite), name).toBe(true)
    expect(rows.map(row => (figure(row, 'latent-cas') as number[]).length)).toEqual([2, 4])
  })

  test('the log-likelihood is the mean over the codes of the test examples of a class, in nats', async () => {
    const { row, evaluator } = await evaluated(sampleQuality({ measures: ['log-likelihood'] }), [ready()], tasks)
    const { embedder, model } = tinyModel()
    const { test } = tasks[0]!
    const x = tf.tensor2d(await test.read(Int32Array.from(test.labels.keys())), [test.count, 2])
    const codes = (embedder.embed(model.embedder, x) as tf.Tensor2D).arraySync()
    const mean = (y: number) => {
      const nats = codes
        .filter((_, i) => test.labels[i] === y)
        .map(u => u.reduce((sum, value) => sum - 0.5 * (value - y) ** 2 - 0.5 * Math.log(2 * Math.PI), 0))
      return nats.reduce((sum, value) => sum + value, 0) / nats.length
    }
    expectClose(figure(row, 'log-likelihood') as number[], [mean(0), mean(1)], 1e-5)
    const summary = evaluator.summarize!([row])
    expectClose(figure(summary, 'mean-log-likelihood') as number, (mean(0) + mean(1)) / 2, 1e-5)
    // one class is deemed impossible
    const impossible = row.map(measured => ({ ...measured, value: [mean(0), null] }))
    expect(evaluator.summarize!([impossible])).toEqual([])
  })

  test('where codes are examples both spaces are one, called decoded', async () => {
    const beside = [same(), tinyHead(), tinyGenerator()]
    const learner = await createLearner([...beside, ...phases, sampleQuality(quick)])
    const { state } = await learner.learn(tasks[0]!)
    const row = await learner.parts.one(Evaluator)!.evaluate(state, [])
    expect(names(row).filter(name => !name.startsWith('decoded-'))).toEqual([])
    expect(figure(row, 'decoded-precision')).toHaveLength(2)
    await learner.dispose()
  })

  test('samples that are the examples are precise, cover all, and are told from new ones', async () => {
    // the test data are the training data of a buffer without limit, drawn without replacement
    const copied = tinyTasks({ tasks: 1, count: 24 }).map(task => ({ ...task, train: task.test }))
    class Copies extends Ready {
      #kept: Examples | undefined
      override async memorize(...[fresh]: Parameters<Generator['memorize']> | []): Promise<void> {
        this.#kept = fresh
      }
      override sample(labels: Int32Array): tf.Tensor {
        const { count, labels: all, shape } = this.#kept!
        const places = new Map<number, number>()
        const chosen = labels.map(label => {
          let at = places.get(label) ?? -1
          do at = (at + 1) % count
          while (all[at] !== label)
          places.set(label, at)
          return at
        })
        return tf.tensor(this.#kept!.read(chosen) as Float32Array, [labels.length, ...shape])
      }
      override state(): State {
        return { tensors: {}, values: { kept: this.#kept } }
      }
      override restore(state?: State): void {
        this.#kept = state?.values.kept as Examples | undefined
      }
    }
    const copies = definePlugin({
      point: Generator,
      name: 'copies',
      summary: 'for tests',
      options: none,
      class: Copies,
    })
    const fresh = tinyTasks({ tasks: 1, count: 24, seed: 0 })[0]!
    const parts = [same(), tinyHead(), copies(), learn({ iterations: 2 }), memorize()]
    const learner = await createLearner([...parts, sampleQuality(quick)])
    const { state } = await learner.learn(copied[0]!)
    const evaluator = learner.parts.one(Evaluator)!
    const row = await evaluator.evaluate(state, [])
    expect(figure(row, 'decoded-precision')).toEqual([1, 1])
    expect(figure(row, 'decoded-recall')).toEqual([1, 1])
    expectClose(figure(row, 'decoded-frechet-raw2') as number, 0, 1e-9)
    // test examples stand among the training examples: there is nothing to hold copies against
    expect(figure(row, 'decoded-memorization-ratio')).toEqual([null, null])
    const against = { ...state, task: { ...copied[0]!, train: fresh.test, test: fresh.train } }
    expect(figure(await evaluator.evaluate(against, []), 'decoded-memorization-ratio')).toEqual([0, 0])
    await learner.dispose()
  })

  test('there is none where test examples are missing, or too few', async () => {
    const [task] = tinyTasks({ tasks: 1, count: 4 })
    const two = await evaluated(sampleQuality(quick), [ready()], [task!])
    // two test examples of each class: no third neighbour, and no covariance of 3 numbers; of all four there is one
    expect(figure(two.row, 'latent-precision')).toEqual([null, null])
    expect(figure(two.row, 'latent-frechet-raw3-within-class')).toEqual([null, null])
    expect(figure(two.row, 'latent-frechet-raw3')).toEqual(expect.any(Number))
    const test = { ...task!.test, count: 0, labels: new Int32Array(0) }
    const { row, evaluator } = await evaluated(sampleQuality(quick), [ready()], [{ ...task!, test }])
    for (const { value } of row) expect(value).toEqual([null, null])
    expect(evaluator.summarize!([row])).toEqual([])
  })

  test('only what is asked for is measured', async () => {
    const { row } = await evaluated(sampleQuality({ ...quick, measures: ['cas'] }), [ready()], tasks)
    expect(names(row)).toEqual(['latent-cas'])
  })

  test('at the end stand the means over classes', async () => {
    const { rows, evaluator } = await evaluated(sampleQuality(quick), [ready()], tasks, 1)
    const summary = evaluator.summarize!(rows)
    const cas = figure(rows[1]!, 'latent-cas') as number[]
    expectClose(figure(summary, 'mean-latent-cas') as number, (cas[0]! + cas[1]! + cas[2]! + cas[3]!) / 4, 1e-12)
    expect(figure(summary, 'latent-frechet-raw3')).toBe(figure(rows[1]!, 'latent-frechet-raw3'))
  })

  test('decoded space without a decoder is refused in one clear line', async () => {
    const refused = evaluated(sampleQuality({ ...quick, space: 'decoded' }), [ready()], tasks)
    await expect(refused).rejects.toThrow(/expected a decoder, or an embedder whose codes are the examples/)
  })
})

describe('in a run', () => {
  const options = { ...quick, columns: 3 }
  const shape = [4, 4, 1]
  const tasks = tinyTasks({ tasks: 2, count: 12, shape })
  const parts = () => [...tinyModel().plugins, tinyDecoder(), tinyGenerator(), ...streamOf(tasks), ...phases]
  const weights = (learner: Learner, { model }: TaskState) => {
    const rngs = Object.fromEntries(Array.from(learner.parts.rngs, ([name, rng]) => [name, rng.state()]))
    return [Object.entries(flatten({ ...model })).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]), rngs]
  }

  test('the model and all randomness are the same with it and without', async () => {
    const final = async (evaluators: readonly Plugin[]) => {
      const learner = await createLearner([...parts(), ...evaluators], { seed: 3 })
      let found: unknown
      for (const task of tasks) {
        const { state } = await learner.learn(task)
        for (const evaluator of learner.parts.all(Evaluator)) await evaluator.evaluate(state, [])
        found = weights(learner, state)
      }
      const { [evaluatorName]: own, ...rngs } = (found as [unknown, Record<string, unknown>])[1]
      const answers = await learner.answers(tasks[1]!)
      await learner.dispose()
      return { own, rngs, model: (found as unknown[])[0], answers }
    }
    const evaluatorName = 'evaluator/sample-quality'
    const { own, ...measured } = await final([sampleQuality(options)])
    const { own: nobody, ...alone } = await final([])
    expect([own === undefined, nobody]).toEqual([false, undefined])
    expect(measured).toEqual(alone)
  })

  test('each task gives a picture with a row for each class, of decoded samples', async () => {
    const { plugin, events } = ear()
    const learner = await createLearner([...parts(), sampleQuality(options), plugin])
    await run(learner)
    await learner.dispose()
    const pictures = events.filter(event => event.type === 'picture')
    expect(pictures.map(({ task, name }) => [task, name])).toEqual([
      [0, 'sample-quality'],
      [1, 'sample-quality'],
    ])
    // 3 columns of 4 pixels and gaps of 2; a row for each of 2, then 4 classes
    const sizes = pictures.map(({ png }) => decode(png)).map(({ width, height, channels }) => [width, height, channels])
    expect(sizes).toEqual([
      [16, 10, 1],
      [16, 22, 1],
    ])
  })

  test('labels are checked by a classifier that has seen the data of all tasks, and is trained once', async () => {
    const { plugin, events } = ear()
    const classifier = { widths: [16], iterations: 60, optimizer: { rate: 0.01 } }
    const evaluator = sampleQuality({ ...options, measures: ['label-consistency'], classifier })
    const beside = [same(), tinyHead(), sorted(), ...streamOf(tasks), ...phases]
    const learner = await createLearner([...beside, evaluator, plugin])
    const { rows, summary } = await run(learner)
    await learner.dispose()
    for (const row of rows)
      for (const share of figure(row, 'label-classifier-accuracy') as number[]) expect(share).toBeGreaterThan(0.9)
    // of class 3 it draws class 0
    const [first, second, third, wrong] = figure(rows[1]!, 'label-consistency') as number[]
    for (const share of [first, second, third]) expect(share).toBeGreaterThan(0.9)
    expect(wrong).toBeLessThan(0.1)
    expect(names(summary)).toContain('mean-label-consistency')
    const last = events.filter(event => event.type === 'step' && event.fit.endsWith('label classifier')).at(-1)
    const tasksBefore = events.slice(0, events.indexOf(last!)).filter(({ type }) => type === 'task-end')
    expect(tasksBefore).toEqual([])
  })

  test('a learner from a checkpoint is measured alike', async () => {
    const start = () => createLearner([...parts(), sampleQuality(options)])
    const facts = { tasks, seconds: {}, kept: () => ({}) }
    const [steady, resumed] = [await start(), await start()]
    const measure = async (learner: Learner, index: number) =>
      learner.parts.one(Evaluator)!.evaluate((await learner.learn(tasks[index]!)).state, [], facts)
    await measure(steady, 0)
    const store = memoryStore()
    await steady.save(store)
    await resumed.load(store)
    expect(await measure(resumed, 1)).toEqual(await measure(steady, 1))
    await steady.dispose()
    await resumed.dispose()
  })

  test('nothing is left behind in the engine, also by what decodes and draws', async () => {
    const learner = await createLearner([...parts(), sampleQuality(options)])
    const { state } = await learner.learn(tasks[0]!)
    const facts = { tasks, seconds: {}, kept: () => ({}) }
    await expectNoLeak(async () => void (await learner.parts.one(Evaluator)!.evaluate(state, [], facts)))
    await learner.dispose()
  })
})

describe('pictures', () => {
  const picturesOf = async (shape: readonly number[], columns = 2) => {
    const { events } = await evaluated(
      sampleQuality({ ...quick, columns, measures: ['precision-recall'] }),
      [ready(), repeat({ shape: [...shape] })],
      tinyTasks({ tasks: 1, count: 12, shape }),
    )
    return events.filter(event => event.type === 'picture')
  }

  test('are of colours where examples are', async () => {
    expect(decode((await picturesOf([3, 3, 3]))[0]!.png).channels).toBe(3)
  })

  test('there are none of vectors, and none where none are asked for', async () => {
    expect(await picturesOf([5])).toEqual([])
    expect(await picturesOf([3, 3, 1], 0)).toEqual([])
  })
})

test('a mistyped option is an error', () => {
  expect(() => sampleQuality({ sample: 3 } as Parameters<typeof sampleQuality>[0])).toThrow(/did you mean "samples"/)
})
