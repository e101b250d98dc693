import { indicesByLabel } from '@lgm/core'
import { hashedCodes, packCodes } from './codes.js'
import type { MemorizerOptions } from './options.js'
import { newPass, type Pass } from './passes.js'

/** Stored items of one class: what is kept of their codes (nothing, if hashed), the codes that follow from it, and who was drawn. */
export interface Shelf {
  readonly words: Int32Array
  readonly codes: Float32Array
  pass: Pass
}

/** The codes of ordered labels, class by class. */
export function shelve(
  labels: Int32Array,
  codes: Float32Array,
  { codeSize, codeBits, codes: kind }: MemorizerOptions,
): ReadonlyMap<number, Shelf> {
  return new Map(
    Array.from(indicesByLabel(labels), ([label, places]) => {
      const own = codes.slice(places[0]! * codeSize, (places.at(-1)! + 1) * codeSize)
      const words = kind === 'learned' ? packCodes(own, codeBits) : new Int32Array(0)
      return [label, { words, codes: own, pass: newPass(places.length) }]
    }),
  )
}

/** As many labels of each class as there are items of it, by ascending label. */
export function labelsOf(counts: ReadonlyMap<number, number>): Int32Array {
  return Int32Array.from(
    [...counts].sort(([a], [b]) => a - b).flatMap(([label, count]) => new Array<number>(count).fill(label)),
  )
}

/** The codes that follow from class and index, for labels that are ordered. */
export function hashedFor(labels: Int32Array, codeSize: number): Float32Array {
  const codes = new Float32Array(labels.length * codeSize)
  let at = 0
  for (const [label, { length }] of indicesByLabel(labels)) {
    const part = hashedCodes(label, length, codeSize)
    codes.set(part, at)
    at += part.length
  }
  return codes
}
