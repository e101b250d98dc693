import {
  checkShapes,
  cloneParams,
  definePlugin,
  disposeParams,
  emptyState,
  flatten,
  inject,
  nameOf,
  Options,
  type Params,
  quadraticPenalty,
  Regularizer,
  requireProtected,
  type State,
  shapesOf,
  subset,
  type TaskState,
  type Update,
  weightedSum,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { Path } from './path.js'

const options = z.strictObject({
  strength: z.number().min(0).default(1).describe('λ, weight of the penalty, without the half of other methods'),
  average: z.number().gt(0).max(1).default(0.9).describe('α, weight of the newest interval in the moving average of F'),
  interval: z.int().positive().default(10).describe('Δt, training steps over which F and the score are taken'),
  damping: z.number().positive().default(1e-3).describe('ε, in nats: bounds the score where little has moved'),
  protect: z.enum(['embedder', 'embedder+head']).default('embedder+head').describe('which parameters are held'),
})

const where = 'regularizer "rwalk"'

const stored = z.object({ largest: z.tuple([z.number(), z.number()]) })

/** What is kept between tasks: θ*, F and s, and the largest F and s, by which both are scaled to 0…1. */
interface Held {
  readonly tensors: Readonly<Record<'anchor' | 'fisher' | 'score', Params>>
  readonly largest: readonly [fisher: number, score: number]
}

/** λ · Σ (F̃ + s̃) (θ − θ*)², where F and s are gathered along the path of training. */
class RWalk implements Regularizer {
  readonly #options: z.output<typeof options>
  #held: Held | undefined
  #path: Path | undefined

  constructor(@inject(Options) parsed: z.output<typeof options>) {
    this.#options = parsed
  }

  begin({ model }: TaskState): void {
    const params = requireProtected(where, model, this.#options.protect)
    this.#path?.dispose()
    this.#path = new Path(params, this.#held?.tensors.fisher, this.#options)
  }

  track(update: Update): void {
    this.#path?.track(update)
  }

  readonly underway = {
    state: () => this.#path!.state(),
    restore: (state: State) => this.#path!.restore(state),
  }

  penalty(params: Params): tf.Scalar {
    if (!this.#held) return tf.scalar(0)
    const { tensors, largest } = this.#held
    const weights = largest.map(size => (size > 0 ? (2 * this.#options.strength) / size : 0)) as [number, number]
    return quadraticPenalty(params, tensors.anchor, tensors.fisher, weights[0]).add(
      quadraticPenalty(params, tensors.anchor, tensors.score, weights[1]),
    )
  }

  async consolidate(state: TaskState): Promise<void> {
    const params = requireProtected(where, state.model, this.#options.protect)
    if (!this.#path) this.begin(state)
    const path = this.#path!
    path.close(params)
    const fisher = cloneParams(path.fisher)
    const score = this.#held ? weightedSum(this.#held.tensors.score, path.score, [0.5, 0.5]) : cloneParams(path.score)
    this.dispose()
    const largest = [await largestOf(fisher), await largestOf(score)] as const
    this.#held = { tensors: { anchor: cloneParams(params), fisher, score }, largest }
  }

  state(): State {
    if (!this.#held) return emptyState
    const { tensors, largest } = this.#held
    return { tensors: cloneParams(flatten(tensors)), values: { largest } }
  }

  restore({ tensors, values }: State): void {
    this.dispose()
    if (Object.keys(tensors).length === 0) return
    const { largest } = stored.parse(values)
    const anchor = shapesOf(subset(tensors, 'anchor'))
    const shapes = Object.entries(anchor).flatMap(([name, shape]) =>
      ['anchor', 'fisher', 'score'].map(part => [`${part}/${name}`, shape] as const),
    )
    checkShapes(nameOf(this), tensors, Object.fromEntries(shapes))
    const kept = cloneParams(tensors)
    const parts = { anchor: subset(kept, 'anchor'), fisher: subset(kept, 'fisher'), score: subset(kept, 'score') }
    this.#held = { tensors: parts, largest }
  }

  dispose(): void {
    if (this.#held) disposeParams(flatten(this.#held.tensors))
    this.#held = undefined
    this.#path?.dispose()
    this.#path = undefined
  }
}

async function largestOf(params: Params): Promise<number> {
  const largest = tf.tidy(() => tf.stack(Object.values(params).map(tensor => tensor.max())).max())
  const [value] = await largest.data()
  largest.dispose()
  return value!
}

/**
 * Riemannian walk: λ · Σᵢ (F̃ᵢ + s̃ᵢ) (θᵢ − θ*ᵢ)². F is a moving average of squared gradients along training; s = Σ max(0, ΔL / (½ F Δθ² + ε)) sums,
 * over intervals of Δt steps, the part of the loss's decrease that a parameter had, per KL divergence of the step it took, and
 * is averaged with that of the tasks before, s ← ½ (s + s_new). F̃ and s̃ are F and s over their largest values.
 *
 * Chaudhry et al. 2018, arXiv:1801.10112, eqs. 6 to 8. **Deviations:** F averages squares of gradients of batches, once an interval, as
 * the authors' code does (Fisher's are of single examples: see EWC), and F of the interval itself, not of the one before, measures
 * its distance; F̃ and s̃ are not shifted by the least value, which is 0 or near it. The stored examples of the paper are a
 * generator's business here.
 *
 * @example
 * rwalk({ strength: 10, interval: 50 })
 */
export const rwalk = definePlugin({
  point: Regularizer,
  name: 'rwalk',
  summary: 'Riemannian walk: Fisher information and the loss saved per step hold parameters where they ended',
  options,
  class: RWalk,
})
