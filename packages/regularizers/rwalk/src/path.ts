import {
  cloneParams,
  disposeParams,
  flatten,
  mapParams,
  type Params,
  type State,
  subset,
  type Update,
  weightedSum,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** α, Δt and ε, as in the options. */
export interface PathSettings {
  readonly average: number
  readonly interval: number
  readonly damping: number
}

type Sums = Record<string, tf.Tensor>

/** The path of training through one task, and what it gathers: F and s; of the interval underway, where it started, ω = −Σ g Δθ and Σ g². */
export class Path {
  readonly #settings: PathSettings
  readonly #tensors: Readonly<Record<'fisher' | 'score' | 'start' | 'work' | 'squares', Sums>>
  #steps = 0
  /** Weight of the interval in F. */
  #share: number

  /** A path that starts at `params`, with F so far where there is one. */
  constructor(params: Params, fisher: Params | undefined, settings: PathSettings) {
    const score = { ...mapParams(params, parameter => tf.keep(tf.zerosLike(parameter))) }
    this.#settings = settings
    this.#share = fisher ? settings.average : 1
    this.#tensors = {
      fisher: { ...weightedSum(fisher ?? {}, score) },
      score,
      start: { ...cloneParams(params) },
      work: {},
      squares: {},
    }
  }

  get fisher(): Params {
    return this.#tensors.fisher
  }

  get score(): Params {
    return this.#tensors.score
  }

  track({ before, gradients, after }: Update): void {
    const { start, work, squares } = this.#tensors
    for (const name of Object.keys(start)) {
      const gradient = gradients[name]
      if (!gradient) continue
      add(work, name, gradient.mul(before[name]!.sub(after[name]!)))
      add(squares, name, gradient.square())
    }
    this.#steps++
    if (this.#steps === this.#settings.interval) this.close(after)
  }

  /** F ← (1 − α) F + α mean g², s ← s + max(0, ω / (½ F Δθ² + ε)), and the next interval starts at `params`. */
  close(params: Params): void {
    if (this.#steps === 0) return
    const { fisher, score, start, work, squares } = this.#tensors
    tf.tidy(() => {
      for (const name of Object.keys(work)) {
        put(fisher, name, fisher[name]!.mul(1 - this.#share).add(squares[name]!.mul(this.#share / this.#steps)))
        const divergence = params[name]!.sub(start[name]!).square().mul(fisher[name]!).div(2)
        add(score, name, work[name]!.div(divergence.add(this.#settings.damping)).relu())
        put(start, name, params[name]!.clone())
      }
    })
    for (const sums of [work, squares]) {
      disposeParams(sums)
      for (const name of Object.keys(sums)) delete sums[name]
    }
    this.#steps = 0
    this.#share = this.#settings.average
  }

  state(): State {
    return { tensors: cloneParams(flatten(this.#tensors)), values: { steps: this.#steps, share: this.#share } }
  }

  restore({ tensors, values }: State): void {
    for (const [name, sums] of Object.entries(this.#tensors)) {
      disposeParams(sums)
      for (const key of Object.keys(sums)) delete sums[key]
      Object.assign(sums, cloneParams(subset(tensors, name)))
    }
    this.#steps = values.steps as number
    this.#share = values.share as number
  }

  dispose(): void {
    disposeParams(flatten(this.#tensors))
  }
}

/** Puts a tensor in the place of another, which is disposed. */
function put(params: Sums, name: string, tensor: tf.Tensor): void {
  params[name]?.dispose()
  params[name] = tf.keep(tensor)
}

function add(sums: Sums, name: string, term: tf.Tensor): void {
  put(sums, name, sums[name] ? sums[name].add(term) : term)
}
