import {
  checkHeld,
  checkShapes,
  cloneParams,
  definePlugin,
  disposeParams,
  expected,
  Generator,
  inject,
  type Measurement,
  mapParams,
  nameOf,
  Options,
  type Params,
  Regularizer,
  requireTaskHeads,
  type State,
  shapesOf,
  type TaskState,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { checkOwned, claims, freeShare, ownedUpTo, pruned } from './owners.js'

const options = z.strictObject({
  prune: z
    .number()
    .min(0)
    .lt(1)
    .default(0.75)
    .describe('share of the free weights of each layer that a task gives back, those of least magnitude'),
  retrain: z
    .boolean()
    .default(true)
    .describe('whether a second learn phase trains what is left after pruning; false: pruned without retraining'),
})

const where = 'regularizer "packnet"'

const stored = z.object({ tasks: z.int().min(0) })

/** Gives each weight of E to the task that needs it; a task is answered with its own weights and those of tasks before it. */
class PackNet implements Regularizer {
  readonly #options: z.output<typeof options>
  /** By kernel of E, 1 + the task that a weight belongs to, or 0; of the tasks consolidated. */
  #owners: Params = {}
  /** The same with what the task underway has claimed, once pruned. */
  #claimed: Params | undefined
  #tasks = 0
  #learning = -1
  #free = 1

  constructor(@inject(Options) parsed: z.output<typeof options>, @inject(Generator) generator: Generator | undefined) {
    if (generator)
      throw expected(where, 'no generator', 'one', 'codes depend on the task, so leave one of them out', 'composition')
    this.#options = parsed
  }

  async begin(state: TaskState): Promise<TaskState | undefined> {
    const { task, measurements = [] } = state
    requireTaskHeads(where, state)
    this.#learning = task.index
    // the figure that an earlier learn phase of this very task left in the state
    const again = measurements.some(({ name }) => name === `${nameOf(this)}/free`)
    if (!again) this.#give(undefined)
    else if (this.#options.retrain) this.#give(await this.#claim(state))
    const owners = this.#claimed ?? this.#owners
    this.#free = await freeShare(owners)
    if (!again && this.#free === 0)
      throw expected(where, 'weights that no task owns yet', 'none', 'widen the embedder or raise prune')
    if (Object.keys(owners).length === 0) return undefined
    const embedder = pruned(state.model.embedder, owners)
    return { ...state, model: { ...state.model, embedder } }
  }

  #claim({ model, task }: TaskState): Promise<Params> {
    return claims(model.embedder, this.#owners, task.index + 1, 1 - this.#options.prune)
  }

  /** Lets only weights change that are free, or after pruning the task's own; and biases in the first task only. */
  project(gradients: Params): Params {
    const names = Object.keys(gradients).filter(name => name.startsWith('embedder/'))
    if (names.length === 0)
      throw expected(where, 'an embedder that learns', 'a frozen one', 'set embedder: train in learn', 'composition')
    const learning = this.#claimed
      ? this.#changeable(this.#claimed, this.#learning + 1)
      : this.#changeable(this.#owners, 0)
    const projected: Record<string, tf.Tensor> = { ...gradients }
    for (const name of names) projected[name] = gradients[name]!.mul(learning(name.slice('embedder/'.length)))
    return projected
  }

  /** 1 where a parameter of E may change, else 0, by its name: what has the owner and, in the first task, what is never pruned. */
  #changeable(owners: Params, owner: number): (name: string) => tf.Tensor {
    return name => (owners[name] ? owners[name].equal(owner).toFloat() : tf.scalar(this.#tasks > 0 ? 0 : 1))
  }

  view(params: Params, task: number): Params {
    if (task === this.#learning) return params
    if (task >= this.#tasks)
      throw expected(where, `a task from 1 to ${this.#tasks}`, `${task + 1}`, 'ask for a task that it has learned')
    checkOwned(where, params, this.#owners)
    return { ...params, ...ownedUpTo(task + 1, params, this.#owners) }
  }

  measure(): readonly Measurement[] {
    const aggregation = 'share of the weights of E that no task owns'
    return [{ name: `${nameOf(this)}/free`, value: this.#free, unit: 'fraction', aggregation }]
  }

  async consolidate(state: TaskState): Promise<void> {
    const { model, previous } = state
    if (!this.#claimed && this.#options.retrain)
      throw expected(
        where,
        'two learn phases before consolidate, the second to retrain what pruning leaves',
        'one',
        'list learn again, with fewer iterations, or set retrain: false',
        'composition',
      )
    const free = this.#changeable(this.#owners, 0)
    const held = () => mapParams(model.embedder, (_, name) => free(name))
    if (previous) await checkHeld(where, previous.embedder, model.embedder, held)
    const claimed = this.#claimed ?? (await this.#claim(state))
    if (Object.keys(claimed).length === 0)
      throw expected(where, 'an embedder with weights', 'none', 'use one that learns, such as mlp', 'composition')
    disposeParams(this.#owners)
    this.#owners = claimed
    this.#claimed = undefined
    this.#tasks = state.task.index + 1
    this.#learning = -1
  }

  #give(claimed: Params | undefined): void {
    if (this.#claimed) disposeParams(this.#claimed)
    this.#claimed = claimed
  }

  state(): State {
    return { tensors: cloneParams(this.#owners), values: { tasks: this.#tasks } }
  }

  restore({ tensors, values }: State): void {
    this.dispose()
    const { tasks } = stored.parse(values)
    checkShapes(where, tensors, shapesOf(tensors), () => 'int32')
    this.#owners = cloneParams(tensors)
    this.#tasks = tasks
  }

  dispose(): void {
    this.#give(undefined)
    disposeParams(this.#owners)
    this.#owners = {}
    this.#tasks = 0
    this.#learning = -1
  }
}

/**
 * PackNet: after training on a task, the free weights of least magnitude in each layer are pruned and given back, the rest is
 * retrained, and belongs to the task: later tasks use it but do not change it. A task is answered with the weights of tasks up to it.
 *
 * Mallya & Lazebnik 2018, arXiv:1711.05769.
 *
 * @throws LgmError `composition` where the scenario is not task-incremental, or there is no second learn phase.
 * @example
 * createLearner([split({ tasks: 5, scenario: 'task' }), mlp(), linear(), packnet(), learn(), learn({ iterations: 250 }), consolidate()])
 */
export const packnet = definePlugin({
  point: Regularizer,
  name: 'packnet',
  summary: 'PackNet: each task keeps its greatest weights and gives back the rest',
  options,
  class: PackNet,
})
