import * as tf from '@tensorflow/tfjs'
import type { Fit, Params } from './contracts.js'
import { LgmError } from './errors.js'

/**
 * Checks that all numbers of a fit after `step` steps are finite, in one read: 0 · x is NaN where x is not, and large x do not overflow.
 * @throws LgmError `not-finite` naming fit and tensor.
 */
export async function checkFinite(fit: Fit, params: Params, step: number): Promise<void> {
  const names = Object.keys(params)
  if (names.length === 0) return
  const zeros = tf.tidy(() => tf.stack(names.map(name => params[name]!.toFloat().mul(0).sum())))
  const values = await zeros.data()
  zeros.dispose()
  // of NaN some engines make an infinity
  const wrong = names.filter((_, i) => values[i] !== 0)
  if (wrong.length === 0) return
  const more = wrong.length > 1 ? ` and ${wrong.length - 1} more` : ''
  throw new LgmError(
    'not-finite',
    `${fit.name}: expected finite parameters, got NaN or infinite numbers in "${wrong[0]}"${more} after step ${step} of ${fit.iterations}; likely too high a rate (now ${fit.optimizer.rate}): lower it`,
  )
}
