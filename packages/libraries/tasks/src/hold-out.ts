import type { Examples, Rng } from '@lgm/core'

/** Positions of the examples of each label, ascending; `[label]` is empty for a label that does not occur. */
export function positionsByLabel(labels: Int32Array, classes: number): Int32Array[] {
  const counts = new Int32Array(classes)
  for (const label of labels) counts[label]!++
  const positions = Array.from(counts, count => new Int32Array(count))
  counts.fill(0)
  labels.forEach((label, i) => {
    positions[label]![counts[label]!++] = i
  })
  return positions
}

/** The positions of the first `limit` examples of each class, in the order of the data. */
export function firstOfEach(examples: Examples, classes: number, limit: number): Int32Array {
  return merged(positionsByLabel(examples.labels, classes).map(positions => positions.slice(0, limit)))
}

/**
 * Divides positions in two by chance, class by class, so that both parts have the classes in the same proportions: round(fraction · n)
 * of the n examples of a class are held out, but never all of them. Each class draws from a stream of its own, so what is held out of
 * one does not depend on the others.
 *
 * @param labels of all examples
 * @param positions those that are to be divided
 * @returns both parts in the order of the data
 */
export function holdOut(
  labels: Int32Array,
  positions: Int32Array,
  classes: number,
  fraction: number,
  rng: Rng,
): { kept: Int32Array; held: Int32Array } {
  const kept: Int32Array[] = []
  const held: Int32Array[] = []
  const own = positionsByLabel(
    positions.map(position => labels[position]!),
    classes,
  )
  own.forEach((places, label) => {
    const count = Math.max(0, Math.min(places.length - 1, Math.round(fraction * places.length)))
    const order = rng.fork(`class ${label}`).permutation(places.length)
    const chosen = order.map(place => positions[places[place]!]!)
    held.push(chosen.slice(0, count))
    kept.push(chosen.slice(count))
  })
  return { kept: merged(kept), held: merged(held) }
}

/** All numbers of several arrays, ascending. */
function merged(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all.sort()
}
