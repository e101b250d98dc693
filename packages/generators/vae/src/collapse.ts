import { expected, type Measurement, oneHot, type Params } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { type Look, largestVariance } from './look.js'
import type { Objective } from './objective.js'
import type { Normal } from './terms.js'

/** Nats above which a number of z counts as used; Burda et al. 2016, arXiv:1509.00519, section 5.2, ask 0.01 of the variance of μ. */
const active = 0.01

/** The most that a Bernoulli variable varies, p (1 − p) for p = ½. */
const bernoulliVariance = 0.25

/**
 * What each number of z tells of a code whose group is known, in nats `[latent]`: the mean over rows of KL(q(zᵢ | u) ‖ the Gaussian nearest
 * to all q of the group), ½ (log v − mean log σ²), v = mean σ² + variance of μ over the group. No Gaussian prior of the group has a
 * smaller divergence, and 0 means that q is the same for all codes. Groups are one-hot `[n, groups]`.
 */
export function tellingOf({ mean, logVariance }: Normal, groups: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    const counts = groups.sum(0).maximum(1).expandDims(1)
    const means = (each: tf.Tensor) => tf.matMul(groups, each as tf.Tensor2D, true).div(counts)
    const variance = logVariance.exp().add(mean.sub(tf.matMul(groups, means(mean) as tf.Tensor2D)).square())
    const nats = means(variance).log().sub(means(logVariance)).mul(0.5)
    // groups without a row would be log 0
    const shares = groups.mean(0).expandDims(1)
    return tf.where(shares.greater(0), nats, tf.zerosLike(nats)).mul(shares).sum(0) as tf.Tensor1D
  })
}

/**
 * The figures of a fit, in the name of `where`: how many numbers of z are used, and what they tell together.
 * Groups are what z need not tell: labels, wherever anything but z is given them.
 * @throws LgmError `collapsed`; see `refuseCollapse`.
 */
export async function checkCollapse(
  where: string,
  objective: Objective,
  params: Params,
  look: Look,
  classes: number,
): Promise<readonly Measurement[]> {
  const { labels, values, size } = look
  const given = objective.conditional || objective.prior.distillation
  const groups = given ? labels : new Int32Array(labels.length)
  const tensor = tf.tidy(() => {
    const q = objective.network.encode(params, tf.tensor2d(values, [labels.length, size]), oneHot(labels, classes))
    return tellingOf(q, oneHot(groups, classes))
  })
  const telling = (await tensor.data()) as Float32Array
  tensor.dispose()
  refuseCollapse(where, telling, { ...look, labels: groups }, objective)
  const over = 'over up to 1000 codes of the task'
  return [
    {
      name: `${where}/active-dimensions`,
      value: telling.filter(nats => nats > active).length,
      unit: 'numbers of z',
      aggregation: `those with a mean KL(q ‖ nearest Gaussian of the class) above ${active} nats ${over}`,
    },
    {
      name: `${where}/information`,
      value: telling.reduce((sum, nats) => sum + nats, 0),
      unit: 'nats',
      aggregation: `KL(q ‖ nearest Gaussian of the class) summed over z, mean ${over}`,
    },
  ]
}

/**
 * Refuses a fit in which no number of z says anything of a code: each class has then one sample, its mean, and nothing else in a run
 * would tell. An error rather than a line in a log: hours of replay of class means look like results, while an error costs one task,
 * leaves the generator as it was, and says what to turn. Partial collapse is a figure, for it is often what β asked for. So is total
 * collapse where codes vary in no direction by more than the noise of the likelihood as stated: z has then nothing to say (Lucas et al.
 * 2019, arXiv:1911.02469, section 4), and an application must not fail on five like pictures.
 *
 * @throws LgmError `collapsed`.
 */
function refuseCollapse(where: string, telling: Float32Array, look: Look, objective: Objective): void {
  const { beta, likelihood, sigma } = objective
  if (beta === 0 || telling.some(nats => nats > active)) return
  const variance = largestVariance(look)
  if (variance <= (likelihood === 'gaussian' ? sigma ** 2 : bernoulliVariance)) return
  const deviation = Math.sqrt(variance).toPrecision(2)
  throw expected(
    where,
    'a z that depends on the code',
    `less than ${active} nats in each of its ${telling.length} numbers (posterior collapse: all samples of a class would be its mean, from which codes deviate by ${deviation} in some direction)`,
    `lower beta (now ${beta})${likelihood === 'gaussian' ? ` or sigma (now ${sigma})` : ''}, or train longer`,
    'collapsed',
  )
}
