import { type Examples, labelsAt, oneHot, type Rng, sampler, sizeOf } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** How many new and recalled examples a batch has, and what share of the loss is recall's. */
export interface Mix {
  readonly batchSize: number
  readonly replaySize: number
  readonly replayWeight: number
  readonly classes: number
}

/**
 * New examples, then recalled ones: x `[n, size]`, labels y one-hot `[n, classes]`, and weights `[n]` with which a weighted sum over the
 * batch is (1 − w) × the mean over the new + w × the mean over the recalled.
 */
export function mixedBatches(
  fresh: Examples,
  recall: Examples | undefined,
  { batchSize, replaySize, replayWeight, classes }: Mix,
  rng: Rng,
): () => Promise<Record<'x' | 'y' | 'weights', tf.Tensor>> {
  const size = sizeOf(fresh.shape)
  const parts = [{ examples: fresh, count: batchSize, share: recall ? 1 - replayWeight : 1 }]
  if (recall) parts.push({ examples: recall, count: replaySize, share: replayWeight })
  const drawn = parts.map(part => ({ ...part, next: sampler(part.examples.count, part.count, rng) }))
  const total = parts.reduce((sum, { count }) => sum + count, 0)
  return async () => {
    const x = new Float32Array(total * size)
    const labels = new Int32Array(total)
    const weights = new Float32Array(total)
    let at = 0
    for (const { examples, count, share, next } of drawn) {
      const indices = next()
      x.set(await examples.read(indices), at * size)
      labels.set(labelsAt(examples, indices), at)
      weights.fill(share / count, at, at + count)
      at += count
    }
    return { x: tf.tensor2d(x, [total, size]), y: oneHot(labels, classes), weights: tf.tensor1d(weights) }
  }
}
