import {
  crossEntropy,
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
  requireProtected,
  restoreQuadratic,
  type State,
  subset,
  sumQuadratics,
  type TaskState,
  taskMask,
  weightedSum,
  z,
} from '@lgm/core'
import type * as tf from '@tensorflow/tfjs'
import { targetsOf } from './targets.js'

const options = z.strictObject({
  strength: z
    .number()
    .min(0)
    .default(1e6)
    .describe('λ, weight of the penalty; F is a mean over examples and small, so λ is large'),
  mode: z
    .enum(['separate', 'online'])
    .default('separate')
    .describe(
      'separate: the penalties of all tasks add; online: F ← γF + F of the new task, held at the newest parameters',
    ),
  decay: z.number().min(0).max(1).default(1).describe('γ of mode online'),
  labels: z
    .enum(['all', 'sample', 'true', 'argmax'])
    .default('all')
    .describe(
      'labels at which F is taken: all by their probability (up to 100 classes), one drawn from the model, the true or the most probable one',
    ),
  ...importanceOptions,
  protect: z.enum(['embedder', 'embedder+head']).default('embedder+head').describe('which parameters are held'),
})

const where = 'regularizer "ewc"'

/** More classes than this are too many passes for `labels: all`. */
const mostClasses = 100

/** λ/2 · Σ F (θ − θ*)². All tasks' penalties are kept as one quadratic, so that no task adds to cost or memory. */
class Ewc implements Regularizer {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #head: Head
  readonly #rng: Rng
  readonly #events: Events
  #held: Quadratic | undefined

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

  begin({ model }: TaskState): void {
    requireProtected(where, model, this.#options.protect)
  }

  penalty(params: Params): tf.Scalar {
    return heldPenalty(params, this.#held, this.#options.strength)
  }

  async consolidate(state: TaskState): Promise<void> {
    const params = requireProtected(where, state.model, this.#options.protect)
    const importances = await this.#fisher(state, params)
    const old = this.#held
    const fresh = quadraticAt(params, importances)
    if (!old) this.#held = fresh
    else if (this.#options.mode === 'separate') {
      this.#held = sumQuadratics(old, fresh)
      disposeQuadratic(old, fresh)
    } else {
      this.#held = { ...fresh, importances: weightedSum(old.importances, importances, [this.#options.decay, 1]) }
      disposeQuadratic(old)
      disposeParams(importances)
    }
  }

  /** F = meanₙ Σ_y w(y | xₙ) (∂ log p(y | xₙ) / ∂θ)², over the softmax in which the task was learned. */
  async #fisher({ task, model, seen }: TaskState, params: Params): Promise<Params> {
    const { labels } = this.#options
    const classes = seen.scenario === 'task' ? task.classes : Array.from(seen.names.keys())
    if (labels === 'all' && classes.length > mostClasses)
      throw expected(where, `at most ${mostClasses} classes for labels: all`, `${classes.length}`, 'set labels: sample')
    const mask = seen.scenario === 'task' ? taskMask([task.index], seen) : undefined
    const fisher = await meanPerExample({
      where,
      params,
      power: 2,
      examples: task.train,
      settings: this.#options,
      rng: this.#rng,
      output: (held, x) => {
        const whole = { ...flatten(model), ...held }
        const logits = this.#head.classify(subset(whole, 'head'), this.#embedder.embed(subset(whole, 'embedder'), x))
        return mask ? logits.add(mask) : logits
      },
      quantities: (logits, indices) =>
        targetsOf(labels, logits as tf.Tensor2D, task.train, indices, classes, this.#rng).map(
          target => output => crossEntropy(output as tf.Tensor2D, target),
        ),
      notice: (done, of) => this.#events.emit({ type: 'progress', what: 'fisher', done, of }),
    })
    mask?.dispose()
    return fisher
  }

  state(): State {
    return quadraticState(this.#held)
  }

  restore(state: State): void {
    this.dispose()
    this.#held = restoreQuadratic(state, nameOf(this))
  }

  dispose(): void {
    disposeQuadratic(this.#held)
    this.#held = undefined
  }
}

/**
 * Elastic weight consolidation: λ/2 · Σᵢ Fᵢ (θᵢ − θ*ᵢ)², F the diagonal Fisher information of a finished task, a mean over its
 * examples of squared per-example gradients of log p(y | x), and θ* the parameters at its end.
 *
 * Kirkpatrick et al. 2017, arXiv:1612.00796, eq. 3; online: Schwarz et al. 2018, arXiv:1805.06370, section 4, with γ applied once,
 * in the sum (**Deviation:** not a second time in the loss).
 *
 * @example
 * ewc({ strength: 1e7, mode: 'online', decay: 0.9 })
 */
export const ewc = definePlugin({
  point: Regularizer,
  name: 'ewc',
  summary: 'elastic weight consolidation: parameters that mattered stay where they were',
  options,
  class: Ewc,
})
