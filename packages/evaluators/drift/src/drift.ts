import {
  arrayExamples,
  checkShapes,
  Decoder,
  definePlugin,
  Embedder,
  Evaluator,
  type Examples,
  flatten,
  inject,
  type Measurement,
  type Model,
  mapExamples,
  nameOf,
  Options,
  type Params,
  Regularizer,
  range,
  readAll,
  type State,
  type Stateful,
  selectExamples,
  type TaskState,
  unflatten,
  viewParams,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { linearCka, movement } from './measures.js'

const options = z.strictObject({
  examples: z
    .int()
    .positive()
    .default(1000)
    .describe('test examples of each task that are looked at, evenly spaced; their first codes are remembered'),
})

/** Test examples of task j, and the codes that E_j gave them just after it had learned the task; both outside the engine. */
interface Remembered {
  readonly inputs: Float32Array
  readonly shape: readonly number[]
  readonly labels: Int32Array
  readonly codes: Float32Array
}

const drifts = {
  'drift-total-variance': 'mean ‖E(x) − E_j(x)‖² over the total variance of E_j(x), on test data of task j',
  'drift-within-class-variance':
    'mean ‖E(x) − E_j(x)‖² over the variance of E_j(x) within classes, on test data of task j',
  'drift-squared-norm': 'mean ‖E(x) − E_j(x)‖² over mean ‖E_j(x)‖², on test data of task j',
} as const
const cka = 'cka'
const roundTrip = 'round-trip-error'

/**
 * How far the codes of earlier tasks' test data have moved since each task was learned. What it remembers for that is the memory of an
 * instrument, and not the learner's.
 */
class Drift implements Evaluator, Stateful {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #decoder: Decoder | undefined
  readonly #regularizers: readonly Regularizer[]
  readonly #remembered = new Map<number, Remembered>()

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Decoder) decoder: Decoder | undefined,
    @inject(Regularizer) regularizers: readonly Regularizer[],
  ) {
    this.#options = parsed
    this.#embedder = embedder
    this.#decoder = decoder
    this.#regularizers = regularizers
  }

  async evaluate({ task, model }: TaskState): Promise<readonly Measurement[]> {
    await this.#remember(task.index, task.test, model)
    const rows = new Map<string, (number | null)[]>()
    const names = [...Object.keys(drifts), cka, ...(this.#decoder ? [roundTrip] : [])]
    for (const name of names) rows.set(name, new Array(task.index + 1).fill(null))
    for (const [j, remembered] of this.#remembered) {
      if (j > task.index) continue
      const figures = await this.#figures(j, remembered, model, j < task.index)
      for (const [name, value] of Object.entries(figures)) rows.get(name)![j] = Number.isFinite(value) ? value : null
    }
    return Array.from(rows, ([name, value]) => ({ name, value, axis: 'task', ...descriptionOf(name) }))
  }

  async #remember(index: number, test: Examples, model: Model): Promise<void> {
    const { examples } = this.#options
    if (test.count === 0) return
    const count = Math.min(examples, test.count)
    const chosen = selectExamples(
      test,
      range(0, count).map(i => Math.floor((i * test.count) / count)),
    )
    const codes = await readAll(await this.#embed(index, chosen, model))
    this.#remembered.set(index, { inputs: await readAll(chosen), shape: test.shape, labels: chosen.labels, codes })
  }

  async #figures(
    j: number,
    { inputs, shape, labels, codes }: Remembered,
    model: Model,
    isEarlier: boolean,
  ): Promise<{ readonly [name: string]: number }> {
    const now = await this.#embed(j, arrayExamples(inputs, shape, labels), model)
    const error = this.#decoder ? { [roundTrip]: await this.#roundTripError(j, now, model) } : {}
    if (!isEarlier) return error
    const after = await readAll(now)
    const { moved, totalVariance, withinClassVariance, squaredNorm } = movement(codes, after, labels)
    // what is left of the variance of equal codes is rounding
    const over = (yardstick: number) => (yardstick > 1e-12 * squaredNorm ? moved / yardstick : Number.NaN)
    return {
      ...error,
      'drift-total-variance': over(totalVariance),
      'drift-within-class-variance': over(withinClassVariance),
      'drift-squared-norm': over(squaredNorm),
      [cka]: await similarity(codes, after, labels.length),
    }
  }

  /** Codes of examples of task j, by the model as it is used for that task. */
  #embed(j: number, examples: Examples, model: Model): Promise<Examples> {
    return mapExamples(examples, x => this.#embedder.embed(this.#viewed(j, model).embedder, x))
  }

  #viewed(j: number, model: Model): Model {
    return unflatten(viewParams(this.#regularizers, flatten(model), j))
  }

  /** Σ ‖u − E(D(u))‖² / Σ ‖u‖². */
  async #roundTripError(j: number, codes: Examples, model: Model): Promise<number> {
    const returned = await mapExamples(codes, u => {
      const { embedder, decoder } = this.#viewed(j, model)
      return this.#embedder.embed(embedder, this.#decoder!.decode(decoder, u))
    })
    const { moved, squaredNorm } = movement(await readAll(codes), await readAll(returned), codes.labels)
    return moved / squaredNorm
  }

  summarize(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
    return (rows.at(-1) ?? []).flatMap(({ name, value, unit }) => {
      const earlier = typeof value === 'number' ? [] : value.slice(0, -1).filter(figure => figure !== null)
      if (earlier.length === 0) return []
      const mean = earlier.reduce((sum, figure) => sum + figure, 0) / earlier.length
      return [{ name: `mean-${name}`, value: mean, unit, aggregation: 'mean over all tasks but the last, at the end' }]
    })
  }

  state(): State {
    const tensors: { [name: string]: tf.Tensor } = {}
    for (const [j, { inputs, shape, labels, codes }] of this.#remembered) {
      tensors[`${j}/inputs`] = tf.tensor(inputs, [labels.length, ...shape])
      tensors[`${j}/labels`] = tf.tensor1d(labels, 'int32')
      tensors[`${j}/codes`] = tf.tensor1d(codes)
    }
    return { tensors, values: { tasks: [...this.#remembered.keys()] } }
  }

  restore({ tensors, values }: State): void {
    const { tasks } = stored.parse(values)
    checkShapes(nameOf(this), tensors, shapesFor(tasks, tensors), name =>
      name.endsWith('/labels') ? 'int32' : 'float32',
    )
    this.#remembered.clear()
    for (const j of tasks) {
      const [inputs, labels, codes] = ['inputs', 'labels', 'codes'].map(name => tensors[`${j}/${name}`]!)
      this.#remembered.set(j, {
        inputs: Float32Array.from(inputs!.dataSync()),
        shape: inputs!.shape.slice(1),
        labels: Int32Array.from(labels!.dataSync()),
        codes: Float32Array.from(codes!.dataSync()),
      })
    }
  }
}

const stored = z.object({ tasks: z.array(z.int().min(0)) })

/** The shapes of what is remembered of tasks, as many labels and whole codes as there are examples. */
function shapesFor(tasks: readonly number[], tensors: Params): Record<string, readonly number[]> {
  const shapes = tasks.map(j => {
    const [inputs, codes] = [tensors[`${j}/inputs`]?.shape ?? [], tensors[`${j}/codes`]?.size ?? 0]
    const count = inputs[0] ?? 1
    return {
      [`${j}/inputs`]: [count, ...inputs.slice(1)],
      [`${j}/labels`]: [count],
      [`${j}/codes`]: [count * Math.max(1, Math.round(codes / count))],
    }
  })
  return Object.assign({}, ...shapes)
}

function descriptionOf(name: string): Pick<Measurement, 'unit' | 'aggregation'> {
  if (name === cka)
    return { unit: 'fraction', aggregation: 'linear CKA between E(x) and E_j(x), on test data of task j' }
  if (name === roundTrip)
    return { unit: 'ratio', aggregation: 'Σ ‖u − E(D(u))‖² / Σ ‖u‖² with u = E(x), on test data of task j' }
  return { unit: 'ratio', aggregation: drifts[name as keyof typeof drifts] }
}

/** Linear CKA of two sets of codes, rounding kept within 0 to 1; NaN where either does not vary. */
async function similarity(before: Float32Array, after: Float32Array, count: number): Promise<number> {
  const result = tf.tidy(() =>
    linearCka(tf.tensor2d(before, [count, before.length / count]), tf.tensor2d(after, [count, after.length / count])),
  )
  const [value] = await result.data()
  result.dispose()
  return Math.min(1, value!)
}

/**
 * The drift of the embedder: on test data of each earlier task j, how far E(x) has moved from E_j(x), as it was just after that task. Against
 * three yardsticks, because a drift that is small beside the total variance can be large beside the variance within a class, which is what
 * decides; linear CKA, which does not see rotations that a head could follow; and, where there is a decoder, the error of a round trip
 * E(D(u)). Each has the axis `task`; at the end, means over the earlier tasks.
 *
 * CKA: Kornblith et al. 2019, arXiv:1905.00414.
 *
 * @example
 * drift({ examples: 500 })
 */
export const drift = definePlugin({
  point: Evaluator,
  name: 'drift',
  summary: 'how far the codes of earlier tasks have moved, similarity (CKA), and round-trip error',
  options,
  class: Drift,
})
