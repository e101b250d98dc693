import {
  type Answers,
  Decoder,
  definePlugin,
  Embedder,
  Evaluator,
  flatten,
  Generator,
  Head,
  inject,
  type Measurement,
  Options,
  Regularizer,
  Rng,
  type RunFacts,
  type State,
  type Stateful,
  sizeOf,
  type TaskState,
  Twins,
  unflatten,
  viewParams,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { multiplyAccumulates } from './multiply-accumulates.js'
import { markPeak, peakSince } from './peak.js'

const options = z.strictObject({
  bytesPerNumber: z
    .number()
    .positive()
    .default(4)
    .describe('bytes that a number of the raw data takes where it is stored: 4 as float32, 1 in pictures of bytes'),
})

const seconds = 'footprint/seconds/'
const memory = 'footprint/memory/'
const kept = 'footprint/kept/'
const work = 'footprint/multiply-accumulates/'
const unit = 'multiply-accumulates'

const stored = z.object({ data: z.array(z.tuple([z.int().min(0), z.number()])) })

/** What a learner keeps and takes. Remembers how many numbers each task had; of the data themselves nothing. */
class Footprint implements Evaluator, Stateful {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #head: Head
  readonly #regularizers: readonly Regularizer[]
  readonly #decoder: Decoder | undefined
  readonly #generator: Generator | undefined
  readonly #twins: Twins
  readonly #rng: Rng
  readonly #data = new Map<number, number>()
  // from the beginning: the first task is learned before anybody asks
  #mark = markPeak()

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Head) head: Head,
    @inject(Regularizer) regularizers: readonly Regularizer[],
    @inject(Decoder) decoder: Decoder | undefined,
    @inject(Generator) generator: Generator | undefined,
    @inject(Twins) twins: Twins,
    @inject(Rng) rng: Rng,
  ) {
    this.#options = parsed
    this.#embedder = embedder
    this.#head = head
    this.#regularizers = regularizers
    this.#decoder = decoder
    this.#generator = generator
    this.#twins = twins
    this.#rng = rng
  }

  evaluate(state: TaskState, _answers: readonly Answers[], facts?: RunFacts): readonly Measurement[] {
    const { index, train } = state.task
    const [tensors, peak] = [tf.memory().numBytes, peakSince(this.#mark)]
    this.#data.set(index, train.count * sizeOf(train.shape))
    const numbers = sum([...this.#data].map(([task, count]) => (task <= index ? count : 0)))
    const data = { numbers, bytes: numbers * this.#options.bytesPerNumber }
    const found = [
      ...this.#kept(facts, data),
      measured('footprint/data/numbers', data.numbers, 'numbers', 'training data of all tasks so far'),
      measured('footprint/data/bytes', data.bytes, 'bytes', 'training data of all tasks so far, as stored'),
      ...this.#work(state),
      ...this.#sampling(facts),
      ...Object.entries(facts?.seconds ?? {}).map(([phase, value]) =>
        measured(seconds + phase, value, 'seconds', 'of the phase, on the task at hand'),
      ),
      measured(
        `${memory}tensors`,
        tensors,
        'bytes',
        'tensors of the engine after the task, of learner and instruments',
      ),
      measured(
        `${memory}tensors-peak`,
        peak,
        'bytes',
        'most that tensors of the engine had at once while the task was learned and measured',
      ),
      ...processMemory().map(bytes =>
        measured(`${memory}process`, bytes, 'bytes', 'most that the process has had in main memory so far'),
      ),
    ]
    this.#mark = markPeak()
    return found
  }

  #kept(facts: RunFacts | undefined, data: Readonly<Record<'numbers' | 'bytes', number>>): Measurement[] {
    const owners = Object.entries(facts?.kept() ?? {})
    return (['numbers', 'bytes'] as const).flatMap(unit => {
      if (owners.length === 0) return []
      const total = sum(owners.map(([, owned]) => owned[unit]))
      return [
        measured(kept + unit, total, unit, 'sum over owners'),
        ...owners.map(([owner, owned]) => measured(`${kept}${unit}/${owner}`, owned[unit], unit, 'of the owner')),
        measured(`footprint/share/${unit}`, total / data[unit], 'ratio', 'kept, over the training data so far'),
      ]
    })
  }

  /** Multiply-accumulates of one example, through the views of the regularizers, and of one code through D. */
  #work({ task, model }: TaskState): Measurement[] {
    const per = 'from the kernels that run'
    return tf.tidy(() => {
      const { embedder, head, decoder } = unflatten(viewParams(this.#regularizers, flatten(model), task.index))
      const x = tf.zeros([1, ...task.train.shape])
      const u = this.#embedder.embed(embedder, x)
      const [encoding, classifying] = [
        multiplyAccumulates(() => this.#embedder.embed(embedder, x)),
        multiplyAccumulates(() => this.#head.classify(head, u)),
      ]
      const decode = this.#decoder && (() => this.#decoder!.decode(decoder, u))
      return [
        measured(`${work}embedder`, encoding, unit, `of one example through E, ${per}`),
        measured(`${work}embedder-and-head`, encoding + classifying, unit, `of one example through E and C, ${per}`),
        ...(decode
          ? [measured(`${work}decoder`, multiplyAccumulates(decode), unit, `of one code through D, ${per}`)]
          : []),
      ] as unknown as tf.TensorContainer
    }) as unknown as Measurement[]
  }

  /** Multiply-accumulates of one sample, drawn from a twin, so that the run draws what it would; none of a generator that holds nothing. */
  #sampling(facts: RunFacts | undefined): Measurement[] {
    const holds = Object.keys(facts?.kept() ?? {}).some(owner => owner.startsWith('generator/'))
    const twin = this.#generator && holds ? this.#twins.of(Generator, this.#rng.fork('sample')) : undefined
    if (!twin) return []
    try {
      const counted = multiplyAccumulates(() => twin.sample(Int32Array.of(0)))
      return [measured(`${work}generator-sample`, counted, unit, 'of one code drawn from G, from the kernels that run')]
    } finally {
      twin.dispose?.()
    }
  }

  summarize(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
    const overTasks = (prefix: string, how: string, combine: (values: number[]) => number): Measurement[] => {
      const all = rows.flat().filter(({ name }) => name.startsWith(prefix))
      return [...new Set(all.map(({ name }) => name))].map(name => {
        const figures = all.filter(figure => figure.name === name)
        const value = combine(figures.map(figure => figure.value as number))
        return { ...figures[0]!, value, aggregation: how }
      })
    }
    const last = (rows.at(-1) ?? []).filter(
      ({ name }) => ![seconds, memory, `${kept}numbers/`, `${kept}bytes/`].some(prefix => name.startsWith(prefix)),
    )
    return [
      ...last.map(figure => ({ ...figure, aggregation: `${figure.aggregation}, after the last task` })),
      ...overTasks(seconds, 'sum over tasks', sum),
      ...overTasks(memory, 'greatest after any task', values => Math.max(...values)),
    ]
  }

  state(): State {
    return { tensors: {}, values: { data: [...this.#data] } }
  }

  restore({ values }: State): void {
    const { data } = stored.parse(values)
    this.#data.clear()
    for (const [task, numbers] of data) this.#data.set(task, numbers)
  }
}

function measured(name: string, value: number, unit: string, aggregation: string): Measurement {
  return { name, value, unit, aggregation }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** In bytes; nothing where there is no process to ask, as in a browser. */
function processMemory(): number[] {
  const { process } = globalThis as { process?: { resourceUsage?: () => { readonly maxRSS: number } } }
  const kibibytes = process?.resourceUsage?.().maxRSS
  return kibibytes ? [kibibytes * 1024] : []
}

/**
 * What a learner keeps between tasks, by owner, against the raw data it has seen; the multiply-accumulates of one example through E, and
 * through E and C, of one code through D and of one sample of G; the seconds of each phase; and memory, with the peak of training. An accuracy says little without them: a method that keeps more than the data
 * has solved nothing.
 *
 * @example
 * footprint({ bytesPerNumber: 1 })
 */
export const footprint = definePlugin({
  point: Evaluator,
  name: 'footprint',
  summary: 'what is kept against the data seen, multiply-accumulates, seconds and memory',
  options,
  class: Footprint,
})
