import * as tf from '@tensorflow/tfjs'
import { type NodeBackend, replaceKernel } from './node-backend.js'

/** Does the work in a cheaper way, or says with `undefined` that tfjs-node's own kernel must. */
type Shortcut = (x: tf.TensorInfo, attributes: Readonly<Record<string, unknown>>) => tf.TensorInfo | undefined

/**
 * Puts shortcuts before three kernels of tfjs-node, which are the same in value and dear in time: a reshape to the shape that a
 * tensor already has and a cast to its own type run an operation each, and `step`, half of the gradient of relu, fills two arrays
 * in JavaScript and runs four.
 */
export function replaceSlowKernels(backend: NodeBackend): void {
  const share = ({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo => {
    backend.incRef(dataId)
    return { dataId, shape, dtype }
  }
  precede('Reshape', (x, { shape }) => {
    const wanted = tf.util.inferFromImplicitShape(shape as number[], tf.util.sizeFromShape(x.shape))
    return tf.util.arraysEqual(x.shape, wanted) ? share(x) : undefined
  })
  precede('Cast', (x, { dtype }) => (x.dtype === dtype && x.dtype !== 'complex64' ? share(x) : undefined))
  precede('Step', (x, { alpha }) => {
    if (alpha !== 0 || x.dtype !== 'float32') return undefined
    const positive = backend.executeSingleInput('Relu', x)
    const signs = backend.executeSingleInput('Sign', positive)
    positive.dispose()
    return signs
  })
}

function precede(kernelName: string, shortcut: Shortcut): void {
  const original = tf.getKernel(kernelName, 'tensorflow')
  replaceKernel(kernelName, parameters => {
    const x = parameters.inputs.x as tf.TensorInfo
    return shortcut(x, parameters.attrs as Record<string, unknown>) ?? original.kernelFunc(parameters)
  })
}
