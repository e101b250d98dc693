import { arrayExamples, type Examples, sizeOf } from '@lgm/core'

/** What is to be told, ordered by class and, within a class, with the old items first. */
export interface Telling {
  readonly items: Examples
  readonly isNew: readonly boolean[]
}

/** Items of one class, row-major. */
export interface Part {
  readonly label: number
  readonly values: Float32Array
  readonly isNew: boolean
}

/** The parts in order, as one. */
export function tellingOf(parts: readonly Part[], shape: readonly number[], where: string): Telling {
  const ordered = [...parts].sort((a, b) => a.label - b.label || Number(a.isNew) - Number(b.isNew))
  const counts = ordered.map(({ values }) => values.length / sizeOf(shape))
  const values = new Float32Array(counts.reduce((sum, count) => sum + count, 0) * sizeOf(shape))
  let at = 0
  for (const part of ordered) {
    values.set(part.values, at)
    at += part.values.length
  }
  const labels = Int32Array.from(ordered.flatMap(({ label }, i) => new Array<number>(counts[i]!).fill(label)))
  const isNew = ordered.flatMap((part, i) => new Array<boolean>(counts[i]!).fill(part.isNew))
  return { items: arrayExamples(values, shape, labels, where), isNew }
}
