import {
  checkShapes,
  cloneParams,
  definePlugin,
  disposeParams,
  inject,
  mapParams,
  Options,
  type Params,
  quadraticPenalty,
  Regularizer,
  requireProtected,
  type State,
  shapesOf,
  type TaskState,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  strength: z.number().min(0).default(1).describe('λ, weight of the penalty'),
  protect: z.enum(['embedder', 'embedder+head']).default('embedder+head').describe('which parameters are held'),
})

const where = 'regularizer "l2"'

/** λ/2 · Σ (θ − θ*)²: every parameter is as important as any other, and only the anchors are kept. */
class L2 implements Regularizer {
  readonly #options: z.output<typeof options>
  #anchors: Params = {}

  constructor(@inject(Options) parsed: z.output<typeof options>) {
    this.#options = parsed
  }

  begin({ model }: TaskState): void {
    requireProtected(where, model, this.#options.protect)
  }

  penalty(params: Params): tf.Scalar {
    const one = tf.scalar(1)
    const importances = mapParams(this.#anchors, () => one)
    return quadraticPenalty(params, this.#anchors, importances, this.#options.strength)
  }

  consolidate({ model }: TaskState): void {
    this.#keep(requireProtected(where, model, this.#options.protect))
  }

  state(): State {
    return { tensors: cloneParams(this.#anchors), values: {} }
  }

  restore({ tensors }: State): void {
    checkShapes(where, tensors, shapesOf(tensors))
    this.#keep(tensors)
  }

  dispose(): void {
    this.#keep({})
  }

  #keep(params: Params): void {
    const before = this.#anchors
    this.#anchors = cloneParams(params)
    disposeParams(before)
  }
}

/**
 * The control of every method that weighs parameters: λ/2 · Σᵢ (θᵢ − θ*ᵢ)², θ* the parameters at the end of the last task. What a
 * measure of importance adds is what it achieves beyond this at the best λ of each.
 *
 * So compared by Kirkpatrick et al. 2017, arXiv:1612.00796, figure 2A.
 *
 * @example
 * l2({ strength: 0.1 })
 */
export const l2 = definePlugin({
  point: Regularizer,
  name: 'l2',
  summary: 'every parameter is held alike where it was, whatever it mattered: the control',
  options,
  class: L2,
})
