import { oneHot, type Params, type Rng, sizeOf, subset } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { checkFlow, type Flow, orderBefore } from './architecture.js'
import { growConditioner, initConditioner, prefixed } from './conditioner.js'
import { forward } from './coupling.js'

/**
 * Parameters of a flow for `classes` classes: of each coupling k, actnorm `k/logScale` and `k/shift`, `[d]` or, of net conv,
 * `[channels]`, and its conditioner; of the base, `base/mean` and `base/logDeviation` `[classes, d]`. It maps every code to itself at first,
 * in another order, and the base is standard normal.
 * @throws LgmError `composition` in the name of `where` for shapes that it cannot be of.
 */
export function initFlow(where: string, flow: Flow, classes: number, rng: Rng): Params {
  checkFlow(where, flow)
  const size = sizeOf(flow.shape)
  const scales = flow.net === 'conv' ? flow.shape[2]! : size
  const couplings = Array.from({ length: flow.couplings }, (_, k) =>
    prefixed(`${k}`, {
      logScale: tf.zeros([scales]),
      shift: tf.zeros([scales]),
      ...initConditioner(flow, k, classes, rng),
    }),
  )
  const base = { mean: tf.zeros([classes, size]), logDeviation: tf.zeros([classes, size]) }
  return Object.assign({}, ...couplings, prefixed('base', base))
}

/**
 * The same flow with room for more classes. Densities of old ones stay what they were; new ones begin without a label and with a standard
 * normal base. Tensors that do not grow are those of `params`.
 */
export function growFlow(params: Params, flow: Flow, classes: number): Params {
  const [before, size] = params['base/mean']!.shape as [number, number]
  if (classes <= before) return params
  return tf.tidy(() => {
    const grown: Record<string, tf.Tensor> = { ...params }
    for (let k = 0; k < flow.couplings; k++)
      Object.assign(grown, prefixed(`${k}`, growConditioner(subset(params, `${k}`), flow, classes - before)))
    for (const name of ['base/mean', 'base/logDeviation'])
      grown[name] = tf.concat([params[name]!, tf.zeros([classes - before, size])])
    return grown
  })
}

/** Smallest variance that a flow is set to, relative to the mean one: that of numbers that never change. */
const floor = 1e-6

/**
 * A new flow set to data (Kingma & Dhariwal 2018, section 3.1): the first actnorm gives codes u `[n, ...shape]` mean 0 and variance 1, each
 * number by itself or, of net conv, each channel. The others would be given the same, since couplings change nothing yet. Tensors that do
 * not change are those of `params`.
 */
export function normalizeFlow(params: Params, u: tf.Tensor, { net }: Flow): Params {
  return tf.tidy(() => {
    const scales = params['0/shift']!.size
    const moments = tf.moments(u.reshape([-1, scales]), 0)
    const order = net === 'mlp' ? orderBefore(scales, 0) : undefined
    const [mean, variance] = [moments.mean, moments.variance].map(each => (order ? each.gather([...order]) : each))
    const logScale = stabilized(variance!).log().mul(-0.5)
    return { ...params, '0/logScale': logScale, '0/shift': mean!.mul(logScale.exp()).neg() }
  })
}

/**
 * The base of the classes that `labels` has set to data: mean and deviation of the z of their codes u `[n, ...shape]` in each dimension. Of
 * a flow that changes nothing else yet, p(u | y) is then a diagonal Gaussian fitted to the class. Tensors that do not change are those of
 * `params`.
 */
export function placeClasses(params: Params, u: tf.Tensor, labels: Int32Array, flow: Flow): Params {
  return tf.tidy(() => {
    const classes = params['base/mean']!.shape[0]!
    const y = oneHot(labels, classes)
    const { z } = forward(params, u, y, flow)
    const counts = y.sum(0).expandDims(1)
    const mean = tf.divNoNan(tf.matMul(y, z, true), counts)
    const squares = z.sub(tf.matMul(y, mean as tf.Tensor2D)).square()
    const variance = tf.divNoNan(tf.matMul(y, squares as tf.Tensor2D, true), counts)
    const met = counts.greater(0)
    const logDeviation = stabilized(variance).log().mul(0.5)
    return {
      ...params,
      'base/mean': tf.where(met, mean, params['base/mean']!),
      'base/logDeviation': tf.where(met, logDeviation, params['base/logDeviation']!),
    }
  })
}

/** Variances plus a millionth of the mean one, or of 1 where all are zero. */
function stabilized(variance: tf.Tensor): tf.Tensor {
  const mean = variance.mean()
  return variance.add(tf.where(mean.greater(0), mean, tf.onesLike(mean)).mul(floor))
}
