import type { Params } from '@lgm/core'
import { type Bits, bytesOf, dequantize, type Quantized, quantize } from '@lgm/quantized'
import * as tf from '@tensorflow/tfjs'

/** A parameter as it is kept: quantized, with its shape. */
export interface Weight extends Quantized {
  readonly shape: readonly number[]
}
export type Weights = Readonly<Record<string, Weight>>

/**
 * Quantizes a network: kernels by their last axis, with one pair of bounds for each output. Biases have 8 bits at least, and one pair for
 * all, since they are few, and their errors are those of a whole output.
 */
export async function quantizeWeights(params: Params, bits: Bits): Promise<Weights> {
  const weights: Record<string, Weight> = {}
  for (const [name, tensor] of Object.entries(params)) {
    const values = (await tensor.data()) as Float32Array
    const isBias = tensor.rank === 1
    const columns = isBias ? 1 : tensor.shape.at(-1)!
    weights[name] = { ...quantize(values, columns, isBias && bits < 8 ? 8 : bits), shape: tensor.shape }
  }
  return weights
}

/** The network that is left. */
export function paramsOf(weights: Weights): Params {
  return Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, tf.tensor(dequantize(weight), [...weight.shape])]),
  )
}

/** Bytes of all weights and their bounds. */
export function bytesOfWeights(weights: Weights): number {
  return Object.values(weights).reduce((sum, weight) => sum + bytesOf(weight), 0)
}
