import {
  Decoder,
  definePlugin,
  Embedder,
  Generator,
  Head,
  inject,
  type Measurement,
  nameOf,
  Options,
  type Params,
  Regularizer,
  Rng,
  type State,
  type TaskState,
  z,
} from '@lgm/core'
import { EpisodicMemory, memoryOptions } from '@lgm/episodic-memory'
import * as tf from '@tensorflow/tfjs'
import { minimizeAbove } from './minimize-above.js'

const options = z.strictObject({
  ...memoryOptions,
  margin: z
    .number()
    .min(0)
    .default(0.5)
    .describe('γ, least weight that every old task’s gradient gets at a step that would raise the loss of one'),
})

/** Lets no step raise the loss on the memory of any task before, to first order. */
class Gem implements Regularizer {
  readonly #margin: number
  readonly #memory: EpisodicMemory
  #steps = 0
  #projected = 0
  #violated = 0

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Head) head: Head,
    @inject(Generator) generator: Generator | undefined,
    @inject(Decoder) decoder: Decoder | undefined,
    @inject(Rng) rng: Rng,
  ) {
    this.#margin = parsed.margin
    this.#memory = new EpisodicMemory('regularizer "gem"', parsed, { embedder, head, generator, decoder, rng })
  }

  async begin(state: TaskState): Promise<void> {
    this.#steps = this.#projected = this.#violated = 0
    await this.#memory.open(state, 'by task')
  }

  readonly underway = {
    state: () => ({
      tensors: {},
      values: { steps: this.#steps, projected: this.#projected, violated: this.#violated },
    }),
    restore: ({ values }: State) => {
      this.#steps = values.steps as number
      this.#projected = values.projected as number
      this.#violated = values.violated as number
      this.#memory.passOver(this.#steps)
    },
  }

  project(gradients: Params, params: Params): Params {
    const { groups } = this.#memory
    if (groups === 0) return gradients
    return tf.tidy(() => {
      const names = this.#memory.names(gradients)
      const like = Object.fromEntries(names.map(name => [name, gradients[name]!]))
      const memories = tf.stack(
        Array.from({ length: groups }, (_, task) => vector(this.#memory.gradient(task, params, names), like)),
      ) as tf.Tensor2D
      const { weights, violated } = mixture(vector(gradients, like), memories, this.#margin)
      this.#steps += 1
      this.#violated += violated
      if (!weights) return gradients as Params & tf.TensorContainer
      this.#projected += 1
      const added = split(tf.matMul(tf.tensor2d([[...weights]]), memories).flatten(), like)
      return Object.fromEntries(
        Object.entries(gradients).map(([name, gradient]) => [name, added[name] ? gradient.add(added[name]) : gradient]),
      )
    })
  }

  measure(): readonly Measurement[] {
    if (this.#steps === 0) return []
    const name = nameOf(this)
    return [
      {
        name: `${name}/violations`,
        value: this.#projected / this.#steps,
        unit: 'fraction',
        aggregation: 'share of the steps of learn at which the gradient was projected',
      },
      { name: `${name}/projected`, value: this.#projected, unit: 'steps', aggregation: 'sum over the steps of learn' },
      {
        name: `${name}/violated-tasks`,
        value: this.#violated / this.#steps,
        unit: 'tasks',
        aggregation: 'tasks before whose loss a step would have raised, mean over the steps of learn',
      },
    ]
  }

  async consolidate(state: TaskState): Promise<void> {
    this.#memory.close()
    await this.#memory.add(state)
  }

  state(): State {
    return this.#memory.state()
  }

  restore(state: State): void {
    this.#memory.restore(state)
  }

  dispose(): void {
    this.#memory.dispose()
  }
}

/** The tensors of `params` as one vector, in the order and the shapes of `like`, with zeros for what there is not. */
function vector(params: Params, like: Params): tf.Tensor1D {
  const parts = Object.entries(like).map(([name, tensor]) => (params[name] ?? tf.zerosLike(tensor)).flatten())
  return tf.concat(parts) as tf.Tensor1D
}

/** The inverse of `vector`. */
function split(numbers: tf.Tensor1D, like: Params): Params {
  const tensors = Object.values(like)
  const parts = tf.split(
    numbers,
    tensors.map(tensor => tensor.size),
  )
  return Object.fromEntries(Object.keys(like).map((name, i) => [name, parts[i]!.reshape(tensors[i]!.shape)]))
}

/**
 * The weights v of `memories` M `[tasks, n]` in g + Mᵀv, the vector nearest to g `[n]` whose inner product with no row of M is negative
 * (Lopez-Paz & Ranzato 2017, eq. 8 to 11), with none below `margin`; none where g is such a vector already. Also how many
 * rows g points against. One read from the engine, of the inner products `[tasks, tasks + 1]`.
 */
export function mixture(
  gradient: tf.Tensor1D,
  memories: tf.Tensor2D,
  margin: number,
): { weights?: readonly number[]; violated: number } {
  const products = tf.tidy(() => {
    const all = tf.concat([memories, gradient.expandDims<tf.Tensor2D>()])
    return tf.matMul<tf.Tensor2D>(memories, all, false, true).arraySync()
  })
  const along = products.map(row => row.at(-1)!)
  const violated = along.filter(product => product < 0).length
  if (violated === 0) return { violated }
  const gram = products.map(row => row.slice(0, -1))
  return { weights: minimizeAbove(gram, along, margin), violated }
}

/**
 * Gradient episodic memory: where the gradient g of a step points against that of the mean cross-entropy on the memory of any task
 * before, it is replaced by the nearest vector that points against none: g + Mᵀv, with M the gradients on memory, one a row, and v the
 * solution of the dual, min ½ vᵀMMᵀv + gᵀMᵀv over v ≥ γ. All protected parameters are one vector.
 *
 * Lopez-Paz & Ranzato 2017, arXiv:1706.08840, eq. 8 to 11. **Deviation:** γ is a bound on v at steps with a violation, as in the
 * authors' code, where the paper adds it to the solution; stored examples are balanced over classes.
 *
 * @example
 * gem({ margin: 0.5 })
 */
export const gem = definePlugin({
  point: Regularizer,
  name: 'gem',
  summary: 'gradient episodic memory: no step may raise the loss on any old task',
  options,
  class: Gem,
})
