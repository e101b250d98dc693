import { type Bits, packLevels, unpackLevels } from './levels.js'

/**
 * `count` numbers, row-major in rows of `columns`, as levels: number ≈ offset + level · step, with one `[offset, step]` a column in
 * `ranges`. Of 32 bits, `words` are the floats themselves and `ranges` is empty.
 */
export interface Quantized {
  readonly bits: Bits
  readonly count: number
  readonly columns: number
  readonly words: Int32Array
  readonly ranges: Float32Array
}

/** How far bounds are drawn in towards the mean: of few levels, few outliers would make the steps too long. */
const shares = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
/** Rows by which bounds are judged. */
const judged = 4096

/**
 * Rounds numbers to 2^bits levels, equally spaced between bounds of their column: mean + s (max − mean) with the s from 0.3 to 1 of the
 * least squared error, then mean − s (mean − min) likewise. With `columns` 1 there is one pair of bounds for all.
 *
 * @param values row-major `[rows, columns]`, finite
 */
export function quantize(values: Float32Array, columns: number, bits: Bits): Quantized {
  const shape = { bits, count: values.length, columns }
  if (bits === 32) return { ...shape, words: new Int32Array(values.slice().buffer), ranges: new Float32Array(0) }
  const top = 2 ** bits - 1
  const ranges = rangesOf(values, columns, top)
  const levels = new Uint8Array(values.length)
  for (let i = 0; i < values.length; i++) levels[i] = levelOf(values[i]!, ranges, i % columns, top)
  return { ...shape, words: packLevels(levels, bits), ranges }
}

/** The numbers that are left of those given to `quantize`. */
export function dequantize({ bits, count, columns, words, ranges }: Quantized): Float32Array {
  if (bits === 32) return new Float32Array(words.slice().buffer)
  const levels = unpackLevels(words, bits, count)
  return Float32Array.from(levels, (level, i) => ranges[2 * (i % columns)]! + level * ranges[2 * (i % columns) + 1]!)
}

/** Bytes of the levels and of the bounds. */
export function bytesOf({ words, ranges }: Quantized): number {
  return words.byteLength + ranges.byteLength
}

function levelOf(value: number, ranges: Float32Array, column: number, top: number): number {
  const step = ranges[2 * column + 1]!
  if (step === 0) return 0
  return Math.min(top, Math.max(0, Math.round((value - ranges[2 * column]!) / step)))
}

/** The better of the bounds tried so far and those with one side drawn in, side by side, column by column. */
function rangesOf(values: Float32Array, columns: number, top: number): Float32Array {
  const { bounds, mean } = boundsOf(values, columns)
  const rows = values.length / columns
  const stride = Math.max(1, Math.ceil(rows / (columns === 1 ? 256 * judged : judged)))
  const errors = (ranges: Float32Array) => {
    const sums = new Float64Array(columns)
    for (let row = 0; row < rows; row += stride)
      for (let c = 0; c < columns; c++) {
        const value = values[row * columns + c]!
        sums[c]! += (ranges[2 * c]! + levelOf(value, ranges, c, top) * ranges[2 * c + 1]! - value) ** 2
      }
    return sums
  }
  let best = rangesFrom(bounds, top)
  const least = errors(best)
  for (const side of [1, 0])
    for (const share of shares) {
      const drawn = bounds.slice()
      for (let c = 0; c < columns; c++) {
        // the other side as it was found to be best
        drawn[2 * c] = best[2 * c]!
        drawn[2 * c + 1] = best[2 * c]! + best[2 * c + 1]! * top
        drawn[2 * c + side] = mean[c]! + share * (bounds[2 * c + side]! - mean[c]!)
      }
      const tried = rangesFrom(drawn, top)
      const found = errors(tried)
      best = best.map((range, i) => (found[i >> 1]! < least[i >> 1]! ? tried[i]! : range))
      for (let c = 0; c < columns; c++) least[c] = Math.min(least[c]!, found[c]!)
    }
  return best
}

/** Lowest and highest number of each column → `[offset, step]`. */
function rangesFrom(bounds: Float64Array, top: number): Float32Array {
  return Float32Array.from(bounds, (bound, i) => (i % 2 === 0 ? bound : (bound - bounds[i - 1]!) / top))
}

function boundsOf(values: Float32Array, columns: number) {
  const bounds = new Float64Array(2 * columns).map((_, i) =>
    i % 2 === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
  )
  const mean = new Float64Array(columns)
  for (let i = 0; i < values.length; i++) {
    const c = i % columns
    const value = values[i]!
    if (value < bounds[2 * c]!) bounds[2 * c] = value
    if (value > bounds[2 * c + 1]!) bounds[2 * c + 1] = value
    mean[c]! += (value * columns) / values.length
  }
  return { bounds, mean }
}
