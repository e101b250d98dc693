import { createRng } from '@lgm/core'
import { type Bits, packLevels, unpackLevels } from '@lgm/quantized'

/**
 * Codes in −1 to 1 as words of 32 bits: levels at equal distances from −1 to 1, so that bounds need not be kept; of 32 bits, floats.
 */
export function packCodes(codes: Float32Array, bits: Bits): Int32Array {
  if (bits === 32) return new Int32Array(codes.slice().buffer)
  const top = 2 ** bits - 1
  return packLevels(
    Uint8Array.from(codes, code => Math.min(top, Math.max(0, Math.round(((code + 1) / 2) * top)))),
    bits,
  )
}

/** The `count` numbers that `packCodes` has left. */
export function unpackCodes(words: Int32Array, bits: Bits, count: number): Float32Array {
  if (bits === 32) return new Float32Array(words.slice().buffer)
  const top = 2 ** bits - 1
  return Float32Array.from(unpackLevels(words, bits, count), level => (2 * level) / top - 1)
}

/** Half the distance of two levels: what rounding may change. */
export function halfStep(bits: Bits): number {
  return bits === 32 ? 0 : 1 / (2 ** bits - 1)
}

/**
 * Codes that cost nothing to keep, because they follow from class and index: standard normal numbers `[count, size]` of a stream of
 * the class's own. More of them begin with the same ones.
 */
export function hashedCodes(label: number, count: number, size: number): Float32Array {
  return createRng(0, `/memorizer/${label}`).normal(count * size)
}
