/**
 * Scores of classes that a classifier does not know, from those that it does: the attributes expected of an example, â = Σₖ pₖ aₖ over the
 * known classes with p the softmax of its scores, and their cosine with the attributes of every class. The convex combination of semantic
 * embeddings of Norouzi et al. 2013 (arXiv:1312.5650), over all known classes and not the best few. Nothing is trained for it.
 *
 * `scores` `[n, known]` row-major, in nats up to a constant per row; `attributes` `[classes][d]`, the known classes first, none all 0; they
 * are scaled to length 1. Returns `[n, classes]`, −1 to 1.
 */
export function attributeScores(
  scores: ArrayLike<number>,
  known: number,
  attributes: readonly (readonly number[])[],
): Float64Array {
  const units = attributes.map(unit)
  const [count, size] = [scores.length / known, units[0]!.length]
  const found = new Float64Array(count * units.length)
  for (let i = 0; i < count; i++) {
    const row = Array.from({ length: known }, (_, k) => scores[i * known + k]!)
    const most = Math.max(...row)
    const expectation = new Array<number>(size).fill(0)
    for (const [k, score] of row.entries()) {
      const weight = Math.exp(score - most)
      for (let j = 0; j < size; j++) expectation[j]! += weight * units[k]![j]!
    }
    const direction = unit(expectation)
    for (const [c, attribute] of units.entries()) {
      let cosine = 0
      for (let j = 0; j < size; j++) cosine += direction[j]! * attribute[j]!
      found[i * units.length + c] = cosine
    }
  }
  return found
}

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return vector.map(value => (length > 0 ? value / length : 0))
}
