import type { Params, Rng } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import type { Network } from '../network.js'
import type { Normal } from '../terms.js'

/**
 * p(z | y), learned with the network. Labels y are one-hot `[n, classes]`; `params` are those of the whole network, and a prior's own are
 * named `prior/…`. To add one: a file beside this, and a line in `index.ts`.
 */
export interface Prior {
  /** Whether a sample takes a `choice` among components beside noise. */
  readonly chooses?: boolean
  /** Its parameters with room for `to` classes instead of `from`, what it says of the old ones unchanged; of none, `from` 0, new ones. */
  grow(params: Params, from: number, to: number, start: Start): Params
  /** z `[n, latent]`. */
  sample(params: Params, y: tf.Tensor2D, draws: Draws): tf.Tensor2D
  /** KL(q(z) ‖ p(z | y)) in nats `[n]`, in closed form or as log q(z) − log p(z | y) at the one sample z of q. */
  divergence(params: Params, q: Normal, z: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor1D
  /** KL(p_{t−1}(z | y) ‖ p_t(z | y)) in nats `[n]`, in closed form, as a bound, or at a sample z of p_{t−1}; none for one that is fixed. */
  distillation?(params: Params, teacher: Params, y: tf.Tensor2D, z: tf.Tensor2D): tf.Tensor1D
}

/** What decides a prior's shape: the options, and the network, which one may ask for q. Errors are in the name of `where`. */
export interface PriorSetting {
  readonly where: string
  readonly latent: number
  readonly components: number
  readonly couplings: number
  readonly couplingWidths: readonly number[]
  readonly network: Pick<Network, 'encode'>
}

/** What the parameters of new classes begin with: random numbers, and codes like those of a class. */
export interface Start {
  readonly rng: Rng
  /** A draw of independent Gaussians with means and variances of the codes of a class, `[size]`. */
  typical(label: number): Float32Array
}

/** What samples are made of: standard normal `noise` `[n, latent]` and, where a prior chooses, uniform `choice` `[n, 1]`. */
export type Draws = Readonly<{ noise: tf.Tensor2D; choice?: tf.Tensor2D }>

/** The draws for `count` samples. */
export function drawsFor({ chooses }: Prior, latent: number, count: number, rng: Rng): Draws {
  return {
    noise: tf.tensor2d(rng.normal(count * latent), [count, latent]),
    ...(chooses && { choice: tf.tensor2d(rng.uniform(count), [count, 1]) }),
  }
}

/** A parameter of every class with rows for more of them, or the rows alone where there is none yet: `[from, …]` → `[to, …]`. */
export function moreRows(
  old: tf.Tensor | undefined,
  from: number,
  to: number,
  rows: (count: number) => tf.Tensor,
): tf.Tensor {
  if (!old) return rows(to)
  return to > from ? tf.tidy(() => tf.concat([old, rows(to - from)])) : old
}
