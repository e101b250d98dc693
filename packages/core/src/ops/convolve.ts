import * as tf from '@tensorflow/tfjs'
import type { Activation } from './dense.js'
import { columnSums, reluGradient } from './fused.js'
import { exampleGradients } from './per-example.js'

/**
 * y = a(x ⋆ K + b) with "same" padding: x `[n, h, w, in]`, K `[k, k, in, out]`, b `[out]` → `[n, ⌈h/stride⌉, ⌈w/stride⌉, out]`.
 * Inside `perExample` the gradients by K and b are Σₙ |∂Lₙ|ᵖ, exact, from the patches of each example.
 */
export function convolve(
  x: tf.Tensor,
  kernel: tf.Tensor,
  bias: tf.Tensor,
  stride: number,
  activation: Activation = 'linear',
): tf.Tensor4D {
  return tf.engine().runKernel('LgmConvolve', { x, kernel, bias }, { stride, activation }) as tf.Tensor4D
}

interface Attributes {
  readonly stride: number
  readonly activation: Activation
}

tf.registerGradient({
  kernelName: 'LgmConvolve',
  inputsToSave: ['x', 'kernel'],
  outputsToSave: [true],
  gradFunc: (dy, saved, attributes) => {
    const [x, kernel, y] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]
    const { stride, activation } = attributes as unknown as Attributes
    const delta = activation === 'relu' ? reluGradient(dy as tf.Tensor4D, y) : (dy as tf.Tensor4D)
    const power = exampleGradients()
    const shared = { strides: stride, pad: 'same', dataFormat: 'NHWC', dimRoundingMode: undefined as unknown as string }
    return {
      x: () =>
        tf
          .engine()
          .runKernel(
            'Conv2DBackpropInput',
            { dy: delta, filter: kernel },
            { ...shared, inputShape: x.shape },
          ) as tf.Tensor,
      kernel: () =>
        power === 0
          ? (tf
              .engine()
              .runKernel(
                'Conv2DBackpropFilter',
                { x, dy: delta },
                { ...shared, filterShape: kernel.shape },
              ) as tf.Tensor)
          : exampleKernelGradients(x, delta, kernel.shape, stride, power),
      bias: () => (power === 0 ? columnSums(delta) : raise(delta.sum([1, 2]), power).sum(0)),
    }
  },
})

for (const backendName of ['tensorflow', 'wasm', 'cpu', 'webgl', 'webgpu'])
  tf.registerKernel({
    kernelName: 'LgmConvolve',
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      const { x, kernel, bias } = inputs as unknown as { x: tf.Tensor4D; kernel: tf.Tensor4D; bias: tf.Tensor1D }
      const { stride, activation } = attrs as unknown as Attributes
      return tf.tidy(() => {
        const affine = tf.conv2d(x, kernel, stride, 'same').add(bias)
        return activation === 'relu' ? affine.relu() : affine
      })
    },
  })

function raise(tensor: tf.Tensor, power: 1 | 2): tf.Tensor {
  return power === 2 ? tensor.square() : tensor.abs()
}

function exampleKernelGradients(
  x: tf.Tensor4D,
  delta: tf.Tensor4D,
  shape: number[],
  stride: number,
  power: 1 | 2,
): tf.Tensor {
  const [n, rows, columns, out] = delta.shape
  const patches = imagePatches(x, shape[0]!, stride, rows, columns)
  const each = tf.matMul(patches, delta.reshape([n, rows * columns, out]), true, false)
  return raise(each, power).sum(0).reshape(shape)
}

/** The k × k patches under each output position, as `[n, rows · columns, k · k · in]`. */
function imagePatches(x: tf.Tensor4D, side: number, stride: number, rows: number, columns: number): tf.Tensor3D {
  const [n, height, width, channels] = x.shape
  const around = (size: number, count: number): [number, number] => {
    const total = Math.max((count - 1) * stride + side - size, 0)
    return [Math.floor(total / 2), Math.ceil(total / 2)]
  }
  const padded = tf.pad(x, [[0, 0], around(height, rows), around(width, columns), [0, 0]])
  const shifted: tf.Tensor[] = []
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++)
      shifted.push(
        tf.stridedSlice(
          padded,
          [0, i, j, 0],
          [n, i + (rows - 1) * stride + 1, j + (columns - 1) * stride + 1, channels],
          [1, stride, stride, 1],
        ),
      )
  return tf.concat(shifted, 3).reshape([n, rows * columns, side * side * channels])
}
