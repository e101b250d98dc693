import type { Params } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { divergence, type Normal, shift } from '../terms.js'
import { moreRows, type Prior, type PriorSetting } from './prior.js'

/**
 * A diagonal Gaussian for each class, `prior/mean` and `prior/logVariance` `[classes, latent]`, at first of variance 1 about a standard normal draw
 * (van de Ven & Tolias 2018, arXiv:1809.10635). All divergences in closed form.
 */
export function classPrior({ latent }: PriorSetting): Prior {
  const of = (params: Params, y: tf.Tensor2D): Normal => ({
    mean: tf.matMul(y, params['prior/mean'] as tf.Tensor2D),
    logVariance: tf.matMul(y, params['prior/logVariance'] as tf.Tensor2D),
  })
  return {
    grow: (params, from, to, { rng }) => ({
      'prior/mean': moreRows(params['prior/mean'], from, to, count =>
        tf.tensor2d(rng.normal(count * latent), [count, latent]),
      ),
      'prior/logVariance': moreRows(params['prior/logVariance'], from, to, count => tf.zeros([count, latent])),
    }),
    sample: (params, y, { noise }) => shift(of(params, y), noise),
    divergence: (params, q, _, y) => divergence(q, of(params, y)),
    distillation: (params, teacher, y) => divergence(of(teacher, y), of(params, y)),
  }
}
