import { prefixed } from '@lgm/conditional'
import { expected, type Params, subset } from '@lgm/core'
import { drawFrom, type Flow, growFlow, initFlow, logProbability } from '@lgm/coupling'
import { normalDensity } from '../mixtures.js'
import type { Prior, PriorSetting } from './prior.js'

/**
 * A normalizing flow from a Gaussian of each class through affine couplings that are given y, at first standard normal (Chen et al. 2017,
 * arXiv:1611.02731, who call a prior by a flow what an inverse autoregressive posterior is). Divergence and distillation from one sample.
 * @throws LgmError `composition` for a z of one number, of which none is left to transform the other by.
 */
export function flowPrior({ where, latent, couplings, couplingWidths }: PriorSetting): Prior {
  const flow: Flow = {
    shape: [latent],
    net: 'mlp',
    couplings,
    widths: couplingWidths,
    filters: [],
    bound: 2,
    conditional: true,
  }
  if (latent < 2)
    throw expected(where, 'a latent of at least 2 for prior: flow', `${latent}`, 'use prior: class', 'composition')
  const own = (params: Params) => subset(params, 'prior')
  return {
    grow(params, from, to, { rng }) {
      return prefixed('prior', from === 0 ? initFlow(where, flow, to, rng) : growFlow(own(params), flow, to))
    },
    sample: (params, y, { noise }) => drawFrom(own(params), noise, y, flow) as typeof noise,
    divergence: (params, q, z, y) => normalDensity(z, q).sub(logProbability(own(params), z, y, flow)),
    distillation: (params, teacher, y, z) =>
      logProbability(own(teacher), z, y, flow).sub(logProbability(own(params), z, y, flow)),
  }
}
