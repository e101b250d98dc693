import type { Params } from '@lgm/core'
import type * as tf from '@tensorflow/tfjs'
import { createNetwork, type Network } from './network.js'
import type { VaeOptions } from './options.js'
import { priors } from './priors/index.js'
import type { Prior } from './priors/prior.js'
import { bernoulliLoss, divergence, gaussianLoss, shift } from './terms.js'

/** What the loss is made of: the options, and network and prior built of them. */
export interface Objective extends Omit<VaeOptions, 'prior'> {
  readonly network: Network
  readonly prior: Prior
}

/** Network and prior for codes of `shape`, in the name of `where`. */
export function createObjective(where: string, options: VaeOptions, shape: readonly number[]): Objective {
  const network = createNetwork(where, options, shape)
  return { ...options, network, prior: priors[options.prior]({ ...options, where, network }) }
}

/** Rows x `[n, size]`, labels y `[n, classes]`, weights `[n]`, and the draws of a prior. */
export type Batch = Readonly<Record<'x' | 'y' | 'noise', tf.Tensor2D>> & {
  readonly weights: tf.Tensor1D
  readonly choice?: tf.Tensor2D
}

/**
 * −ELBO in nats, weighted over the rows, in two terms (Kingma & Welling 2014, arXiv:1312.6114, equation 3):
 * reconstruction −log p(u | z, y), summed over the numbers of a code, and divergence β KL(q(z | u, y) ‖ p(z | y)), summed over those of z.
 */
export function negativeElbo(params: Params, { x, y, weights, noise }: Batch, objective: Objective) {
  const { network, prior, beta } = objective
  const q = network.encode(params, x, y)
  const z = shift(q, noise)
  const losses = reconstruction(network.decode(params, z, y), x, objective)
  return {
    reconstruction: losses.mul(weights).sum() as tf.Scalar,
    divergence: prior.divergence(params, q, z, y).mul(weights).sum().mul(beta) as tf.Scalar,
  }
}

/**
 * How far the network has moved from its teacher on old classes, sums over rows times their weights, of
 * - encoder: KL(q_{t−1}(z | u, y) ‖ q_t(z | u, y)) in nats on recalled u, or ‖[μ, log σ²]_t − [μ, log σ²]_{t−1}‖²;
 * - decoder: ‖D_t(z, y) − D_{t−1}(z, y)‖² of the likelihoods' means, or KL(p_{t−1}(u | z, y) ‖ p_t(u | z, y)) in nats, which is that over 2σ²
 *   of a Gaussian likelihood, with z from the teacher's prior, or its posterior of recalled u;
 * - prior: KL(p_{t−1}(z | y) ‖ p_t(z | y)) in nats where p is learned.
 */
export function distillation(params: Params, teacher: Params, batch: Batch, objective: Objective) {
  const { x, y, weights, noise } = batch
  const { network, prior, encoderDistillation, decoderDistillation, decoderLatents } = objective
  const weighted = (each: tf.Tensor) => each.mul(weights).sum() as tf.Scalar
  const [wasQ, isQ] = [network.encode(teacher, x, y), network.encode(params, x, y)]
  const fromPrior = prior.sample(teacher, y, batch)
  const z = decoderLatents === 'prior' ? fromPrior : shift(wasQ, noise)
  const [was, is] = [network.decode(teacher, z, y), network.decode(params, z, y)]
  const means = meansOf(was, objective)
  const terms: Record<string, tf.Scalar> = {
    'encoder-distillation': weighted(
      encoderDistillation === 'kl'
        ? divergence(wasQ, isQ)
        : squares(isQ.mean, wasQ.mean).add(squares(isQ.logVariance, wasQ.logVariance)),
    ),
    'decoder-distillation': weighted(
      decoderDistillation === 'kl'
        ? reconstruction(is, means, objective).sub(reconstruction(was, means, objective))
        : squares(meansOf(is, objective), means),
    ),
  }
  if (prior.distillation) terms['prior-distillation'] = weighted(prior.distillation(params, teacher, y, fromPrior))
  return terms
}

/** −log p(x | output) in nats, `[n]`. */
function reconstruction(output: tf.Tensor2D, x: tf.Tensor2D, { likelihood, sigma }: Objective): tf.Tensor1D {
  return likelihood === 'bernoulli' ? bernoulliLoss(output, x) : gaussianLoss(output, x, sigma)
}

/** ‖a − b‖² of each row. */
function squares(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor {
  return a.sub(b).square().sum(1)
}

/** The mean of the likelihood whose logits, or means, the decoder gives. */
export function meansOf(output: tf.Tensor2D, { likelihood }: Pick<VaeOptions, 'likelihood'>): tf.Tensor2D {
  return likelihood === 'bernoulli' ? output.sigmoid() : output
}

/** The rows `from` to `from + count` of every tensor of a batch. */
export function part(batch: Batch, from: number, count: number): Batch {
  const sliced = Object.entries(batch).map(([name, tensor]) => [name, (tensor as tf.Tensor).slice(from, count)])
  return Object.fromEntries(sliced) as Batch
}
