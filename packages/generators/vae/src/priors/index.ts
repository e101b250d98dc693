import { classPrior } from './class.js'
import { flowPrior } from './flow.js'
import { mixturePrior } from './mixture.js'
import type { Prior, PriorSetting } from './prior.js'
import { standardPrior } from './standard.js'
import { vampPrior } from './vamp.js'

/** The priors by the names that users give them. */
export const priors = {
  standard: standardPrior,
  class: classPrior,
  mixture: mixturePrior,
  vamp: vampPrior,
  flow: flowPrior,
} satisfies Record<string, (setting: PriorSetting) => Prior>
