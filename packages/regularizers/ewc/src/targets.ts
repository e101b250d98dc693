import { type Examples, labelsAt, type Rng } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/**
 * The labels y at which the gradients are taken: all, weighted by p(y | x), which is the exact expectation under the model; one drawn
 * from the model; the true one; or the most probable one.
 */
export type FisherLabels = 'all' | 'sample' | 'true' | 'argmax'

/**
 * Targets `[n, classes]` of the examples at `indices` whose cross-entropy has the gradient −√w ∂ log p(y | x), for each y that counts:
 * w is p(y | x) for `all`, else 1 at one label. `classes` are those in the softmax; logits of others are −10⁹.
 */
export function targetsOf(
  labels: FisherLabels,
  logits: tf.Tensor2D,
  examples: Examples,
  indices: Int32Array,
  classes: readonly number[],
  rng: Rng,
): tf.Tensor2D[] {
  const width = logits.shape[1]
  if (labels === 'true') return [oneHot(tf.tensor1d(labelsAt(examples, indices), 'int32'), width)]
  if (labels === 'argmax') return [oneHot(logits.argMax(1), width)]
  const probabilities = tf.softmax(logits)
  if (labels === 'all')
    return classes.map(y => probabilities.sqrt().mul(oneHot(tf.tensor1d([y], 'int32'), width)) as tf.Tensor2D)
  const drawn = tf.tensor2d(rng.uniform(indices.length), [indices.length, 1])
  const passed = tf.cumsum(probabilities, 1).lessEqual(drawn).toFloat().sum(1)
  return [oneHot(passed.minimum(Math.max(...classes)).toInt(), width)]
}

/** Ids `[n]` → rows `[n, classes]`, or one row for all where there is one id. */
function oneHot(ids: tf.Tensor, classes: number): tf.Tensor2D {
  return ids
    .expandDims(1)
    .equal(tf.range(0, classes, 1, 'int32'))
    .toFloat() as tf.Tensor2D
}
