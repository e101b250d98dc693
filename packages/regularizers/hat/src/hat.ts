import {
  checkHeld,
  checkShapes,
  cloneParams,
  definePlugin,
  disposeParams,
  Embedder,
  emptyState,
  expected,
  Generator,
  inject,
  type Measurement,
  nameOf,
  Options,
  type Params,
  Regularizer,
  Rng,
  requireTaskHeads,
  type State,
  subset,
  type TaskState,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { embeddingName, gatedView, gatesOf, newEmbeddings, tasksOf } from './embeddings.js'
import { annealedSlope, compensated, sparsityCost, usedShare, widest } from './gates.js'
import { freeShares, gateName, type Layer, recognizeLayers } from './layers.js'

const options = z.strictObject({
  strength: z.number().positive().default(0.75).describe('λ, weight of the share that a task takes of the free units'),
  slope: z.number().min(1).default(400).describe('s_max, slope of the gates at the end of a period and in prediction'),
  period: z
    .int()
    .positive()
    .default(100)
    .describe('steps in which the slope rises from 1/s_max to s_max, again and again; must divide the iterations'),
  hold: z
    .number()
    .positive()
    .max(1)
    .default(1e-4)
    .describe(
      'gates from here on count as 1 for later tasks, since Adam takes no smaller steps where a gradient is; 1: none',
    ),
})

const where = 'regularizer "hat"'

const stored = z.object({
  layers: z.array(z.object({ name: z.string(), inputs: z.int().min(1), units: z.int().min(1), gated: z.boolean() })),
  task: z.int().min(0),
})

/** Gates on the units of E for each task, learned with the weights; weights between units that earlier tasks use stay. */
class Hat implements Regularizer {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #rng: Rng
  #layers: readonly Layer[] = []
  /** a^{<t} by layer: the widest open gate of the tasks consolidated. */
  #used: Params = {}
  #share = 0
  #task = -1
  /** Steps trained on the task, until it is consolidated. */
  #steps: number | undefined

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Rng) rng: Rng,
    @inject(Generator) generator: Generator | undefined,
  ) {
    if (generator)
      throw expected(where, 'no generator', 'one', 'codes depend on the task, so leave one of them out', 'composition')
    this.#options = parsed
    this.#embedder = embedder
    this.#rng = rng
  }

  async begin(state: TaskState): Promise<TaskState | undefined> {
    const { task, model } = state
    requireTaskHeads(where, state)
    if (this.#layers.length === 0) this.#layers = await recognizeLayers(this.#embedder, state, this.#rng)
    this.#share = await usedShare(this.#used)
    if (this.#share === 1)
      throw expected(where, 'units that no task uses yet', 'none', 'widen the embedder or raise strength')
    this.#task = task.index
    const added = newEmbeddings(state, this.#gated(), this.#rng)
    if (!added) {
      this.#steps ??= 0
      return undefined
    }
    this.#steps = 0
    return { ...state, model: { ...model, embedder: { ...model.embedder, ...added } } }
  }

  readonly underway = {
    state: () => ({ tensors: {}, values: { steps: this.#steps } }),
    restore: ({ values }: State) => {
      this.#steps = values.steps as number
    },
  }

  penalty(params: Params): tf.Scalar {
    if (this.#task < 0) return tf.scalar(0)
    return sparsityCost(this.#gates(subset(params, 'embedder'), this.#task), this.#used).mul(this.#options.strength)
  }

  /** Masks the gradients of weights, compensates those of the task's embeddings, and counts the step. */
  project(gradients: Params, params: Params): Params {
    const projected: Record<string, tf.Tensor> = { ...gradients }
    const free = Object.keys(this.#used).length > 0 ? freeShares(this.#layers, this.#used) : {}
    for (const [name, share] of Object.entries(free)) {
      const gradient = gradients[`embedder/${name}`]
      if (gradient) projected[`embedder/${name}`] = gradient.mul(share)
    }
    for (const layer of this.#gated()) {
      const name = `embedder/${embeddingName(this.#task, layer)}`
      if (!gradients[name])
        throw expected(where, 'an embedder that learns', 'a frozen one', 'set embedder: train in learn', 'composition')
      projected[name] = compensated(gradients[name], params[name]!, this.#slope(this.#task), this.#options.slope)
    }
    if (this.#steps !== undefined) this.#steps++
    return projected
  }

  view(params: Params, task: number): Params {
    return gatedView(params, this.#gated(), this.#gates(subset(params, 'embedder'), task))
  }

  /** Embeddings of the last task, and of every other of which there is one. */
  added(params: Params): Readonly<Record<string, readonly number[]>> {
    if (this.#task < 0) return {}
    const tasks = new Set([this.#task, ...tasksOf(subset(params, 'embedder'))])
    const shapes = [...tasks].flatMap(task =>
      this.#gated().map(layer => [`embedder/${embeddingName(task, layer)}`, [layer.units]] as const),
    )
    return Object.fromEntries(shapes)
  }

  measure(): readonly Measurement[] {
    const aggregation = 'mean over the units of the widest gate of earlier tasks'
    return [{ name: `${nameOf(this)}/used`, value: this.#share, unit: 'fraction', aggregation }]
  }

  async consolidate(state: TaskState): Promise<void> {
    const { period, hold } = this.#options
    if ((this.#steps ?? 0) % period !== 0)
      throw expected(
        where,
        `iterations that are a multiple of the period, ${period}`,
        `${this.#steps}`,
        'set period to a divisor of them, so that training ends with gates as they are in prediction',
        'options',
      )
    const { model, previous } = state
    if (previous && this.#share > 0)
      await checkHeld(where, previous.embedder, model.embedder, () => freeShares(this.#layers, this.#used))
    const old = this.#used
    const task = state.task.index
    this.#steps = undefined
    this.#used = widest(old, () => this.#gates(model.embedder, task), hold)
    disposeParams(old)
  }

  #gated(): readonly Layer[] {
    return this.#layers.filter(layer => layer.gated)
  }

  /** Annealed while the task is learned; s_max for every other, and afterwards. */
  #slope(task: number): number {
    const { slope, period } = this.#options
    const learning = task === this.#task && this.#steps !== undefined
    return learning ? annealedSlope(this.#steps!, period, slope) : slope
  }

  /** a^t by layer, from parameters of E without prefix. */
  #gates(params: Params, task: number): Params {
    return gatesOf(params, this.#gated(), task, this.#slope(task))
  }

  state(): State {
    if (this.#task < 0) return emptyState
    return { tensors: cloneParams(this.#used), values: { layers: this.#layers, task: this.#task } }
  }

  restore({ tensors, values }: State): void {
    this.dispose()
    if (values.layers === undefined && Object.keys(tensors).length === 0) return
    const { layers, task } = stored.parse(values)
    const gated = layers.filter(layer => layer.gated)
    checkShapes(where, tensors, Object.fromEntries(gated.map(layer => [gateName(layer), [layer.units]])))
    this.#used = cloneParams(tensors)
    this.#layers = layers
    this.#task = task
  }

  dispose(): void {
    disposeParams(this.#used)
    this.#used = {}
    this.#layers = []
    this.#task = -1
    this.#steps = undefined
  }
}

/**
 * Hard attention to the task: each task t learns gates a = σ(s·e_t) on the units of the embedder, sparse ones by
 * λ · Σ a(1 − a^{<t}) / Σ(1 − a^{<t}), and the gradients of weights between units that earlier tasks use are multiplied by
 * 1 − min(a_in^{<t}, a_out^{<t}). Gates are a view of the parameters, columns and biases times a; the embeddings e_t are parameters.
 *
 * Serrà, Surís, Miron & Karatzoglou 2018, arXiv:1801.01423.
 *
 * @throws LgmError `composition` where the scenario is not task-incremental, or the embedder no chain of ReLU layers.
 * @example
 * createLearner([split({ tasks: 5, scenario: 'task' }), mlp(), linear(), hat({ period: 100 }), ...])
 */
export const hat = definePlugin({
  point: Regularizer,
  name: 'hat',
  summary: 'hard attention to the task: gates on units, and weights between used units stay',
  options,
  class: Hat,
})
