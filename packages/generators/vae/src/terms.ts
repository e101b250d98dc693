import * as tf from '@tensorflow/tfjs'

type Saved = (tensors: tf.Tensor[]) => void

/** An operation of several tensors with its gradient written out: one node on the tape in the place of many. */
export function operation(
  inputs: readonly tf.Tensor[],
  forward: (inputs: tf.Tensor[], save: Saved) => tf.Tensor,
  gradients: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor1D {
  const compute = (...parameters: unknown[]) => {
    const save = parameters.at(-1) as Saved
    return { value: forward(parameters.slice(0, -1) as tf.Tensor[], save), gradFunc: gradients }
  }
  return tf.customGrad(compute as Parameters<typeof tf.customGrad>[0])(...inputs) as tf.Tensor1D
}

/** −log p(x | l) of independent Bernoulli variables in nats, Σᵢ softplus(lᵢ) − lᵢxᵢ: logits l and x in 0 to 1, `[n, size]` → `[n]`. */
export function bernoulliLoss(logits: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor1D {
  return operation(
    [logits],
    ([l], save) => {
      save([l!, x])
      return l!.softplus().sub(l!.mul(x)).sum(1)
    },
    (dy, saved) => [saved[0]!.sigmoid().sub(saved[1]!).mul(dy.expandDims(1))],
  )
}

/** −log p(x | m) of N(m, σ²) in nats, Σᵢ (xᵢ − mᵢ)² / 2σ² + log σ√2π: means m and x `[n, size]` → `[n]`. */
export function gaussianLoss(means: tf.Tensor2D, x: tf.Tensor2D, sigma: number): tf.Tensor1D {
  const constant = means.shape[1] * (Math.log(sigma) + Math.log(2 * Math.PI) / 2)
  return operation(
    [means],
    ([m], save) => {
      const error = m!.sub(x)
      save([error])
      return error
        .square()
        .sum(1)
        .mul(0.5 / sigma ** 2)
        .add(constant)
    },
    (dy, saved) => [saved[0]!.mul(dy.expandDims(1).mul(sigma ** -2))],
  )
}

/** Means and log variances of independent Gaussians, each `[n, size]`. */
export interface Normal {
  readonly mean: tf.Tensor2D
  readonly logVariance: tf.Tensor2D
}

/** μ + σ ∘ noise: `[n, size]` for standard normal noise of that shape. */
export function shift({ mean, logVariance }: Normal, noise: tf.Tensor2D): tf.Tensor2D {
  return mean.add(logVariance.mul(0.5).exp().mul(noise)) as tf.Tensor2D
}

/** KL(q ‖ p) of independent Gaussians in nats, ½ Σᵢ log σp²/σq² + (σq² + (μq − μp)²)/σp² − 1: `[n]`. */
export function divergence(q: Normal, p: Normal): tf.Tensor1D {
  return operation(
    [q.mean, q.logVariance, p.mean, p.logVariance],
    ([qMean, qLog, pMean, pLog], save) => {
      const ratio = qLog!.sub(pLog!)
      const precision = pLog!.neg().exp()
      const distance = qMean!.sub(pMean!)
      const shrink = ratio.exp()
      const pull = distance.mul(precision)
      const square = distance.mul(pull)
      save([shrink, pull, square])
      return shrink.sub(ratio).add(square).sub(1).sum(1).mul(0.5)
    },
    (dy, [shrink, pull, square]) => {
      const each = dy.expandDims(1)
      const mean = pull!.mul(each)
      const variance = shrink!.sub(1).mul(each).mul(0.5)
      return [mean, variance, mean.neg(), square!.mul(each).mul(-0.5).sub(variance)]
    },
  )
}
