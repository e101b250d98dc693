import type { Objective } from './objective.js'

/** The loss of Wasserstein without a penalty, of linear networks. */
export const base: Objective = {
  net: 'mlp',
  filters: [2],
  widths: [],
  latent: 1,
  output: 'linear',
  auxiliary: 0,
  loss: 'wasserstein',
  penalty: 0,
}
