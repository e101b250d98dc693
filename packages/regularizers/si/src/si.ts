import {
  cloneParams,
  definePlugin,
  disposeParams,
  disposeQuadratic,
  flatten,
  heldPenalty,
  inject,
  mapParams,
  nameOf,
  Options,
  type Params,
  type Quadratic,
  quadraticAt,
  quadraticState,
  Regularizer,
  requireProtected,
  restoreQuadratic,
  type State,
  type TaskState,
  type Update,
  weightedSum,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  strength: z.number().min(0).default(1).describe('c, weight of the penalty, without the half of other methods'),
  damping: z
    .number()
    .positive()
    .default(0.1)
    .describe('ξ, in (units of a parameter)²: bounds Ω where little has moved'),
  negative: z
    .enum(['clip', 'keep'])
    .default('clip')
    .describe('Ω below zero, of parameters whose path raised the loss: clip to zero, or keep, which rewards moving on'),
  protect: z.enum(['embedder', 'embedder+head']).default('embedder+head').describe('which parameters are held'),
})

const where = 'regularizer "si"'

/** The path of one task: where it started, and ω = −Σ g Δθ on the way. */
type Path = Readonly<Record<'start' | 'work', Record<string, tf.Tensor>>>

/** c · Σ Ω (θ − θ*)², where Ω is gathered along the path of training. */
class Si implements Regularizer {
  readonly #options: z.output<typeof options>
  #held: Quadratic | undefined
  #path: Path | undefined

  constructor(@inject(Options) parsed: z.output<typeof options>) {
    this.#options = parsed
  }

  begin({ model }: TaskState): void {
    const params = requireProtected(where, model, this.#options.protect)
    this.#leave()
    this.#path = {
      start: { ...cloneParams(params) },
      work: { ...mapParams(params, parameter => tf.keep(tf.zerosLike(parameter))) },
    }
  }

  track({ before, gradients, after }: Update): void {
    if (!this.#path) return
    const { work } = this.#path
    for (const [name, sum] of Object.entries(work)) {
      if (!gradients[name]) continue
      work[name] = tf.keep(sum.sub(gradients[name].mul(after[name]!.sub(before[name]!))))
      sum.dispose()
    }
  }

  /** The work so far; where the path started, `begin` knows. */
  readonly underway = {
    state: () => ({ tensors: cloneParams(this.#path?.work ?? {}), values: {} }),
    restore: ({ tensors }: State) => {
      const { start, work } = this.#path!
      disposeParams(work)
      this.#path = { start, work: { ...cloneParams(tensors) } }
    },
  }

  penalty(params: Params): tf.Scalar {
    return heldPenalty(params, this.#held, 2 * this.#options.strength)
  }

  consolidate({ model }: TaskState): void {
    const params = requireProtected(where, model, this.#options.protect)
    const fresh = this.#importances(params)
    const sum = weightedSum(this.#held?.importances ?? {}, fresh)
    const importances = this.#options.negative === 'clip' ? mapParams(sum, omega => omega.relu()) : cloneParams(sum)
    disposeParams(fresh)
    disposeParams(sum)
    disposeQuadratic(this.#held)
    this.#leave()
    this.#held = quadraticAt(params, importances)
  }

  /** ω / (Δ² + ξ) of the path, Δ from its start to `params`; zeros where nothing was tracked. */
  #importances(params: Params): Params {
    return mapParams(params, (parameter, name) => {
      const [start, work] = [this.#path?.start[name], this.#path?.work[name]]
      if (!start || !work) return tf.zerosLike(parameter)
      return tf.tidy(() => work.div(parameter.sub(start).square().add(this.#options.damping)))
    })
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
    this.#leave()
  }

  #leave(): void {
    if (this.#path) disposeParams(flatten(this.#path))
    this.#path = undefined
  }
}

/**
 * Synaptic intelligence: c · Σᵢ Ωᵢ (θᵢ − θ*ᵢ)², with Ω ← Ω + ω / (Δ² + ξ) at the end of each task. ω = −Σ_steps g Δθ is the part of
 * the loss's decrease that each parameter had, g the gradient of the loss without penalties and Δθ what the optimizer made of all;
 * Δ is how far the parameter moved during the task, and θ* where it ended. In units: the loss's for ω, its curvature's for Ω.
 *
 * Zenke, Poole & Ganguli 2017, arXiv:1703.04200, eqs. 3 to 5. As in the authors' code, a sum Ω below zero is clipped to zero
 * (`negative: clip`). **Deviation** of van de Ven's code, whose figures are often quoted: `keep`, and g includes the penalty's gradient.
 *
 * @example
 * si({ strength: 5, damping: 0.1 })
 */
export const si = definePlugin({
  point: Regularizer,
  name: 'si',
  summary: 'synaptic intelligence: parameters that lowered the loss on their way stay where they ended',
  options,
  class: Si,
})
