import { type Examples, type Measurement, range, readAll, relativeDistance, upload } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { bytesOfWeights, type Weights } from './weights.js'

/** Everything that was told and is returned, row for row. */
export interface Retold {
  readonly told: Examples
  readonly returned: Examples
  /** Rows that are new; the others were what the network itself returned before. */
  readonly isNew: readonly boolean[]
}

/** Σ ‖M(c, y) − u‖² / Σ ‖u‖² over new items, and over the others, of which u is what was returned before. */
export async function recallErrors({ told, returned, isNew }: Retold): Promise<{ fresh: number; old: number }> {
  const [a, b] = [await readAll(told), await readAll(returned)]
  const size = a.length / told.count
  const of = (which: boolean) => {
    const chosen = (values: Float32Array) => values.filter((_, i) => isNew[Math.floor(i / size)] === which)
    return relativeDistance(chosen(a), chosen(b))
  }
  return { fresh: of(true), old: of(false) }
}

/** The share of items, evenly spaced, to which of all that was told the item itself is nearest when it is returned. */
export async function retrievalRate({ told, returned }: Retold, probes: number): Promise<number> {
  const count = Math.min(probes, told.count)
  if (count === 0) return Number.NaN
  const probed = range(0, count).map(i => Math.floor((i * told.count) / count))
  const flat = (examples: Examples, indices: Int32Array) =>
    upload(examples, indices).then(rows => {
      const matrix = rows.reshape([indices.length, -1]) as tf.Tensor2D
      rows.dispose()
      return matrix
    })
  const queries = await flat(returned, probed)
  const least = new Float32Array(count).fill(Number.POSITIVE_INFINITY)
  const nearest = new Int32Array(count).fill(-1)
  const chunk = 2000
  for (let from = 0; from < told.count; from += chunk) {
    const rows = await flat(told, range(from, Math.min(from + chunk, told.count)))
    // ‖q − u‖² without ‖q‖², which is the same for all u
    const distances = tf.tidy(() =>
      rows
        .square()
        .sum(1)
        .sub(tf.matMul(queries, rows, false, true).mul(2)),
    )
    const [distance, at] = [distances.min(1), distances.argMin(1)]
    const [values, indices] = [await distance.data(), await at.data()]
    for (let i = 0; i < count; i++)
      if (values[i]! < least[i]!) {
        least[i] = values[i]!
        nearest[i] = from + indices[i]!
      }
    tf.dispose([rows, distances, distance, at])
  }
  queries.dispose()
  return nearest.reduce((hits, index, i) => hits + (index === probed[i] ? 1 : 0), 0) / count
}

/** What there is to say of a memory of `items` items of `size` numbers each. */
export function footprint(
  items: number,
  size: number,
  weights: Weights,
  codes: { readonly numbers: number; readonly bytes: number },
): Measurement[] {
  const bytes = bytesOfWeights(weights) + codes.bytes
  const parameters = Object.values(weights).reduce((sum, { count }) => sum + count, 0)
  const all = 'all that is stored'
  return [
    { name: 'generator/memorizer/items', value: items, unit: 'count', aggregation: all },
    { name: 'generator/memorizer/numbers', value: items * size, unit: 'count', aggregation: 'items × numbers of each' },
    { name: 'generator/memorizer/parameters', value: parameters, unit: 'count', aggregation: 'of the network' },
    { name: 'generator/memorizer/code-numbers', value: codes.numbers, unit: 'count', aggregation: all },
    { name: 'generator/memorizer/bytes', value: bytes, unit: 'bytes', aggregation: 'weights, codes and their bounds' },
    {
      name: 'generator/memorizer/bits-per-number',
      value: (8 * bytes) / (items * size),
      unit: 'bits',
      aggregation: 'bits kept over numbers stored',
    },
  ]
}

/** How well the last task's items, and those from before, are returned. */
export async function fidelity(retold: Retold, probes: number): Promise<Measurement[]> {
  const { fresh, old } = await recallErrors(retold)
  const figures: Measurement[] = [
    {
      name: 'generator/memorizer/recall-error',
      value: fresh,
      unit: 'ratio',
      aggregation: 'Σ ‖M(c, y) − u‖² / Σ ‖u‖² over new items',
    },
  ]
  if (retold.isNew.includes(false))
    figures.push({
      name: 'generator/memorizer/retelling-error',
      value: old,
      unit: 'ratio',
      aggregation: 'the same over stored items, where u is what was returned before this task',
    })
  if (probes > 0)
    figures.push({
      name: 'generator/memorizer/retrieval',
      value: await retrievalRate(retold, probes),
      unit: 'fraction',
      aggregation: `of at most ${probes} stored items, to how many they themselves are nearest when returned`,
    })
  return figures
}
