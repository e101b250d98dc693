import * as tf from '@tensorflow/tfjs'
import type { Params, Rng } from '../contracts.js'
import { expected } from '../errors.js'
import { uniformWeights } from '../params.js'
import { type Activation, dense } from './dense.js'

/**
 * Parameters `0/kernel`, `0/bias`, `1/kernel`, … of dense layers with `sizes[0]` inputs; biases start at zero. Weights have variance
 * 2 / inputs before a ReLU and 1 / inputs before a `last` layer that is linear, times `gain`².
 */
export function initMlp(sizes: readonly number[], rng: Rng, last: Activation = 'linear', gain = 1): Params {
  const params: Record<string, tf.Tensor> = {}
  for (let layer = 0; layer + 1 < sizes.length; layer++) {
    const [inputs, outputs] = [sizes[layer]!, sizes[layer + 1]!]
    const scale = layer + 2 === sizes.length && last === 'linear' ? gain * Math.SQRT1_2 : gain
    params[`${layer}/kernel`] = uniformWeights([inputs, outputs], inputs, count => rng.uniform(count), scale)
    params[`${layer}/bias`] = tf.zeros([outputs])
  }
  return params
}

/** Applies the layers of `initMlp` to `[n, sizes[0]]`: ReLU between them, `last` after the last. Other parameters are left out. */
export function applyMlp(params: Params, x: tf.Tensor, last: Activation = 'linear'): tf.Tensor2D {
  const layers = countLayers(params)
  return tf.tidy(() => {
    let u = x
    for (let layer = 0; layer < layers; layer++)
      u = dense(u, params[`${layer}/kernel`]!, params[`${layer}/bias`]!, layer + 1 === layers ? last : 'relu')
    return u as tf.Tensor2D
  })
}

/**
 * The layers of `initMlp` with more outputs: columns and biases are added after the old ones, drawn and set as in `initMlp`; the old
 * ones keep their values, and all layers but the last are the same tensors. For the number of outputs that there is, `params` itself.
 * @throws LgmError `input` when there would be fewer outputs than before.
 */
export function growMlp(params: Params, outputs: number, rng: Rng, gain = 1): Params {
  const last = countLayers(params) - 1
  const [kernel, bias] = [params[`${last}/kernel`]!, params[`${last}/bias`]!]
  const [inputs, old] = kernel.shape as [number, number]
  if (outputs === old) return params
  if (outputs < old)
    throw expected('grow', `at least ${old} outputs, as many as there are`, `${outputs}`, 'pass all seen classes')
  const grown = tf.tidy(() => {
    const added = initMlp([inputs, outputs - old], rng, 'linear', gain)
    return [tf.concat([kernel, added['0/kernel']!], 1), tf.concat([bias, added['0/bias']!])] as const
  })
  return { ...params, [`${last}/kernel`]: grown[0], [`${last}/bias`]: grown[1] }
}

function countLayers(params: Params): number {
  let count = 0
  while (params[`${count}/kernel`]) count++
  return count
}
