import * as tf from '@tensorflow/tfjs'
import type { SeenClasses } from '../contracts.js'
import { fused } from './fused.js'

/**
 * Cross-entropy of each row in nats, −Σₖ tₖ log softmax(logits)ₖ: logits and targets `[n, classes]` → `[n]`.
 * Its gradient is written out, softmax(logits) Σₖtₖ − t; targets are constants.
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  const compute = ((input: tf.Tensor2D, save: (tensors: tf.Tensor[]) => void) => {
    const logProbabilities = tf.logSoftmax(input)
    save([logProbabilities, targets])
    return {
      value: logProbabilities.mul(targets).sum(1).neg(),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        saved[0]!.exp().mul(saved[1]!.sum(1, true)).sub(saved[1]!).mul(dy.expandDims(1)),
    }
  }) as unknown as Parameters<typeof tf.customGrad>[0]
  return tf.customGrad(compute)(logits) as tf.Tensor1D
}

/**
 * `weight` times the mean cross-entropy over the rows, in nats, for training: logits and targets `[n, classes]`, where each row of
 * targets is a distribution, that is, sums to 1. One node on the tape; its gradient is weight/n · (softmax(logits) − t).
 */
export function meanCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D, weight = 1): tf.Scalar {
  const compute = ((input: tf.Tensor2D, save: (tensors: tf.Tensor[]) => void) => {
    const [losses, gradient] =
      fused('LgmCrossEntropy', { logits: input, targets }) ?? lossesWithGradient(input, targets)
    save([gradient!])
    const mean = losses!.mean()
    return {
      value: weight === 1 ? mean : mean.mul(weight),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved[0]!.mul(dy.mul(weight / input.shape[0])),
    }
  }) as unknown as Parameters<typeof tf.customGrad>[0]
  return tf.customGrad(compute)(logits) as tf.Scalar
}

function lossesWithGradient(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor[] {
  const logProbabilities = tf.logSoftmax(logits)
  return [logProbabilities.mul(targets).sum(1).neg(), logProbabilities.exp().sub(targets)]
}

const closed = -1e9

/**
 * What is added to logits `[n, seen]` so that each example's softmax runs over its active classes only: those of its own task where
 * the scenario is task-incremental; `undefined` where all seen classes are active.
 */
export function classMask(labels: Int32Array, seen: SeenClasses): tf.Tensor2D | undefined {
  return seen.scenario === 'task'
    ? taskMask(
        Array.from(labels, label => seen.taskOf[label]!),
        seen,
      )
    : undefined
}

/** As `classMask`, from the tasks of the examples. */
export function taskMask(tasks: readonly number[], seen: SeenClasses): tf.Tensor2D {
  const classes = seen.names.length
  const rows = new Float32Array(tasks.length * classes)
  tasks.forEach((task, i) => {
    for (let k = 0; k < classes; k++) if (seen.taskOf[k] !== task) rows[i * classes + k] = closed
  })
  return tf.tensor2d(rows, [tasks.length, classes])
}
