import * as tf from '@tensorflow/tfjs'
import { type Call, existingKernel, floats, replaceKernel, type WasmBackend } from './wasm-backend.js'

/**
 * Replaces the matrix products. The engine's own are fast only for one pair of matrices without a transpose, and take about ten
 * times as long otherwise: so matrices are transposed first, and the pairs of a batch are multiplied one by one.
 */
export function replaceMatrixProducts(): void {
  const product = existingKernel('BatchMatMul')
  const fused = existingKernel('_FusedMatMul')
  const transpose = existingKernel('Transpose')

  replaceKernel('BatchMatMul', call => withoutFlags(transpose, call, plain => eachPair(product, plain)))
  replaceKernel('_FusedMatMul', call => withoutFlags(transpose, call, fused))
}

type Multiply = (call: Call) => tf.TensorInfo

function withoutFlags(transpose: Multiply, call: Call, multiply: Multiply): tf.TensorInfo {
  const { backend, inputs, attributes } = call
  const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo }
  const swap = (x: tf.TensorInfo) => {
    const axes = x.shape.map((_, axis) => axis)
    const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2]
    return transpose({ backend, inputs: { x }, attributes: { perm } })
  }
  const left = attributes.transposeA ? swap(a) : a
  const right = attributes.transposeB ? swap(b) : b
  const plain = { ...attributes, transposeA: false, transposeB: false }
  const result = multiply({ backend, inputs: { ...inputs, a: left, b: right }, attributes: plain })
  if (left !== a) backend.disposeData(left.dataId)
  if (right !== b) backend.disposeData(right.dataId)
  return result
}

/** `[…, m, k]` times `[…, k, n]` with broadcasting of the leading axes. */
function eachPair(product: Multiply, call: Call): tf.TensorInfo {
  const { backend, inputs, attributes } = call
  const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo }
  const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!]
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const pairs = tf.util.sizeFromShape(outer)
  if (pairs === 1 || k !== b.shape.at(-2)) return product(call)
  const output = backend.makeOutput([...outer, m, n], 'float32')
  const [pickLeft, pickRight] = [picker(a.shape.slice(0, -2), outer), picker(b.shape.slice(0, -2), outer)]
  for (let pair = 0; pair < pairs; pair++) {
    const left = view(backend, a, [1, m, k], pickLeft(pair))
    const right = view(backend, b, [1, k, n], pickRight(pair))
    const result = product({ backend, inputs: { a: left, b: right }, attributes })
    floats(backend, output).set(floats(backend, result), pair * m * n)
    backend.disposeData(result.dataId)
    for (const matrix of [left, right]) forget(backend, matrix)
  }
  return output
}

/** Which matrix of a stack `shape` stands at a place of the broadcast stack `outer`. */
function picker(shape: readonly number[], outer: readonly number[]): (place: number) => number {
  const aligned = [...Array(outer.length - shape.length).fill(1), ...shape] as number[]
  return place => {
    let [rest, index, stride] = [place, 0, 1]
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const size = outer[axis]!
      if (aligned[axis] !== 1) index += (rest % size) * stride
      stride *= aligned[axis]!
      rest = Math.floor(rest / size)
    }
    return index
  }
}

/** The `index`-th matrix of a stack, without a copy. */
function view(backend: WasmBackend, stack: tf.TensorInfo, shape: readonly number[], index: number): tf.TensorInfo {
  const { memoryOffset } = backend.dataIdMap.get(stack.dataId)
  return backend.makeOutput(shape, 'float32', memoryOffset + 4 * index * tf.util.sizeFromShape([...shape]))
}

/** Ends a view; the memory stays with the stack. */
function forget(backend: WasmBackend, { dataId }: tf.TensorInfo): void {
  backend.wasm.tfjs.disposeData(backend.dataIdMap.get(dataId).id)
  backend.dataIdMap.delete(dataId)
}
