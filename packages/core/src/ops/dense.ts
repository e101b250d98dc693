import * as tf from '@tensorflow/tfjs'
import { columnSums, reluGradient } from './fused.js'
import { exampleGradients } from './per-example.js'

/** What follows the affine map of a layer. */
export type Activation = 'linear' | 'relu'

/**
 * y = a(xW + b): x `[n, in]`, W `[in, out]`, b `[out]` → `[n, out]`.
 *
 * An operation of its own, for three reasons: one node instead of three on the tape; the gradient by x is not computed where x is
 * data; and inside `perExample` the gradients by W and b are sums over examples of |∂Lₙ|ᵖ, exact and as cheap as one backward
 * pass, since ∂Lₙ/∂W = xₙᵀδₙ has rank one: Σₙ |xₙᵀδₙ|ᵖ = (|x|ᵖ)ᵀ|δ|ᵖ.
 */
export function dense(
  x: tf.Tensor,
  kernel: tf.Tensor,
  bias: tf.Tensor,
  activation: Activation = 'linear',
): tf.Tensor2D {
  return tf.engine().runKernel('LgmDense', { x, kernel, bias }, { activation }) as tf.Tensor2D
}

/** One row of numbers an example: `[n, ...shape]` → `[n, size]`; the tensor itself where it has that shape. */
export function rows(x: tf.Tensor): tf.Tensor2D {
  return x.rank === 2 ? (x as tf.Tensor2D) : x.reshape([x.shape[0]!, tf.util.sizeFromShape(x.shape.slice(1))])
}

interface Attributes {
  readonly activation: Activation
}

tf.registerGradient({
  kernelName: 'LgmDense',
  inputsToSave: ['x', 'kernel'],
  outputsToSave: [true],
  gradFunc: (dy, saved, attributes) => {
    const [x, kernel, y] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
    const { activation } = attributes as unknown as Attributes
    const delta = activation === 'relu' ? reluGradient(dy as tf.Tensor2D, y) : (dy as tf.Tensor2D)
    const power = exampleGradients()
    const raised = <T extends tf.Tensor>(tensor: T): T =>
      (power === 2 ? tensor.square() : power === 1 ? tensor.abs() : tensor) as T
    return {
      x: () => tf.matMul(delta, kernel, false, true),
      kernel: () => tf.matMul(raised(x), raised(delta), true, false),
      bias: () => columnSums(raised(delta)),
    }
  },
})

for (const backendName of ['tensorflow', 'wasm', 'cpu', 'webgl', 'webgpu'])
  tf.registerKernel({
    kernelName: 'LgmDense',
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      const { x, kernel, bias } = inputs as unknown as { x: tf.Tensor2D; kernel: tf.Tensor2D; bias: tf.Tensor1D }
      const { activation } = attrs as unknown as Attributes
      return tf.tidy(() => {
        const affine = tf.matMul(x, kernel).add(bias)
        return activation === 'relu' ? affine.relu() : affine
      })
    },
  })
