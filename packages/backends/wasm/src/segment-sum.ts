import * as tf from '@tensorflow/tfjs'
import { floats, replaceKernel } from './wasm-backend.js'

/** Adds `UnsortedSegmentSum`, without which `gather` has no gradient: rows of x `[n, …]` summed by segment id `[n] int32`. */
export function addSegmentSum(): void {
  replaceKernel('UnsortedSegmentSum', ({ backend, inputs, attributes }) => {
    const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo }
    const segments = attributes.numSegments as number
    const shape = x.shape.slice(segmentIds.shape.length)
    const size = tf.util.sizeFromShape(shape)
    const output = backend.makeOutput([segments, ...shape], x.dtype)
    const [sums, rows] = [floats(backend, output).fill(0), floats(backend, x)]
    backend.typedArrayFromHeap(segmentIds).forEach((segment, row) => {
      if (segment < 0 || segment >= segments) return
      for (let i = 0; i < size; i++) sums[segment * size + i]! += rows[row * size + i]!
    })
    return output
  })
}
