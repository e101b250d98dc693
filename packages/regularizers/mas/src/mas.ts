import {
  definePlugin,
  disposeParams,
  disposeQuadratic,
  Embedder,
  Events,
  expected,
  flatten,
  Head,
  heldPenalty,
  importanceOptions,
  inject,
  meanPerExample,
  nameOf,
  Options,
  type Params,
  type Quadratic,
  quadraticAt,
  quadraticState,
  Regularizer,
  Rng,
  range,
  requireProtected,
  restoreQuadratic,
  rows,
  type State,
  subset,
  type TaskState,
  upload,
  weightedSum,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  strength: z.number().min(0).default(1).describe('λ, weight of the penalty'),
  of: z
    .enum(['logits', 'embedding'])
    .default('logits')
    .describe('whose squared length should stay: that of the logits, or of the codes, which leaves the head free'),
  accumulate: z
    .union([z.enum(['mean', 'sum']), z.number().min(0).max(1)])
    .default('mean')
    .describe('Ω over tasks: their mean, their sum, or α Ω + (1 − α) Ω of the new task for a number α'),
  ...importanceOptions,
  protect: z.enum(['embedder', 'embedder+head']).default('embedder+head').describe('which parameters are held'),
})

const where = 'regularizer "mas"'

/** λ/2 · Σ Ω (θ − θ*)², one Ω for all tasks, held at the newest parameters. */
class Mas implements Regularizer {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #head: Head
  readonly #rng: Rng
  readonly #events: Events
  #held: Quadratic | undefined
  #tasks = 0

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Head) head: Head,
    @inject(Rng) rng: Rng,
    @inject(Events) events: Events,
  ) {
    this.#options = parsed
    this.#embedder = embedder
    this.#head = head
    this.#rng = rng
    this.#events = events
  }

  async begin(state: TaskState): Promise<void> {
    requireProtected(where, state.model, this.#options.protect)
    if (this.#options.of === 'embedding') await this.#checkLengths(state)
  }

  penalty(params: Params): tf.Scalar {
    return heldPenalty(params, this.#held, this.#options.strength)
  }

  async consolidate(state: TaskState): Promise<void> {
    const params = requireProtected(where, state.model, this.#options.protect)
    const fresh = await this.#omega(state, params)
    const { accumulate } = this.#options
    const share = accumulate === 'mean' ? this.#tasks / (this.#tasks + 1) : accumulate
    const weights = !this.#held || share === 'sum' ? ([1, 1] as const) : ([share, 1 - share] as const)
    const importances = weightedSum(this.#held?.importances ?? {}, fresh, weights)
    disposeParams(fresh)
    disposeQuadratic(this.#held)
    this.#held = quadraticAt(params, importances)
    this.#tasks++
  }

  /** Ω = meanₙ |∂‖f(xₙ)‖² / ∂θ|, f the logits, of the task's own classes where the scenario is task-incremental, or the code. */
  async #omega({ task, model, seen }: TaskState, params: Params): Promise<Params> {
    const own = tf.tensor1d(
      Array.from(seen.names, (_, id) => (seen.scenario === 'task' && !task.classes.includes(id) ? 0 : 1)),
    )
    const omega = await meanPerExample({
      where,
      params,
      power: 1,
      examples: task.train,
      settings: this.#options,
      rng: this.#rng,
      output: (held, x) => {
        const whole = { ...flatten(model), ...held }
        const codes = this.#embedder.embed(subset(whole, 'embedder'), x)
        return this.#options.of === 'embedding'
          ? rows(codes)
          : this.#head.classify(subset(whole, 'head'), codes).mul(own)
      },
      quantities: () => [output => output.square()],
      notice: (done, of) => this.#events.emit({ type: 'progress', what: 'importance', done, of }),
    })
    own.dispose()
    return omega
  }

  /** Codes of one length whatever the example, such as normalized ones, have no gradient of their length. */
  async #checkLengths({ task, model }: TaskState): Promise<void> {
    const x = await upload(task.train, range(0, Math.min(100, task.train.count)))
    const squares = tf.tidy(() => rows(this.#embedder.embed(model.embedder, x)).square().sum(1))
    const values = await squares.data()
    tf.dispose([x, squares])
    const [least, most] = [Math.min(...values), Math.max(...values)]
    if (values.length > 1 && most > 0 && most - least < 1e-2 * most)
      throw expected(
        where,
        'codes whose length depends on the example for of: embedding',
        `a squared length of ${most.toPrecision(3)} for each`,
        'use of: logits, or an embedder with normalize: none',
        'composition',
      )
  }

  state(): State {
    return { ...quadraticState(this.#held), values: { tasks: this.#tasks } }
  }

  restore(state: State): void {
    this.dispose()
    this.#held = restoreQuadratic(state, nameOf(this))
    this.#tasks = z.object({ tasks: z.int() }).parse(state.values).tasks
  }

  dispose(): void {
    disposeQuadratic(this.#held)
    this.#held = undefined
  }
}

/**
 * Memory aware synapses: λ/2 · Σᵢ Ωᵢ (θᵢ − θ*ᵢ)², Ω = meanₙ |∂‖f(xₙ)‖² / ∂θ| over the examples of a finished task: how much a change of
 * each parameter changes what the network says, right or wrong. Labels are not used.
 *
 * Aljundi et al. 2018, arXiv:1711.09601, eqs. 2 to 4. **Deviation:** λ/2 for their λ; over tasks the mean by default, where the
 * authors' code sums (`accumulate: sum`); each absolute value is that of one example's gradient, whatever the batch size.
 *
 * @example
 * mas({ strength: 10, protect: 'embedder' })
 */
export const mas = definePlugin({
  point: Regularizer,
  name: 'mas',
  summary: 'memory aware synapses: parameters to which the outputs are sensitive stay where they were',
  options,
  class: Mas,
})
