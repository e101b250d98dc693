import { cloneParams, disposeParams, mapParams, type Params, type State } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/**
 * An exponential moving average of parameters, a ← d·a + (1 − d)·θ after each step k, from 1, with d = min(decay, (1 + k) / (10 + k)), so
 * that what training began with is soon forgotten (Yazıcı et al. 2019, arXiv:1806.04498). The parameters given stay the caller's.
 */
export class Average {
  readonly #given: Params
  readonly #decay: number
  #params: Params
  #step = 0

  constructor(params: Params, decay: number) {
    this.#given = params
    this.#params = params
    this.#decay = decay
  }

  get params(): Params {
    return this.#params
  }

  follow(params: Params): void {
    this.#step++
    const decay = Math.min(this.#decay, (1 + this.#step) / (10 + this.#step))
    const next = mapParams(this.#params, (tensor, name) =>
      tf.keep(tf.tidy(() => tensor.mul(decay).add(params[name]!.mul(1 - decay)))),
    )
    this.dispose()
    this.#params = next
  }

  state(): State {
    return { tensors: cloneParams(this.#params), values: { step: this.#step } }
  }

  restore({ tensors, values }: State): void {
    this.dispose()
    this.#params = cloneParams(tensors)
    this.#step = values.step as number
  }

  /** Frees the average, but not the parameters given. */
  dispose(): void {
    disposeParams(this.#params, this.#given)
  }
}
