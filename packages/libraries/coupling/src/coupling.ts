import { oneHot, type Params, rows, sizeOf, subset } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { conditioning, type Flow, orderBefore, transformed } from './architecture.js'
import { conditionMap, conditionRows } from './conditioner.js'
import { couple, coupleMasked, decouple, decoupleMasked, gaussianNats, restore, standardize } from './operations.js'

/** What a flow makes of codes: z `[n, d]`, and log |det ∂z/∂u| in nats `[n]`. */
export interface Transformed {
  readonly z: tf.Tensor2D
  readonly logDet: tf.Tensor1D
}

/** u → z: u `[n, ...shape]`, labels y one-hot `[n, classes]`. */
export function forward(params: Params, u: tf.Tensor, y: tf.Tensor2D, flow: Flow): Transformed {
  return tf.tidy(() => {
    const d = sizeOf(flow.shape)
    // the last column is the log-determinant so far
    let state = tf.concat([rows(u), tf.zeros([u.shape[0]!, 1])], 1) as tf.Tensor2D
    for (let k = 0; k < flow.couplings; k++) {
      const own = subset(params, `${k}`)
      state = standardize(state, own.logScale!, own.shift!, orderOf(flow, k))
      if (flow.net === 'conv') {
        const mask = tf.tensor1d(transformed(flow.shape, k))
        const given = state.slice([0, 0], [-1, d]).mul(tf.sub(1, mask))
        state = coupleMasked(state, conditionMap(own, asMap(given, flow), y, flow), mask, flow.bound)
      } else {
        const given = state.slice([0, 0], [-1, conditioning(d, k)])
        state = couple(state, conditionRows(own, given, y, flow), flow.bound)
      }
    }
    const [z, logDet] = tf.split(state, [d, 1], 1)
    return { z: z as tf.Tensor2D, logDet: logDet!.reshape([-1]) as tf.Tensor1D }
  })
}

/** z → u, the reverse of `forward`: z `[n, d]`, labels y one-hot `[n, classes]` → `[n, ...shape]`. */
export function inverse(params: Params, z: tf.Tensor2D, y: tf.Tensor2D, flow: Flow): tf.Tensor {
  return tf.tidy(() => {
    const d = sizeOf(flow.shape)
    let state = z
    for (let k = flow.couplings - 1; k >= 0; k--) {
      const own = subset(params, `${k}`)
      if (flow.net === 'conv') {
        const mask = tf.tensor1d(transformed(flow.shape, k))
        const output = conditionMap(own, asMap(state.mul(tf.sub(1, mask)), flow), y, flow)
        state = decoupleMasked(state, output, mask, flow.bound)
      } else {
        const free = d - conditioning(d, k)
        const given = state.slice([0, free], [-1, d - free])
        state = decouple(state, conditionRows(own, given, y, flow), flow.bound)
      }
      state = restore(state, own.logScale!, own.shift!, orderOf(flow, k))
    }
    return state.reshape([z.shape[0], ...flow.shape])
  })
}

/** log p(u | y) in nats, exact, log N(z; μ_y, diag σ_y²) + log |det ∂z/∂u|: u `[n, ...shape]`, y one-hot `[n, classes]` → `[n]`. */
export function logProbability(params: Params, u: tf.Tensor, y: tf.Tensor2D, flow: Flow): tf.Tensor1D {
  return tf.tidy(() => {
    const { z, logDet } = forward(params, u, y, flow)
    return baseNats(params, z, y).add(logDet)
  })
}

/** log p(u | y) in nats for classes 0 to `classes` − 1: u `[n, ...shape]` → `[n, classes]`. */
export function logProbabilities(params: Params, u: tf.Tensor, classes: number, flow: Flow): tf.Tensor2D {
  return tf.tidy(() => {
    const n = u.shape[0]!
    const known = params['base/mean']!.shape[0]!
    const of = (label: number) => oneHot(new Int32Array(n).fill(label), known)
    // the same z for all classes where the label is in the base alone
    const shared = flow.conditional ? undefined : forward(params, u, of(0), flow)
    const columns = Array.from({ length: classes }, (_, label) => {
      const { z, logDet } = shared ?? forward(params, u, of(label), flow)
      return baseNats(params, z, of(label)).add(logDet)
    })
    return tf.stack(columns, 1) as tf.Tensor2D
  })
}

/** A draw from p(u | y): standard normal `noise` `[n, d]`, y one-hot `[n, classes]` → `[n, ...shape]`. */
export function drawFrom(params: Params, noise: tf.Tensor2D, y: tf.Tensor2D, flow: Flow): tf.Tensor {
  return tf.tidy(() => {
    const { mean, logDeviation } = baseOf(params, y)
    return inverse(params, mean.add(logDeviation.exp().mul(noise)) as tf.Tensor2D, y, flow)
  })
}

function baseNats(params: Params, z: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor1D {
  const { mean, logDeviation } = baseOf(params, y)
  return gaussianNats(z, mean, logDeviation)
}

function baseOf(params: Params, y: tf.Tensor2D) {
  return {
    mean: tf.matMul(y, params['base/mean'] as tf.Tensor2D),
    logDeviation: tf.matMul(y, params['base/logDeviation'] as tf.Tensor2D),
  }
}

function orderOf({ net, shape }: Flow, coupling: number): Int32Array | undefined {
  return net === 'mlp' ? orderBefore(sizeOf(shape), coupling) : undefined
}

function asMap(numbers: tf.Tensor, { shape }: Flow): tf.Tensor4D {
  return numbers.reshape([-1, ...shape]) as tf.Tensor4D
}
