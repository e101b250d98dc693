import type { Params } from '@lgm/core'
import { type Bits, packLevels, quantize, unpackLevels, wordsFor } from '@lgm/quantized'
import * as tf from '@tensorflow/tfjs'

/**
 * Rows of `size` numbers `[count, size]`: floats, or levels between bounds, one a byte while they are in use and packed where they are
 * stored. Rows may change places; `ranges` are as in `Quantized`.
 */
export interface Rows {
  readonly size: number
  readonly bits: Bits
  readonly values: Float32Array | Uint8Array
  readonly ranges: Float32Array
}

/** Rounds rows to `bits`, with one pair of bounds for all numbers or for each of the `size`. */
export function keep(values: Float32Array, size: number, bits: Bits, bounds: 'one' | 'each'): Rows {
  if (bits === 32) return { size, bits, values, ranges: new Float32Array(0) }
  const { words, ranges } = quantize(values, bounds === 'one' ? 1 : size, bits)
  return { size, bits, values: unpackLevels(words, bits, values.length), ranges }
}

/** The rows `from` to `to` − 1 as numbers. */
export function numbersOf({ size, bits, values, ranges }: Rows, from: number, to: number): Float32Array {
  const part = values.slice(from * size, to * size)
  if (bits === 32) return part as Float32Array
  const columns = ranges.length / 2
  return Float32Array.from(part, (level, i) => ranges[2 * (i % columns)]! + level * ranges[2 * (i % columns) + 1]!)
}

/** How many rows there are. */
export function countOf({ values, size }: Rows): number {
  return values.length / size
}

/** Bytes as they are stored. */
export function bytesOfRows({ bits, values, ranges }: Rows): number {
  return 4 * wordsFor(values.length, bits) + ranges.byteLength
}

/** Tensors that hold rows under a name: floats `[count, size]`, or words of packed levels, and bounds. */
export function tensorsOf(name: string, { size, bits, values, ranges }: Rows): Record<string, tf.Tensor> {
  if (bits === 32) return { [name]: tf.tensor2d(values.slice(), [values.length / size, size]) }
  return {
    [name]: tf.tensor1d(packLevels(values as Uint8Array, bits), 'int32'),
    [`${name}/ranges`]: tf.tensor1d(ranges.slice()),
  }
}

/** The shapes of `tensorsOf`, with `columns` pairs of bounds: one, or one for each number of a row. */
export function shapesOfRows(
  name: string,
  [count, size]: readonly [number, number],
  bits: Bits,
  columns: number,
): Record<string, readonly number[]> {
  if (bits === 32) return { [name]: [count, size] }
  return { [name]: [wordsFor(count * size, bits)], [`${name}/ranges`]: [2 * (columns === 1 ? 1 : size)] }
}

/** The reverse of `tensorsOf`, for `count` rows. */
export function rowsFrom(tensors: Params, name: string, count: number, size: number, bits: Bits): Rows {
  const stored = tensors[name]!.dataSync()
  if (bits === 32) return { size, bits, values: Float32Array.from(stored), ranges: new Float32Array(0) }
  const values = unpackLevels(Int32Array.from(stored), bits, count * size)
  return { size, bits, values, ranges: Float32Array.from(tensors[`${name}/ranges`]!.dataSync()) }
}
