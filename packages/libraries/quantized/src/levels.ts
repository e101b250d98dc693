/** Bits of one number; 32 are a float as it is. */
export type Bits = 32 | 8 | 4 | 2

/** How many words of 32 bits hold `count` numbers of `bits` each. */
export function wordsFor(count: number, bits: Bits): number {
  return Math.ceil((count * bits) / 32)
}

/** Levels from 0 to 2^bits − 1, the first in the lowest bits of each byte, in words of 32 bits; the rest of the last word is zero. */
export function packLevels(levels: Uint8Array, bits: 8 | 4 | 2): Int32Array {
  const words = new Int32Array(wordsFor(levels.length, bits))
  const bytes = new Uint8Array(words.buffer)
  const perByte = 8 / bits
  for (let i = 0; i < levels.length; i++) bytes[Math.floor(i / perByte)]! |= levels[i]! << ((i % perByte) * bits)
  return words
}

/** The first `count` levels of `packLevels`. */
export function unpackLevels(words: Int32Array, bits: 8 | 4 | 2, count: number): Uint8Array {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  const perByte = 8 / bits
  const mask = 2 ** bits - 1
  return Uint8Array.from(
    { length: count },
    (_, i) => (bytes[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask,
  )
}
