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
    executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): Output[]
    createTensor(shape: readonly number[], dtype: number, values: Float32Array): number
    deleteTensor(id: number): void
  }
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[]
  createOutputTensor(output: Output): tf.Tensor
  executeSingleInput(name: string, input: tf.TensorInfo): tf.Tensor
  incRef(dataId: tf.DataId): void
}

/** The backend `tensorflow` of this process. */
export function nodeBackend(): NodeBackend {
  return tf.findBackend('tensorflow') as unknown as NodeBackend
}
