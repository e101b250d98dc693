import type { Params } from '@lgm/core'
import { type Flow, logProbability } from '@lgm/coupling'
import type * as tf from '@tensorflow/tfjs'
import type { Batch } from './batches.js'

/**
 * What is minimized, in nats: −log p(u | y), summed with the rows' weights. With a teacher, that of new codes, and two estimates of
 * KL(p_{t−1} ‖ p_t) of old classes: log p_{t−1} − log p_t on the teacher's own draws, which is unbiased, and ½ (log p_{t−1} − log p_t)²
 * on recall, which is the divergence to second order where recall was drawn from the teacher, and has no gradient where the two agree.
 */
export function lossTerms(params: Params, batch: Batch, flow: Flow): Record<string, tf.Scalar> {
  const nats = logProbability(params, batch.x!, batch.y as tf.Tensor2D, flow)
  const weighted = (each: tf.Tensor, weights: tf.Tensor) => each.mul(weights).sum() as tf.Scalar
  const likelihood = { 'negative-log-likelihood': weighted(nats, batch.weights!.neg()) }
  if (!batch.teacher) return likelihood
  const difference = batch.teacher.sub(nats)
  return {
    ...likelihood,
    'sample-distillation': weighted(difference, batch.ofDrawn!),
    'density-distillation': weighted(difference.square(), batch.ofRecall!.mul(0.5)),
  }
}
