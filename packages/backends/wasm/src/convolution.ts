import { expected } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { type Call, existingKernel, floats, replaceKernel, type WasmBackend } from './wasm-backend.js'

/**
 * The gradients of a convolution as matrix products: with P the patches of x under each output position, `[n · rows · columns,
 * k · k · in]`, the convolution is y = P(x) K; so ∂K = P(x)ᵀ ∂y, which the engine lacks, and ∂x = Pᵀ(∂y Kᵀ), where Pᵀ adds each patch
 * back to where it was taken from, which the engine has in a slow form. Done for some examples at a time, to bound the memory.
 */
export function addConvolutionGradients(): void {
  const product = existingKernel('BatchMatMul')
  const transpose = existingKernel('Transpose')
  const swap = (backend: WasmBackend, x: tf.TensorInfo) =>
    transpose({ backend, inputs: { x }, attributes: { perm: [1, 0] } })
  const multiply = (backend: WasmBackend, a: tf.TensorInfo, b: tf.TensorInfo) =>
    product({ backend, inputs: { a, b }, attributes: { transposeA: false, transposeB: false } })

  replaceKernel('Conv2DBackpropFilter', ({ backend, inputs, attributes }) => {
    const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo }
    const geometry = geometryOf(x.shape, attributes.filterShape as number[], attributes)
    const { patch, positions, out } = geometry
    const total = backend.makeOutput([out, patch], 'float32')
    floats(backend, total).fill(0)
    for (const [start, count] of parts(geometry)) {
      const patches = backend.makeOutput([count * positions, patch], 'float32')
      const delta = backend.makeOutput([count * positions, out], 'float32')
      movePatches(geometry, 'take', floats(backend, x), start, count, floats(backend, patches))
      floats(backend, delta).set(
        floats(backend, dy).subarray(start * positions * out, (start + count) * positions * out),
      )
      const flipped = swap(backend, delta)
      const result = multiply(backend, flipped, patches)
      const [sum, addend] = [floats(backend, total), floats(backend, result)]
      for (let i = 0; i < sum.length; i++) sum[i]! += addend[i]!
      for (const tensor of [patches, delta, flipped, result]) backend.disposeData(tensor.dataId)
    }
    const gradient = swap(backend, total)
    backend.disposeData(total.dataId)
    gradient.shape = [...geometry.filterShape]
    return gradient
  })

  replaceKernel('Conv2DBackpropInput', ({ backend, inputs, attributes }) => {
    const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo }
    const inputShape = attributes.inputShape as number[]
    const geometry = geometryOf(inputShape, filter.shape, attributes)
    const { patch, positions, out } = geometry
    const gradient = backend.makeOutput(inputShape, 'float32')
    floats(backend, gradient).fill(0)
    const kernel = swap(backend, { ...filter, shape: [patch, out] })
    for (const [start, count] of parts(geometry)) {
      const delta = backend.makeOutput([count * positions, out], 'float32')
      floats(backend, delta).set(
        floats(backend, dy).subarray(start * positions * out, (start + count) * positions * out),
      )
      const patches = multiply(backend, delta, kernel)
      movePatches(geometry, 'add', floats(backend, gradient), start, count, floats(backend, patches))
      for (const tensor of [delta, patches]) backend.disposeData(tensor.dataId)
    }
    backend.disposeData(kernel.dataId)
    return gradient
  })
}

/** Sizes of a convolution; `patch` = k · k · in numbers under each of the `positions` = rows · columns of an example. */
interface Geometry {
  readonly info: tf.backend_util.Conv2DInfo
  readonly filterShape: readonly number[]
  readonly patch: number
  readonly positions: number
  readonly out: number
}

function geometryOf(xShape: number[], filterShape: number[], attributes: Call['attributes']): Geometry {
  if (attributes.dataFormat !== undefined && attributes.dataFormat !== 'NHWC')
    throw expected(
      'backend "wasm", gradient of a convolution',
      'data format NHWC',
      String(attributes.dataFormat),
      'transpose the images',
    )
  const { strides, pad, dimRoundingMode } = attributes as { strides: number; pad: 'same'; dimRoundingMode?: 'floor' }
  const info = tf.backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    1,
    pad,
    dimRoundingMode,
  )
  const patch = info.filterHeight * info.filterWidth * info.inChannels
  return { info, filterShape, patch, positions: info.outHeight * info.outWidth, out: info.outChannels }
}

const floatsAtOnce = 1 << 21

/** `[first example, count]` of the parts that are done at a time. */
function* parts({ info, positions, patch }: Geometry): Generator<[number, number]> {
  const count = Math.max(1, Math.floor(floatsAtOnce / (positions * patch)))
  for (let start = 0; start < info.batchSize; start += count) yield [start, Math.min(count, info.batchSize - start)]
}

/**
 * Between images and the patches under each output position, for some examples: `take` copies x into the patches, with zeros where a
 * patch sticks out of the image; `add` adds the patches to x. Goes by the stretches that are contiguous in both.
 */
function movePatches(
  { info, patch }: Geometry,
  direction: 'take' | 'add',
  x: Float32Array,
  start: number,
  count: number,
  patches: Float32Array,
): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth } =
    info
  const { top, left } = info.padInfo
  const take = direction === 'take'
  const heap = new Float32Array(x.buffer)
  const [imagesAt, patchesAt] = [x.byteOffset / 4, patches.byteOffset / 4]
  if (take) patches.fill(0)
  let at = 0
  for (let example = start; example < start + count; example++)
    for (let row = 0; row < outHeight; row++)
      for (let column = 0; column < outWidth; column++, at += patch) {
        const [y, z] = [row * strideHeight - top, column * strideWidth - left]
        const first = Math.max(0, -z)
        const length = (Math.min(filterWidth, inWidth - z) - first) * inChannels
        const endRow = Math.min(filterHeight, inHeight - y)
        for (let i = Math.max(0, -y); i < endRow; i++) {
          const inPatch = at + (i * filterWidth + first) * inChannels
          const inImage = ((example * inHeight + y + i) * inWidth + z + first) * inChannels
          if (!take) for (let k = 0; k < length; k++) x[inImage + k]! += patches[inPatch + k]!
          // Ten times as fast as a loop for long stretches; both arrays are parts of the engine's one heap.
          else if (length >= 16) heap.copyWithin(patchesAt + inPatch, imagesAt + inImage, imagesAt + inImage + length)
          else for (let k = 0; k < length; k++) patches[inPatch + k] = x[inImage + k]!
        }
      }
}
