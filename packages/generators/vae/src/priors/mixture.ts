import type { Params } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { drawMixture, type Mixture, matchedDivergence, mixtureDensity, normalDensity, ofClass } from '../mixtures.js'
import { moreRows, type Prior, type PriorSetting } from './prior.js'

/**
 * k diagonal Gaussians for each class: `prior/mean` and `prior/logVariance` `[classes, k, latent]`, `prior/logit` `[classes, k]`, at first of
 * variance 1 about standard normal draws, equally likely. Divergence from one sample; distillation by the bound of `matchedDivergence`.
 */
export function mixturePrior({ latent, components }: PriorSetting): Prior {
  const of = (params: Params, y: tf.Tensor2D): Mixture => ({
    mean: ofClass(y, params['prior/mean']!),
    logVariance: ofClass(y, params['prior/logVariance']!),
    logWeights: tf.logSoftmax(tf.matMul(y, params['prior/logit'] as tf.Tensor2D)),
  })
  const rows = (count: number): [number, number, number] => [count, components, latent]
  return {
    chooses: true,
    grow: (params, from, to, { rng }) => ({
      'prior/mean': moreRows(params['prior/mean'], from, to, count =>
        tf.tensor3d(rng.normal(count * components * latent), rows(count)),
      ),
      'prior/logVariance': moreRows(params['prior/logVariance'], from, to, count => tf.zeros(rows(count))),
      'prior/logit': moreRows(params['prior/logit'], from, to, count => tf.zeros([count, components])),
    }),
    sample: (params, y, { noise, choice }) => drawMixture(of(params, y), noise, choice!),
    divergence: (params, q, z, y) => normalDensity(z, q).sub(mixtureDensity(z, of(params, y))),
    distillation: (params, teacher, y) => matchedDivergence(of(teacher, y), of(params, y)),
  }
}
