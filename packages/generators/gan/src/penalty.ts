import { stride } from '@lgm/conditional'
import { convolve, dense, type Params, reluGradient, rows } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** A layer relu(l(x) + b) by its linear part l. */
interface Layer {
  /** The name of its kernel. */
  readonly name: string
  /** relu(l(x) + b). */
  forward(x: tf.Tensor): tf.Tensor
  /** lᵀ(δ), of the shape of x. */
  adjoint(delta: tf.Tensor, x: tf.Tensor): tf.Tensor
  /** l(t). */
  linear(t: tf.Tensor): tf.Tensor
  /** The gradient of ⟨δ, l(t)⟩ by the kernel. */
  byKernel(t: tf.Tensor, delta: tf.Tensor): tf.Tensor
}

/**
 * The gradient penalty Σₙ wₙ (‖∂f/∂xₙ‖ − 1)² of a critic made by `initAnalysis`, whose score f is its first output (Gulrajani et al. 2017,
 * arXiv:1704.00028, equation 3), and its gradients by the kernels; both belong to the caller. By biases they are zero. x `[n, ...shape]`,
 * labels y `[n, labels]` or none, weights `[n]`; ‖·‖ is over the numbers of a code.
 *
 * Differentiated twice by hand: a network of ReLUs is linear around x. Its gradient by x is δ₀, from δₗ₋₁ = lₗᵀ(δₗ) ∘ [xₗ > 0], the usual
 * backward pass. The derivative of the penalty by it, t₀ = 2w (1 − 1/‖δ₀‖) δ₀, goes the same way forward, tₗ = lₗ(tₗ₋₁) ∘ [xₗ > 0], and the
 * gradient by a kernel is that of a backward pass with tₗ₋₁ as what entered its layer and δₗ behind it. Four passes in all, nothing taped.
 */
export function gradientPenalty(
  critic: Params,
  x: tf.Tensor,
  y: tf.Tensor2D | undefined,
  weights: tf.Tensor,
): { readonly value: tf.Scalar; readonly gradients: Params } {
  const { value, ...gradients } = tf.tidy(() => {
    const layers = layersOf(critic, y)
    const last = layers.length - 1
    // What enters each layer; a ReLU before it let pass what is above zero.
    const entered = [x]
    for (const layer of layers.slice(0, last)) entered.push(layer.forward(entered.at(-1)!))
    const deltas: tf.Tensor[] = []
    let slope: tf.Tensor = ofScore(x.shape[0]!, critic[layers[last]!.name]!.shape.at(-1)!)
    for (let l = last; l >= 0; l--) {
      deltas[l] = slope
      slope = layers[l]!.adjoint(slope, entered[l]!)
      if (l > 0) slope = reluGradient(slope, entered[l]!)
    }
    const norms = rows(slope).square().sum(1).sqrt()
    const excess = norms.sub(1)
    const pull = tf.divNoNan(excess.mul(weights).mul(2), norms)
    let tangent: tf.Tensor = slope.mul(pull.reshape(slope.shape.map((count, axis) => (axis === 0 ? count : 1))))
    const found: Record<string, tf.Tensor> = {}
    for (const [l, layer] of layers.entries()) {
      found[layer.name] = layer.byKernel(tangent, deltas[l]!)
      if (l < last) tangent = reluGradient(layer.linear(tangent), entered[l + 1]!)
    }
    return { ...found, value: excess.square().mul(weights).sum() }
  })
  return { value: value as tf.Scalar, gradients }
}

/** The gradient of the score by the outputs of the last layer, `[n, outputs]`: 1 for the first, 0 for others. */
function ofScore(count: number, outputs: number): tf.Tensor2D {
  return tf.concat([tf.ones([count, 1]), tf.zeros([count, outputs - 1])], 1) as tf.Tensor2D
}

function layersOf(critic: Params, y: tf.Tensor2D | undefined): Layer[] {
  const layers: Layer[] = []
  for (let i = 0; critic[`conv/${i}/kernel`]; i++) layers.push(convolution(critic, `conv/${i}`))
  for (let i = 0; critic[`mlp/${i}/kernel`]; i++) layers.push(product(critic, `mlp/${i}`, i === 0 ? y : undefined))
  return layers
}

/** A dense layer; labels, if there are any, stand beside the map or row that enters it. */
function product(critic: Params, of: string, y: tf.Tensor2D | undefined): Layer {
  const name = `${of}/kernel`
  const kernel = critic[name] as tf.Tensor2D
  const beside = (x: tf.Tensor, labels = y) => (labels ? tf.concat([rows(x), labels], 1) : rows(x))
  const alone = (t: tf.Tensor) => beside(t, y && tf.zerosLike(y))
  return {
    name,
    forward: x => dense(beside(x), kernel, critic[`${of}/bias`]!, 'relu'),
    adjoint(delta, x) {
      const all = tf.matMul(delta, kernel, false, true)
      const unlabelled = y ? all.slice([0, 0], [-1, kernel.shape[0] - y.shape[1]]) : all
      return unlabelled.reshape(x.shape)
    },
    linear: t => tf.matMul(alone(t), kernel),
    byKernel: (t, delta) => tf.matMul(alone(t), delta, true, false),
  }
}

function convolution(critic: Params, of: string): Layer {
  const name = `${of}/kernel`
  const kernel = critic[name] as tf.Tensor4D
  return {
    name,
    forward: x => convolve(x, kernel, critic[`${of}/bias`]!, stride, 'relu'),
    adjoint: (delta, x) => tf.conv2dTranspose(delta as tf.Tensor4D, kernel, (x as tf.Tensor4D).shape, stride, 'same'),
    linear: t => tf.conv2d(t as tf.Tensor4D, kernel, stride, 'same'),
    byKernel: (t, delta) =>
      tf.engine().runKernel(
        'Conv2DBackpropFilter',
        { x: t, dy: delta },
        {
          strides: stride,
          pad: 'same',
          dataFormat: 'NHWC',
          dimRoundingMode: undefined as unknown as string,
          filterShape: kernel.shape,
        },
      ) as tf.Tensor,
  }
}
