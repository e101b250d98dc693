import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, dequantize, packLevels, quantize, unpackLevels, wordsFor } from './index.js'

const distance = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)

describe('levels', () => {
  test('of 4 bits stand two in a byte, of 2 bits four, the first in the lowest bits', () => {
    // 1 + 2 · 16, 15 + 0 · 16
    expect(new Uint8Array(packLevels(Uint8Array.of(1, 2, 15), 4).buffer)).toEqual(Uint8Array.of(33, 15, 0, 0))
    // 3 + 1 · 4 + 0 · 16 + 2 · 64, 1
    expect(new Uint8Array(packLevels(Uint8Array.of(3, 1, 0, 2, 1), 2).buffer)).toEqual(Uint8Array.of(135, 1, 0, 0))
  })

  test('come back from their words, of which there are as few as can be', () => {
    fc.assert(
      fc.property(fc.constantFrom(8, 4, 2), fc.array(fc.nat(255)), (bits, list) => {
        const levels = Uint8Array.from(list, level => level % 2 ** bits)
        const words = packLevels(levels, bits)
        expect(words.length).toBe(wordsFor(levels.length, bits))
        expect(unpackLevels(words, bits, levels.length)).toEqual(levels)
      }),
    )
    expect([wordsFor(5, 32), wordsFor(5, 8), wordsFor(5, 4), wordsFor(17, 2)]).toEqual([5, 2, 1, 2])
  })
})

describe('numbers', () => {
  test('of 32 bits stay what they are', () => {
    const values = Float32Array.of(1, -2.5, 1e-30, 7)
    const kept = quantize(values, 2, 32)
    expect(dequantize(kept)).toEqual(values)
    expect(bytesOf(kept)).toBe(16)
  })

  test('that are levels of their column already stay what they are', () => {
    // columns 0 … 3 and −10 … 20 by tens: four levels each
    const values = Float32Array.of(0, -10, 1, 0, 2, 10, 3, 20)
    const kept = quantize(values, 2, 2)
    expect(dequantize(kept)).toEqual(values)
    expect(Array.from(kept.ranges)).toEqual([0, 1, -10, 10])
    // 8 levels of 2 bits are a word, and two columns have four bounds
    expect(bytesOf(kept)).toBe(4 + 16)
    const same = quantize(Float32Array.of(3, 2, 0, 1), 1, 2)
    expect([Array.from(dequantize(same)), bytesOf(same)]).toEqual([[3, 2, 0, 1], 4 + 8])
  })

  test('of a column that does not vary stay what they are', () => {
    expect(Array.from(dequantize(quantize(Float32Array.of(5, 1, 5, 2), 2, 4)))).toEqual([5, 1, 5, 2])
    expect(dequantize(quantize(new Float32Array(0), 3, 4))).toEqual(new Float32Array(0))
  })

  test('are within half a step where nothing is clipped: 255 steps over 2 are 1/255 at most from the truth', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.cos(i))
    const back = dequantize(quantize(values, 1, 8))
    expect(Math.max(...back.map((value, i) => Math.abs(value - values[i]!)))).toBeLessThan(1.001 / 255)
  })

  test('with few outliers in one column of two have shorter steps there, as if it stood alone', () => {
    const values = Float32Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? i / 400 : i === 7 ? 50 : (i % 20) / 10))
    const columns = [0, 1].map(column => values.filter((_, i) => i % 2 === column))
    const together = dequantize(quantize(values, 2, 4))
    const alone = columns.map(column => dequantize(quantize(column, 1, 4)))
    for (const [column, values] of alone.entries()) expect(together.filter((_, i) => i % 2 === column)).toEqual(values)
    expect(quantize(values, 2, 4).ranges[3]).toBeLessThan(50 / 15)
  })

  test('with few outliers have shorter steps, for a smaller squared error', () => {
    // uniform in 0 to 1, and one number in 4000 at 4
    const values = Float32Array.from({ length: 4000 }, (_, i) => (i === 0 ? 4 : (i * 0.618034) % 1))
    const kept = quantize(values, 1, 2)
    // from 0 to mean + 0.3 (4 − mean) = 1.55 steps are 0.52: an error of 0.52² / 12, and 2.45² / 4000 for the outlier
    expect(kept.ranges[1]).toBeLessThan(0.52)
    expect(distance(dequantize(kept), values) / values.length).toBeLessThan(0.52 ** 2 / 12 + 2.45 ** 2 / 4000)
  })
})
