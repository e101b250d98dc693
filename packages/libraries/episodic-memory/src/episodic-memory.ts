import {
  checkShapes,
  classMask,
  cloneParams,
  type Decoder,
  differentiate,
  type Embedder,
  type Examples,
  expected,
  type Generator,
  type Head,
  indicesByLabel,
  inMemory,
  meanCrossEntropy,
  oneHot,
  type Params,
  protectedParams,
  type Rng,
  range,
  requireProtected,
  type SeenClasses,
  type State,
  type Stateful,
  sampler,
  subset,
  type TaskState,
  upload,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** The options of a method that compares its gradient with that on a memory, to be spread into a schema. */
export const memoryOptions = {
  memory: z
    .enum(['examples', 'decoded', 'latent'])
    .default('examples')
    .describe(
      'examples: stored ones of every finished task; decoded: recall as the decoder shows it; latent: recall itself, whose gradient reaches the head only',
    ),
  perClass: z
    .int()
    .positive()
    .default(25)
    .describe('memory: examples: how many are stored of each class of each task, drawn at random'),
  batchSize: z
    .int()
    .positive()
    .default(256)
    .describe('examples of the memory per gradient on it; all of them where there are fewer'),
  protect: z
    .enum(['embedder', 'embedder+head'])
    .default('embedder+head')
    .describe('which part of the gradient is projected, as one vector'),
}

/** The options, parsed. */
export type MemorySettings = z.output<z.ZodObject<typeof memoryOptions>>

/** What a memory is read through; a generator and a decoder are asked for where the memory is made by them. */
export interface MemoryParts {
  readonly embedder: Embedder
  readonly head: Head
  readonly generator: Generator | undefined
  readonly decoder: Decoder | undefined
  readonly rng: Rng
}

/** Stored examples `[n, ...example]` and labels `[n] int32`, task by task, with the number of each task. */
interface Stored {
  readonly examples: tf.Tensor
  readonly labels: tf.Tensor1D
  readonly counts: readonly number[]
}

/** The rows that are open to a task's training, and a draw of some of them for each group. */
interface Pool {
  readonly rows: (indices: Int32Array) => tf.Tensor
  readonly labels: Int32Array
  readonly draws: readonly (() => Int32Array)[]
  readonly seen: SeenClasses
}

/**
 * What is known of finished tasks while another is learned: examples stored of each, or recall of a generator, and the gradient of
 * the mean cross-entropy on some of it. `add` stores, at the end of a task; `open` and `close` enclose the training on the next.
 */
export class EpisodicMemory implements Stateful {
  readonly #where: string
  readonly #settings: MemorySettings
  readonly #parts: MemoryParts
  #stored: Stored | undefined
  #pool: Pool | undefined

  /**
   * @param where whose memory it is, for messages, such as `regularizer "a-gem"`
   * @throws LgmError `composition` where the memory would need a generator or a decoder that is not there, or could not reach the
   * parameters that are protected.
   */
  constructor(where: string, settings: MemorySettings, parts: MemoryParts) {
    const { memory, protect } = settings
    const needs = { examples: [], latent: ['generator'], decoded: ['generator', 'decoder'] } as const
    for (const need of needs[memory])
      if (!parts[need])
        throw expected(
          where,
          `a ${need} for memory: ${memory}`,
          'none',
          `add a ${need}, or set memory: examples`,
          composition,
        )
    if (memory === 'latent' && protect === 'embedder')
      throw expected(
        where,
        'protect: embedder+head with memory: latent, whose gradient does not reach the embedder',
        `protect: ${protect}`,
        'set it, or another memory',
        composition,
      )
    this.#where = where
    this.#settings = settings
    this.#parts = parts
  }

  /** How many gradients there are: 0 where nothing is open or remembered yet, 1 for all tasks together, or one for each past task. */
  get groups(): number {
    return this.#pool?.draws.length ?? 0
  }

  /**
   * Opens the memory to the training on a task.
   * @throws LgmError `composition` when there is nothing to protect, when recall is asked for and there is none, and when it is to be
   * told apart by task where all tasks have the same classes.
   */
  async open(state: TaskState, split: 'together' | 'by task'): Promise<void> {
    this.close()
    requireProtected(this.#where, state.model, this.#settings.protect)
    const found =
      this.#settings.memory === 'examples' ? await this.#storedRows() : await this.#recalledRows(state, split)
    if (!found) return
    const groups = split === 'together' ? [range(0, found.labels.length)] : [...indicesByLabel(found.tasks).values()]
    const draws = groups.map(group => {
      const next = sampler(group.length, Math.min(this.#settings.batchSize, group.length), this.#parts.rng)
      return () => next().map(i => group[i]!)
    })
    this.#pool = { rows: found.rows, labels: found.labels, draws, seen: state.seen }
  }

  close(): void {
    this.#pool = undefined
  }

  async #storedRows() {
    if (!this.#stored) return undefined
    const { examples, labels, counts } = this.#stored
    return {
      rows: (indices: Int32Array) => tf.gather(examples, tf.tensor1d(indices, 'int32')),
      labels: Int32Array.from(await labels.data()),
      tasks: Int32Array.from(counts.flatMap((count, task) => new Array<number>(count).fill(task))),
    }
  }

  async #recalledRows(state: TaskState, split: 'together' | 'by task') {
    const { before } = state
    if (before.names.length === 0) return undefined
    const { memory } = this.#settings
    const recalled: Examples | undefined = memory === 'decoded' ? state.decodedRecall : state.recall
    if (!recalled)
      throw expected(
        this.#where,
        `recall for memory: ${memory}`,
        'none',
        'list the phase recall before learn',
        composition,
      )
    if (split === 'by task' && before.scenario === 'domain')
      throw expected(
        this.#where,
        'tasks that can be told from the classes of recall',
        'a domain-incremental stream',
        'set memory: examples',
        composition,
      )
    return {
      rows: await inMemory(recalled),
      labels: recalled.labels,
      tasks: recalled.labels.map(label => before.taskOf[label]!),
    }
  }

  /**
   * The gradient, at `params`, of the mean cross-entropy on a batch of one group, over the active classes of each example; only of
   * the parameters in `names`, and of those only where the memory reaches them.
   */
  gradient(group: number, params: Params, names: readonly string[]): Params {
    const { rows, labels, draws, seen } = this.#pool!
    const { embedder, head } = this.#parts
    const indices = draws[group]!()
    const drawn = indices.map(index => labels[index]!)
    return tf.tidy(() => {
      const x = rows(indices)
      const targets = oneHot(drawn, seen.names.length)
      const mask = classMask(drawn, seen)
      const { terms, gradients } = differentiate(Object.fromEntries(names.map(name => [name, params[name]!])), () => {
        const u = this.#settings.memory === 'latent' ? x : embedder.embed(subset(params, 'embedder'), x)
        const logits = head.classify(subset(params, 'head'), u)
        return { memory: meanCrossEntropy(mask ? logits.add(mask) : logits, targets) }
      })
      tf.dispose(terms)
      return gradients as Params & tf.TensorContainer
    })
  }

  /** Draws what `steps` gradients of each group have drawn, so that the next ones are those that come after them. */
  passOver(steps: number): void {
    for (let step = 0; step < steps; step++) for (const draw of this.#pool?.draws ?? []) draw()
  }

  /**
   * The names of the gradients that are projected.
   * @throws LgmError `composition` when there are none: what is protected does not learn.
   */
  names(gradients: Params): readonly string[] {
    const names = Object.keys(protectedParams(gradients, this.#settings.protect))
    if (names.length > 0) return names
    throw expected(
      this.#where,
      'an embedder that learns, since it alone is protected',
      'a frozen one',
      'set protect: embedder+head, let the embedder learn, or leave it out',
      composition,
    )
  }

  /** Stores examples of a finished task, as many of each class; nothing where the memory is made by a generator. */
  async add({ task: { train } }: TaskState): Promise<void> {
    if (this.#settings.memory !== 'examples') return
    const { perClass } = this.#settings
    const chosen = [...indicesByLabel(train.labels).values()].map(indices => {
      const order = this.#parts.rng.permutation(indices.length).subarray(0, perClass)
      return order.map(place => indices[place]!)
    })
    const indices = Int32Array.from(chosen.flatMap(places => [...places]))
    const examples = await upload(train, indices)
    const labels = tf.tensor1d(
      indices.map(index => train.labels[index]!),
      'int32',
    )
    const old = this.#stored
    const counts = [...(old?.counts ?? []), indices.length]
    this.#stored = old
      ? { examples: tf.concat([old.examples, examples]), labels: tf.concat([old.labels, labels]), counts }
      : { examples, labels, counts }
    if (old) tf.dispose([old.examples, old.labels, examples, labels])
  }

  state(): State {
    if (!this.#stored) return { tensors: {}, values: {} }
    const { examples, labels, counts } = this.#stored
    return { tensors: { examples: tf.keep(examples.clone()), labels: tf.keep(labels.clone()) }, values: { counts } }
  }

  restore({ tensors, values }: State): void {
    this.dispose()
    if (Object.keys(tensors).length === 0) return
    const { counts } = stored.parse(values)
    const count = counts.reduce((sum, each) => sum + each, 0)
    const shapes = { examples: [count, ...(tensors.examples?.shape.slice(1) ?? [])], labels: [count] }
    checkShapes(this.#where, tensors, shapes, name => (name === 'labels' ? 'int32' : 'float32'))
    const { examples, labels } = cloneParams(tensors)
    this.#stored = { examples: examples!, labels: labels as tf.Tensor1D, counts }
  }

  dispose(): void {
    this.close()
    if (this.#stored) tf.dispose([this.#stored.examples, this.#stored.labels])
    this.#stored = undefined
  }
}

const composition = 'composition'

const stored = z.object({ counts: z.array(z.int().min(0)) })

/** Σ aᵢbᵢ over the numbers of all tensors that both have. */
export function innerProduct(a: Params, b: Params): tf.Scalar {
  const products = Object.keys(a)
    .filter(name => b[name])
    .map(name => tf.matMul(a[name]!.reshape([1, -1]), b[name]!.reshape([-1, 1])))
  return (products.length > 0 ? tf.addN(products).asScalar() : tf.scalar(0)) as tf.Scalar
}
