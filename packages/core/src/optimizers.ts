import * as tf from '@tensorflow/tfjs'
import type { OptimizerOptions, Params } from './contracts.js'
import { fused } from './ops/fused.js'
import { mapParams } from './params.js'
import { z } from './point.js'

/** Options of the update rule, for the schemas of phases and generators. */
export const optimizerOptions = z
  .strictObject({
    use: z.enum(['sgd', 'adam', 'adamw']).default('adam').describe('update rule'),
    rate: z.number().positive().default(1e-3).describe('learning rate per step'),
    schedule: z.enum(['constant', 'cosine']).default('constant').describe('cosine: from rate to 0 over the fit'),
    momentum: z.number().min(0).lt(1).default(0).describe('sgd: share of the last step that is kept'),
    beta1: z.number().min(0).lt(1).default(0.9).describe('adam: decay of the first moment'),
    beta2: z.number().min(0).lt(1).default(0.999).describe('adam: decay of the second moment'),
    epsilon: z.number().positive().default(1e-8).describe('adam: added to the root of the second moment'),
    decay: z.number().min(0).default(0.01).describe('adamw: decoupled weight decay per step, times the rate'),
  })
  .prefault({})
  .describe('how parameters are updated')

/**
 * Moments by parameter name, so that nothing is reused for another tensor. `sgd` uses `first` only, or nothing. Adam's, where it is
 * composed of operations, are kept as multiples, m/(1 − β₁) and v/(1 − β₂), which takes fewer of them.
 */
export interface Slots {
  readonly first: Params
  readonly second: Params
}

/** Slots of zeros for `params`. */
export function initSlots(options: OptimizerOptions, params: Params): Slots {
  const zeros = () => mapParams(params, tensor => tf.keep(tf.zerosLike(tensor)))
  if (options.use === 'sgd') return { first: options.momentum > 0 ? zeros() : {}, second: {} }
  return { first: zeros(), second: zeros() }
}

/** The rate at `step` (0-based) of `of`. */
export function rateAt(options: OptimizerOptions, step: number, of: number): number {
  return options.schedule === 'cosine' ? (options.rate * (1 + Math.cos((Math.PI * step) / of))) / 2 : options.rate
}

/**
 * One step: new parameters and slots from old ones; nothing is changed in place.
 * SGD with momentum: v ← μv + g, θ ← θ − αv. Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) with bias correction at
 * `step` + 1; AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) adds α·decay·θ to the step. Where an engine has a fused kernel
 * `LgmAdam`, that is used. A parameter without a gradient stays as it is.
 *
 * `spent` holds parameters and slots that nobody reads again: an engine may then take their memory for the new ones. They are still
 * the caller's to dispose.
 */
export function applyGradients(
  options: OptimizerOptions,
  params: Params,
  gradients: Params,
  slots: Slots,
  step: number,
  of: number,
  spent: ReadonlySet<tf.Tensor> = new Set(),
): { params: Params; slots: Slots } {
  const rate = rateAt(options, step, of)
  const next: Record<string, tf.Tensor> = {}
  const first: Record<string, tf.Tensor> = {}
  const second: Record<string, tf.Tensor> = {}
  for (const [name, parameter] of Object.entries(params)) {
    const gradient = gradients[name]
    if (options.use === 'sgd') {
      const velocity = slots.first[name]
      const moved = gradient && (velocity ? velocity.mul(options.momentum).add(gradient) : gradient)
      next[name] = moved ? parameter.sub(moved.mul(rate)) : parameter
      if (velocity) first[name] = moved ?? velocity
      continue
    }
    const m = slots.first[name]!
    const v = slots.second[name]!
    const updated = gradient ? adam(options, rate, step + 1, [parameter, m, v], gradient, spent) : [parameter, m, v]
    next[name] = updated[0]!
    first[name] = updated[1]!
    second[name] = updated[2]!
  }
  return { params: next, slots: { first, second } }
}

function adam(
  options: OptimizerOptions,
  rate: number,
  count: number,
  [parameter, firstMoment, secondMoment]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  gradient: tf.Tensor,
  spent: ReadonlySet<tf.Tensor>,
): readonly tf.Tensor[] {
  const { beta1, beta2, epsilon } = options
  const decay = options.use === 'adamw' ? options.decay : 0
  const correction1 = 1 - beta1 ** count
  const correction2 = 1 - beta2 ** count
  const inputs = { parameter, firstMoment, secondMoment, gradient }
  const numbers = { rate, beta1, beta2, epsilon, correction1, correction2, decay }
  const isSpent = [parameter, firstMoment, secondMoment].map(tensor => spent.has(tensor))
  const updated = fused('LgmAdam', inputs, { ...numbers, spent: isSpent })
  if (updated) return updated
  const first = firstMoment.mul(beta1).add(gradient)
  const second = secondMoment.mul(beta2).add(gradient.square())
  const root = Math.sqrt(correction2 / (1 - beta2))
  const size = (rate * root * (1 - beta1)) / correction1
  const step = first.div(second.sqrt().add(epsilon * root)).mul(size)
  const shrunk = decay > 0 ? parameter.mul(1 - rate * decay) : parameter
  return [shrunk.sub(step), first, second]
}
