import {
  applyGradients,
  cloneParams,
  differentiate,
  disposeParams,
  flatten,
  initSlots,
  mapParams,
  type OptimizerOptions,
  type Params,
  type Slots,
  type State,
  subset,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { criticTerms, type Objective, type Rows } from './objective.js'
import { gradientPenalty } from './penalty.js'

/**
 * The critic while the generator is trained against it: its parameters and the moments of its own optimizer. `steps` is how many updates
 * there will be, for the schedule of the rate. The parameters given stay the caller's.
 */
export class Opponent {
  readonly #given: Params
  readonly #optimizer: OptimizerOptions
  readonly #objective: Objective
  readonly #steps: number
  #params: Params
  #slots: Slots
  #step = 0

  constructor(params: Params, optimizer: OptimizerOptions, objective: Objective, steps: number) {
    this.#given = params
    this.#params = params
    this.#optimizer = optimizer
    this.#objective = objective
    this.#steps = steps
    this.#slots = initSlots(optimizer, params)
  }

  get params(): Params {
    return this.#params
  }

  /**
   * One update on real and made codes `[n, ...shape]`, with the penalty where they are mixed, x = εx_real + (1 − ε)x_made, for `mix` ε `[n]`
   * in [0, 1). Returns what is reported: `wasserstein`, the estimate W, or `hinge`; `penalty`; `critic-auxiliary`. They belong to the caller.
   */
  update(real: tf.Tensor, made: tf.Tensor, rows: Rows, mix: tf.Tensor): Record<string, tf.Scalar> {
    const [params, slots] = [this.#params, this.#slots]
    const next = tf.tidy(() => {
      const { report, gradients } = this.#differentiate(real, made, rows, mix)
      const ours = Object.values(params).filter(tensor => !this.#isGiven(tensor))
      const spent = new Set([...ours, ...Object.values(slots.first), ...Object.values(slots.second)])
      const updated = applyGradients(this.#optimizer, params, gradients, slots, this.#step, this.#steps, spent)
      return { params: updated.params, first: updated.slots.first, second: updated.slots.second, report }
    })
    this.#step++
    this.#params = next.params
    this.#slots = { first: next.first, second: next.second }
    disposeParams(params, this.#given, next.params)
    disposeParams(slots.first, next.first)
    disposeParams(slots.second, next.second)
    return next.report
  }

  #differentiate(real: tf.Tensor, made: tf.Tensor, rows: Rows, mix: tf.Tensor) {
    const { loss, penalty } = this.#objective
    const { terms, gradients } = differentiate(this.#params, () =>
      criticTerms(this.#params, real, made, rows, this.#objective),
    )
    const report: Record<string, tf.Scalar> = {}
    report[loss] = loss === 'wasserstein' ? terms.critic!.neg() : terms.critic!.clone()
    if (terms.auxiliary) report['critic-auxiliary'] = terms.auxiliary.clone()
    tf.dispose(terms)
    if (penalty === 0) return { report, gradients }
    const share = mix.reshape([-1, ...real.shape.slice(1).fill(1)])
    const between = made.add(real.sub(made).mul(share))
    const labels = this.#objective.auxiliary > 0 ? undefined : (rows.y as tf.Tensor2D)
    const steepness = gradientPenalty(this.#params, between, labels, rows.weights.mul(penalty))
    report.penalty = steepness.value
    const pulled = mapParams(gradients, (tensor, name) =>
      steepness.gradients[name] ? tensor.add(steepness.gradients[name]) : tensor,
    )
    return { report, gradients: pulled }
  }

  #isGiven(tensor: tf.Tensor): boolean {
    return Object.values(this.#given).includes(tensor)
  }

  state(): State {
    const { first, second } = this.#slots
    return { tensors: cloneParams(flatten({ params: this.#params, first, second })), values: { step: this.#step } }
  }

  restore({ tensors, values }: State): void {
    this.end()
    disposeParams(this.#params, this.#given)
    const kept = cloneParams(tensors)
    this.#params = subset(kept, 'params')
    this.#slots = { first: subset(kept, 'first'), second: subset(kept, 'second') }
    this.#step = values.step as number
  }

  /** Frees what only training needed; the parameters are left. */
  end(): void {
    disposeParams(this.#slots.first)
    disposeParams(this.#slots.second)
  }
}
