import type { Params } from '@lgm/core'
import type * as tf from '@tensorflow/tfjs'
import { type Architecture, decode, encode, priorOf, shift } from './network.js'
import { bernoulliLoss, divergence, gaussianLoss } from './terms.js'

/** p(u | z, y): independent Bernoulli variables, or N(D(z, y), σ²). */
export interface Likelihood {
  readonly likelihood: 'bernoulli' | 'gaussian'
  readonly sigma: number
}

/** What the loss is made of. */
export interface Objective extends Architecture, Likelihood {
  readonly beta: number
}

/** Rows x `[n, size]`, labels y `[n, classes]`, weights `[n]`, standard normal `noise` `[n, latent]`. */
export type Batch = Readonly<Record<'x' | 'y' | 'weights' | 'noise', tf.Tensor>>

/**
 * −ELBO in nats, weighted over the rows, in two terms (Kingma & Welling 2014, arXiv:1312.6114, equation 3):
 * reconstruction −log p(u | z, y), summed over the numbers of a code, and divergence β KL(q(z | u, y) ‖ p(z | y)), summed over those of z.
 */
export function negativeElbo(params: Params, batch: Batch, objective: Objective): Record<string, tf.Scalar> {
  const { x, y, noise } = batch as Record<string, tf.Tensor2D>
  const q = encode(params, x!, y!, objective)
  const output = decode(params, shift(q, noise!), y!, objective)
  const { likelihood, sigma, beta } = objective
  const losses = likelihood === 'bernoulli' ? bernoulliLoss(output, x!) : gaussianLoss(output, x!, sigma)
  const nats = divergence(q, priorOf(params, y!, objective))
  return {
    reconstruction: losses.mul(batch.weights).sum() as tf.Scalar,
    divergence: nats.mul(batch.weights).sum().mul(beta) as tf.Scalar,
  }
}

/**
 * How far the network has moved from its teacher on old classes, means over rows that are weighted: KL(q_{t−1}(z | u, y) ‖ q_t(z | u, y))
 * in nats on recalled u; ‖D_t(z, y) − D_{t−1}(z, y)‖² with z from the teacher's prior; KL(p_{t−1}(z | y) ‖ p_t(z | y)) where p is learned.
 */
export function distillation(
  params: Params,
  teacher: Params,
  batch: Batch,
  objective: Objective,
): Record<string, tf.Scalar> {
  const { x, y, noise } = batch as Record<string, tf.Tensor2D>
  const weighted = (each: tf.Tensor) => each.mul(batch.weights).sum() as tf.Scalar
  const prior = priorOf(teacher, y!, objective)
  const z = shift(prior, noise!)
  const [was, is] = [teacher, params].map(of => meansOf(decode(of, z, y!, objective), objective))
  return {
    'encoder-distillation': weighted(divergence(encode(teacher, x!, y!, objective), encode(params, x!, y!, objective))),
    'decoder-distillation': weighted(is!.sub(was!).square().sum(1)),
    ...(objective.prior === 'class' && {
      'prior-distillation': weighted(divergence(prior, priorOf(params, y!, objective))),
    }),
  }
}

/** The mean of the likelihood whose logits, or means, the decoder gives. */
export function meansOf(output: tf.Tensor2D, { likelihood }: Likelihood): tf.Tensor2D {
  return likelihood === 'bernoulli' ? output.sigmoid() : output
}

/** The rows `from` to `from + count` of every tensor of a batch. */
export function part(batch: Batch, from: number, count: number): Batch {
  const slice = (tensor: tf.Tensor) => tensor.slice(from, count)
  return { x: slice(batch.x), y: slice(batch.y), weights: slice(batch.weights), noise: slice(batch.noise) }
}
