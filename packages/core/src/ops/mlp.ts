import * as tf from '@tensorflow/tfjs'
import type { Params, Rng } from '../contracts.js'
import { uniformWeights } from '../params.js'
import { type Activation, dense } from './dense.js'

/**
 * Parameters `0/kernel`, `0/bias`, `1/kernel`, … of dense layers with `sizes[0]` inputs; biases start at zero. Weights have variance
 * 2 / inputs before a ReLU and 1 / inputs before a `last` layer that is linear.
 */
export function initMlp(sizes: readonly number[], rng: Rng, last: Activation = 'linear'): Params {
  const params: Record<string, tf.Tensor> = {}
  for (let layer = 0; layer + 1 < sizes.length; layer++) {
    const [inputs, outputs] = [sizes[layer]!, sizes[layer + 1]!]
    const gain = layer + 2 === sizes.length && last === 'linear' ? Math.SQRT1_2 : 1
    params[`${layer}/kernel`] = uniformWeights([inputs, outputs], inputs, count => rng.uniform(count), gain)
    params[`${layer}/bias`] = tf.zeros([outputs])
  }
  return params
}

/** Applies the layers of `initMlp` to `[n, sizes[0]]`: ReLU between them, `last` after the last. */
export function applyMlp(params: Params, x: tf.Tensor, last: Activation = 'linear'): tf.Tensor2D {
  const layers = Object.keys(params).length / 2
  return tf.tidy(() => {
    let u = x
    for (let layer = 0; layer < layers; layer++)
      u = dense(u, params[`${layer}/kernel`]!, params[`${layer}/bias`]!, layer + 1 === layers ? last : 'relu')
    return u as tf.Tensor2D
  })
}
