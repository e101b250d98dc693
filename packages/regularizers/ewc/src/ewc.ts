import {
  cloneParams,
  definePlugin,
  disposeParams,
  Embedder,
  Events,
  emptyState,
  expected,
  flatten,
  Head,
  inject,
  mapParams,
  Options,
  type Params,
  padTo,
  protectedParams,
  type Quadratic,
  quadraticPenalty,
  Regularizer,
  Rng,
  range,
  type State,
  subset,
  sumQuadratics,
  type TaskState,
  taskMask,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { fisher } from './fisher.js'

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
  examples: z
    .union([z.literal('all'), z.int().positive()])
    .default('all')
    .describe('how many examples of the task F is measured on, drawn at random'),
  batchSize: z
    .int()
    .positive()
    .default(500)
    .describe('examples per pass while F is measured; 1 is exact for any network'),
  protect: z.enum(['embedder', 'embedder+head']).default('embedder+head').describe('which parameters are held'),
})

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

  begin(state: TaskState): void {
    this.#protected(state)
  }

  penalty(params: Params): tf.Scalar {
    if (!this.#held) return tf.scalar(0)
    const { anchors, importances, offset } = this.#held
    const { strength } = this.#options
    return quadraticPenalty(params, anchors, importances, strength).add(offset.mul(strength / 2))
  }

  async consolidate(state: TaskState): Promise<void> {
    const fresh = {
      importances: await this.#fisher(state),
      anchors: cloneParams(this.#protected(state)),
      offset: tf.scalar(0),
    }
    const old = this.#held
    if (!old) this.#held = fresh
    else if (this.#options.mode === 'separate') {
      this.#held = sumQuadratics(old, fresh)
      release(old, fresh)
    } else {
      this.#held = { ...fresh, importances: decayedSum(old.importances, fresh.importances, this.#options.decay) }
      release(old)
      disposeParams(fresh.importances)
    }
  }

  /** F of the protected parameters, over the softmax in which the task was learned. */
  async #fisher(state: TaskState): Promise<Params> {
    const { labels, batchSize, examples } = this.#options
    const { task, model, seen } = state
    const count = task.train.count
    const indices =
      examples === 'all' || examples >= count ? range(0, count) : this.#rng.permutation(count).subarray(0, examples)
    const classes = seen.scenario === 'task' ? task.classes : Array.from(seen.names.keys())
    if (labels === 'all' && classes.length > mostClasses)
      throw expected(
        'regularizer "ewc"',
        `at most ${mostClasses} classes for labels: all`,
        `${classes.length}`,
        'set labels: sample',
      )
    const mask = seen.scenario === 'task' ? taskMask([task.index], seen) : undefined
    const logits = (held: Params, x: tf.Tensor) => {
      const params = { ...flatten(model), ...held }
      const all = this.#head.classify(subset(params, 'head'), this.#embedder.embed(subset(params, 'embedder'), x))
      return mask ? (all.add(mask) as tf.Tensor2D) : all
    }
    const notice = (done: number) => this.#events.emit({ type: 'progress', what: 'fisher', done, of: indices.length })
    const settings = { labels, classes, batchSize, rng: this.#rng, notice }
    const measured = await fisher(this.#protected(state), logits, task.train, indices, settings)
    mask?.dispose()
    return measured
  }

  #protected({ model }: TaskState): Params {
    const { protect } = this.#options
    const found = protectedParams(flatten(model), protect)
    if (Object.keys(found).length > 0) return found
    throw expected(
      'regularizer "ewc"',
      `parameters to hold in the ${protect}`,
      'none',
      'use an embedder that learns, or protect: embedder+head',
      'composition',
    )
  }

  state(): State {
    if (!this.#held) return emptyState
    const { anchors, importances, offset } = this.#held
    const tensors = { ...prefixed('anchor', anchors), ...prefixed('importance', importances), offset }
    return { tensors: cloneParams(tensors), values: {} }
  }

  restore({ tensors }: State): void {
    this.dispose()
    if (!tensors.offset) return
    const kept = cloneParams(tensors)
    this.#held = {
      anchors: subset(kept, 'anchor'),
      importances: subset(kept, 'importance'),
      offset: kept.offset as tf.Scalar,
    }
  }

  dispose(): void {
    if (this.#held) release(this.#held)
    this.#held = undefined
  }
}

/** γF + F_new, where the new may have grown. */
function decayedSum(old: Params, fresh: Params, decay: number): Params {
  return mapParams(fresh, (importance, name) =>
    tf.tidy(() => (old[name] ? importance.add(padTo(old[name], importance.shape).mul(decay)) : importance.clone())),
  )
}

function release(...quadratics: readonly Quadratic[]): void {
  for (const { anchors, importances, offset } of quadratics)
    tf.dispose([...Object.values(anchors), ...Object.values(importances), offset])
}

function prefixed(prefix: string, params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [`${prefix}/${name}`, tensor]))
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
