import type * as tf from '@tensorflow/tfjs'
import { type Attribute, attributes, type NodeBackend, replaceKernel } from './node-backend.js'

/**
 * Registers the kernels of core's layers, their gradients and the cross-entropy, by TensorFlow's own operations where tfjs composes
 * them of several: `LgmDense` and `LgmConvolve` with what is in between kept out of JavaScript, `LgmReluGradient` by ReluGrad,
 * `LgmColumnSums` by BiasAddGrad, `LgmCrossEntropy` by SoftmaxCrossEntropyWithLogits, which gives its gradient along. A small
 * operation costs what it takes to call it, about 20 µs, so fewer are faster.
 */
export function registerLayers(backend: NodeBackend): void {
  const { binding } = backend
  const { float, flag, text, integers } = attributes(backend)
  const ofType = [float('T')]
  const ofProduct = [float('T'), flag('transpose_a', false), flag('transpose_b', false)]
  const ofBias = [float('T'), text('data_format', 'NHWC')]
  const ofConvolution = (stride: number): Attribute[] => [
    float('T'),
    integers('strides', [1, stride, stride, 1]),
    text('padding', 'SAME'),
    text('data_format', 'NHWC'),
    flag('use_cudnn_on_gpu', true),
    integers('dilations', [1, 1, 1, 1]),
  ]

  /** One operation, its inputs by the addon's ids. */
  const run = (name: string, attributes: readonly Attribute[], ids: readonly number[]) =>
    binding.executeOp(name, attributes, ids, 1)[0]!

  /** An operation that takes over its first input. */
  const consume = (name: string, attributes: readonly Attribute[], ids: readonly number[]) => {
    const output = run(name, attributes, ids)
    binding.deleteTensor(ids[0]!)
    return output
  }

  const layer = (
    name: string,
    attributes: readonly Attribute[],
    inputs: tf.NamedTensorInfoMap,
    activation: unknown,
  ) => {
    const [x, kernel, bias] = backend.getInputTensorIds([inputs.x!, inputs.kernel!, inputs.bias!])
    const product = run(name, attributes, [x!, kernel!])
    const affine = consume('BiasAdd', ofBias, [product.id, bias!])
    return backend.createOutputTensor(activation === 'relu' ? consume('Relu', ofType, [affine.id]) : affine)
  }

  replaceKernel('LgmDense', ({ inputs, attrs }) => layer('MatMul', ofProduct, inputs, attrs?.activation))

  replaceKernel('LgmConvolve', ({ inputs, attrs }) =>
    layer('Conv2D', ofConvolution(attrs?.stride as number), inputs, attrs?.activation),
  )

  replaceKernel('LgmReluGradient', ({ inputs }) =>
    backend.createOutputTensor(run('ReluGrad', ofType, backend.getInputTensorIds([inputs.dy!, inputs.y!]))),
  )

  replaceKernel('LgmColumnSums', ({ inputs }) =>
    backend.createOutputTensor(run('BiasAddGrad', ofBias, backend.getInputTensorIds([inputs.x!]))),
  )

  replaceKernel('LgmCrossEntropy', ({ inputs }) =>
    binding
      .executeOp(
        'SoftmaxCrossEntropyWithLogits',
        ofType,
        backend.getInputTensorIds([inputs.logits!, inputs.targets!]),
        2,
      )
      .map(output => backend.createOutputTensor(output)),
  )
}
