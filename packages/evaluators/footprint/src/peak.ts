import * as tf from '@tensorflow/tfjs'

/** The engine keeps this count itself, as tensors come and go. */
type Count = { numBytes: number }

/** The most bytes at once between two marks; the last goes on. */
const peaks: number[] = []
let watched: Count | undefined

/**
 * Begins to watch how many bytes the tensors of the engine have. Whatever is made counts, also within a training step: the values of every
 * layer that wait for the gradient, gradients, moments. The engine adds to a count anyway, and here the greatest is kept: nothing is
 * read from the device, and no step waits.
 * @returns a mark for `peakSince`
 */
export function markPeak(): number {
  const count: Count = tf.engine().state
  if (watched !== count) watch(count)
  return peaks.push(count.numBytes) - 1
}

/** The most bytes that tensors of the engine had at once since a mark. What an operation uses within itself is not among them. */
export function peakSince(mark: number): number {
  return peaks.slice(mark).reduce((most, peak) => Math.max(most, peak), 0)
}

function watch(count: Count): void {
  let bytes = count.numBytes
  watched = count
  Object.defineProperty(count, 'numBytes', {
    configurable: true,
    enumerable: true,
    get: () => bytes,
    set(value: number) {
      bytes = value
      if (value > peaks.at(-1)!) peaks[peaks.length - 1] = value
    },
  })
}
