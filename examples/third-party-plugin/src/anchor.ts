import {
  cloneParams,
  definePlugin,
  disposeParams,
  flatten,
  inject,
  mapParams,
  Options,
  type Params,
  quadraticPenalty,
  Regularizer,
  type State,
  type TaskState,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  strength: z.number().min(0).default(0.1).describe('λ, stiffness of the spring'),
})

/** ½ λ Σᵢ (θᵢ − θ*ᵢ)², where θ* are the parameters after the last task. */
class Anchor implements Regularizer {
  readonly #strength: number
  #anchors: Params = {}

  constructor(@inject(Options) { strength }: z.output<typeof options>) {
    this.#strength = strength
  }

  penalty(params: Params): tf.Scalar {
    const ones = mapParams(this.#anchors, anchor => tf.onesLike(anchor))
    return quadraticPenalty(params, this.#anchors, ones, this.#strength)
  }

  consolidate({ model }: TaskState): void {
    this.#keep(flatten({ embedder: model.embedder, head: model.head }))
  }

  state(): State {
    return { tensors: cloneParams(this.#anchors), values: {} }
  }

  restore({ tensors }: State): void {
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
 * A spring that draws all parameters, each as strongly, to where the last task left them.
 *
 * Source: the baseline "L2" of Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks, arXiv:1612.00796, fig. 2.
 * @example
 * createLearner([mlp(), linear(), anchor({ strength: 0.1 })])
 */
export const anchor = definePlugin({
  point: Regularizer,
  name: 'anchor',
  summary: 'a spring to the parameters after the last task',
  options,
  class: Anchor,
})
