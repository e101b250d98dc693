import * as tf from '@tensorflow/tfjs'

/**
 * Runs a kernel that does the work of several operations at once, on engines that have it; elsewhere `undefined`, and the caller
 * composes the operations. A backend's package registers such kernels for its engine:
 *
 * - `LgmAdam`: a step of Adam; see `applyGradients`.
 * - `LgmReluGradient`: dy, y → dy where y > 0, else 0.
 * - `LgmColumnSums`: x `[..., d]` → `[d]`, sums over all axes but the last.
 * - `LgmCrossEntropy`: logits, targets `[n, classes]`, rows of targets summing to 1 → losses `[n]` and their gradient by the logits.
 */
export function fused(
  kernelName: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Readonly<Record<string, unknown>> = {},
): readonly tf.Tensor[] | undefined {
  if (!tf.getKernel(kernelName, tf.getBackend())) return undefined
  const outputs: tf.Tensor | tf.Tensor[] = tf
    .engine()
    .runKernel(kernelName, { ...inputs }, attributes as tf.NamedAttrMap)
  return Array.isArray(outputs) ? outputs : [outputs]
}

/** The gradient before a ReLU from that after it, dy, and its output y. */
export function reluGradient<Rank extends tf.Tensor>(dy: Rank, y: Rank): Rank {
  return (fused('LgmReluGradient', { dy, y })?.[0] ?? dy.mul(y.step())) as Rank
}

/** `[..., d]` → `[d]`: sums over all axes but the last. */
export function columnSums(x: tf.Tensor): tf.Tensor1D {
  return (fused('LgmColumnSums', { x })?.[0] ?? x.sum(x.shape.slice(1).map((_, axis) => axis))) as tf.Tensor1D
}
