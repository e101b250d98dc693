import * as tf from '@tensorflow/tfjs'

/** An attribute of a TensorFlow operation. */
export interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: number | boolean | string | readonly number[]
}

/** What the addon says of a tensor it made. */
export interface Output {
  readonly id: number
  readonly dtype: number
  readonly shape: number[]
}

/** The parts of tfjs-node's backend and addon that we use, which its own types keep private. */
export interface NodeBackend {
  readonly binding: {
    readonly TF_FLOAT: number
    readonly TF_ATTR_TYPE: number
    readonly TF_ATTR_SHAPE: number
    readonly TF_ATTR_STRING: number
    readonly TF_ATTR_BOOL: number
    readonly TF_ATTR_INT: number
    executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): Output[]
    createTensor(shape: readonly number[], dtype: number, values: Float32Array): number
    deleteTensor(id: number): void
  }
  /** What stands behind a tensor's data: the addon's tensor, −1 where it has none, and how many tensors share it. */
  readonly tensorMap: { get(dataId: tf.DataId): { id: number; readonly refCount: number } }
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[]
  createOutputTensor(output: Output): tf.Tensor
  executeSingleInput(name: string, input: tf.TensorInfo): tf.Tensor
  incRef(dataId: tf.DataId): void
}

/** The backend `tensorflow` of this process. */
export function nodeBackend(): NodeBackend {
  return tf.findBackend('tensorflow') as unknown as NodeBackend
}

/** Attributes of operations on float32 tensors. */
export function attributes({ binding }: NodeBackend) {
  return {
    float: (name: string): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }),
    flag: (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value }),
    text: (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value }),
    shape: (name: string, value: readonly number[]): Attribute => ({ name, type: binding.TF_ATTR_SHAPE, value }),
    integers: (name: string, value: readonly number[]): Attribute => ({ name, type: binding.TF_ATTR_INT, value }),
  }
}

/** Registers a kernel, in the place of the one that has its name. */
export function replaceKernel(kernelName: string, kernelFunc: tf.KernelFunc): void {
  const original = tf.getKernel(kernelName, 'tensorflow')
  if (original) tf.unregisterKernel(kernelName, 'tensorflow')
  tf.registerKernel({ ...original, kernelName, backendName: 'tensorflow', kernelFunc })
}
