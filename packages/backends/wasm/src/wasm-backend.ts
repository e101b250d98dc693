import * as tf from '@tensorflow/tfjs'

/** The parts of tfjs-backend-wasm that kernels are written with. A `Float32Array` of the heap is void after the next allocation. */
export interface WasmBackend {
  readonly wasm: { readonly tfjs: { disposeData(id: number): void } }
  readonly dataIdMap: {
    get(dataId: tf.DataId): { readonly id: number; readonly memoryOffset: number }
    delete(dataId: tf.DataId): boolean
  }
  makeOutput(shape: readonly number[], dtype: tf.DataType, memoryOffset?: number): tf.TensorInfo
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array
  disposeData(dataId: tf.DataId): boolean
}

/** What a kernel is called with: inputs and attributes by name. */
export interface Call {
  readonly backend: WasmBackend
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>
  readonly attributes: Readonly<Record<string, unknown>>
}

/** One operation of the engine. Its outputs are its own; its inputs are not. */
export type Kernel = (call: Call) => tf.TensorInfo | tf.TensorInfo[]

/** Registers a kernel, in the place of the one that has its name. */
export function replaceKernel(kernelName: string, kernel: Kernel): void {
  const original = tf.getKernel(kernelName, 'wasm')
  if (original) tf.unregisterKernel(kernelName, 'wasm')
  tf.registerKernel({
    ...original,
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel({
        backend: backend as WasmBackend,
        inputs: inputs as Readonly<Record<string, tf.TensorInfo>>,
        attributes: (attrs ?? {}) as Readonly<Record<string, unknown>>,
      }),
  })
}

/** A kernel as it is registered now, to be called from another. */
export function existingKernel(kernelName: string): (call: Call) => tf.TensorInfo {
  const { kernelFunc } = tf.getKernel(kernelName, 'wasm')
  return ({ backend, inputs, attributes }) =>
    kernelFunc({ inputs, attrs: attributes as tf.NamedAttrMap, backend }) as tf.TensorInfo
}

/** The numbers of a float32 tensor, in place. */
export function floats(backend: WasmBackend, tensor: tf.TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array
}
