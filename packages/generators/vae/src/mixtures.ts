import * as tf from '@tensorflow/tfjs'
import { divergence, type Normal, operation, shift } from './terms.js'

/** For each row a mixture of k independent Gaussians: means and log variances `[n, k, size]`, log weights `[n, k]`. */
export interface Mixture {
  readonly mean: tf.Tensor3D
  readonly logVariance: tf.Tensor3D
  readonly logWeights: tf.Tensor2D
}

/** log Σₖ πₖ N(z; μₖ, σₖ²) in nats: z `[n, size]` → `[n]`. */
export function mixtureDensity(z: tf.Tensor2D, { mean, logVariance, logWeights }: Mixture): tf.Tensor1D {
  const constant = (z.shape[1] * Math.log(2 * Math.PI)) / 2
  return operation(
    [z, mean, logVariance, logWeights],
    ([at, means, logs, weights], save) => {
      const distance = at!.expandDims(1).sub(means!)
      const pull = distance.mul(logs!.neg().exp())
      const square = distance.mul(pull)
      const joint = weights!.sub(square.add(logs!).sum(2).mul(0.5))
      const density = joint.logSumExp(1)
      save([pull, square, joint.sub(density.expandDims(1)).exp()])
      return density.sub(constant)
    },
    (dy, [pull, square, responsibilities]) => {
      const share = responsibilities!.mul(dy.expandDims(1))
      const each = share.expandDims(2)
      const towards = pull!.mul(each)
      return [towards.sum(1).neg(), towards, square!.sub(1).mul(each).mul(0.5), share]
    },
  )
}

/** log N(z; μ, σ²) in nats: `[n, size]` → `[n]`. */
export function normalDensity(z: tf.Tensor2D, { mean, logVariance }: Normal): tf.Tensor1D {
  return mixtureDensity(z, {
    mean: mean.expandDims(1),
    logVariance: logVariance.expandDims(1),
    logWeights: tf.zeros([z.shape[0], 1]),
  })
}

/** Draws z = μₖ + σₖ ∘ noise, k by its weight: noise `[n, size]` standard normal, choice `[n, 1]` uniform in [0, 1). */
export function drawMixture({ mean, logVariance, logWeights }: Mixture, noise: tf.Tensor2D, choice: tf.Tensor2D) {
  const starts = logWeights.exp().cumsum(1, true)
  // the first starts at 0, so that one is always chosen
  const index = choice.greaterEqual(starts).sum(1, true).sub(1)
  const chosen = tf.range(0, mean.shape[1]).equal(index).toFloat().expandDims(2)
  const of = (parts: tf.Tensor3D) => parts.mul(chosen).sum(1) as tf.Tensor2D
  return shift({ mean: of(mean), logVariance: of(logVariance) }, noise)
}

/**
 * An upper bound of KL(p ‖ r) in nats, `[n]`, that is tight where the k-th components belong together:
 * KL(π ‖ ρ) + Σₖ πₖ KL(pₖ ‖ rₖ) (Do 2003, doi:10.1109/LSP.2003.809034).
 */
export function matchedDivergence(p: Mixture, r: Mixture): tf.Tensor1D {
  const [count, components, size] = p.mean.shape
  const flat = ({ mean, logVariance }: Mixture): Normal => ({
    mean: mean.reshape([count * components, size]),
    logVariance: logVariance.reshape([count * components, size]),
  })
  const each = divergence(flat(p), flat(r)).reshape([count, components])
  return p.logWeights.exp().mul(p.logWeights.sub(r.logWeights).add(each)).sum(1) as tf.Tensor1D
}

/** Of every class `[classes, k, size]`, that of each row's class: y one-hot `[n, classes]` → `[n, k, size]`. */
export function ofClass(y: tf.Tensor2D, each: tf.Tensor): tf.Tensor3D {
  const [classes, components, size] = each.shape as [number, number, number]
  return tf.matMul(y, each.reshape([classes, components * size])).reshape([-1, components, size])
}
