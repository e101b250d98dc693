import { crossEntropy, type Params } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { generate, judge, type Networks, type Verdict } from './networks.js'

/** What the two losses are made of. */
export interface Objective extends Networks {
  readonly loss: 'wasserstein' | 'hinge'
  readonly penalty: number
}

/** Labels y one-hot `[n, classes]`, and weights `[n]` of the rows. */
export type Rows = Readonly<Record<'y' | 'weights', tf.Tensor>>

/** Rows with standard normal z `[n, latent]`. */
export type Draw = Rows & { readonly z: tf.Tensor }

/**
 * What the critic minimizes on real codes and as many made ones, each `[n, ...shape]`, without the penalty. Term `critic`: −W with the
 * estimate W = E f(real) − E f(made) of the Wasserstein distance (Arjovsky et al. 2017, arXiv:1701.07875), in the units of codes; or
 * E max(0, 1 − f(real)) + E max(0, 1 + f(made)) (Lim & Ye 2017, arXiv:1705.02894). Term `auxiliary`: the classifier's cross-entropy on
 * real codes in nats, times its weight. E is the sum weighted over the rows.
 */
export function criticTerms(
  critic: Params,
  real: tf.Tensor,
  made: tf.Tensor,
  { y, weights }: Rows,
  objective: Objective,
): Record<string, tf.Scalar> {
  const labels = tf.concat([y, y]) as tf.Tensor2D
  const verdict = judge(critic, tf.concat([real, made]), labels, objective)
  const away = tf.concat([tf.onesLike(weights).neg(), tf.onesLike(weights)])
  const pushed = verdict.scores.mul(away)
  const each = objective.loss === 'wasserstein' ? pushed : pushed.add(1).relu()
  return {
    critic: each.mul(tf.concat([weights, weights])).sum() as tf.Scalar,
    ...auxiliary(verdict, y as tf.Tensor2D, weights, objective),
  }
}

/**
 * What the generator minimizes: −E f(G(z, y)), term `score`, and the cross-entropy of the critic's classifier on G(z, y), term `auxiliary`,
 * in nats times its weight.
 */
export function generatorTerms(
  generator: Params,
  critic: Params,
  shape: readonly number[],
  { y, weights, z }: Draw,
  objective: Objective,
): Record<string, tf.Scalar> {
  const labels = y as tf.Tensor2D
  const verdict = judge(critic, generate(generator, z as tf.Tensor2D, labels, shape, objective), labels, objective)
  return {
    score: verdict.scores.mul(weights).sum().neg() as tf.Scalar,
    ...auxiliary(verdict, labels, weights, objective),
  }
}

/** Cross-entropy of the first rows of the logits, as many as there are labels; nothing without logits. */
function auxiliary({ logits }: Verdict, y: tf.Tensor2D, weights: tf.Tensor, objective: Objective) {
  if (!logits) return {}
  const losses = crossEntropy(logits.slice([0, 0], y.shape), y)
  return { auxiliary: losses.mul(weights).sum().mul(objective.auxiliary) as tf.Scalar }
}

/**
 * Replay alignment, how far the generator has moved on old classes: mean over the rows of ‖G(z, y) − teacher(z, y)‖², summed over the
 * numbers of a code (Wu et al. 2018, arXiv:1809.02058, equation 7). z `[n, latent]`, y one-hot `[n, classes]`.
 */
export function alignment(
  generator: Params,
  teacher: Params,
  shape: readonly number[],
  z: tf.Tensor2D,
  y: tf.Tensor2D,
  networks: Networks,
): tf.Scalar {
  const [is, was] = [generator, teacher].map(of => generate(of, z, y, shape, networks))
  return is!.sub(was!).square().sum().div(z.shape[0]) as tf.Scalar
}
