import * as tf from '@tensorflow/tfjs'
import { createBreath } from './breath.js'
import type { Examples, Rng } from './contracts.js'
import { expected } from './errors.js'

/** How many numbers one example of `shape` has. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1)
}

/**
 * Examples held in one typed array, row-major `[labels.length, ...shape]`. Bytes are scaled from 0…255 to 0…1 as they are read.
 * @throws LgmError `data` when the lengths do not fit, or a number is NaN or infinite; for arrays of another kind, and for a side that is none.
 */
export function arrayExamples(
  values: Float32Array | Uint8Array,
  shape: readonly number[],
  labels: Int32Array,
  where = 'examples',
): Examples {
  if (!(values instanceof Float32Array || values instanceof Uint8Array)) {
    const got = (values as object | undefined)?.constructor.name ?? 'none'
    throw expected(where, 'numbers as a Float32Array or Uint8Array', got, 'convert them: Float32Array.from(…)', 'data')
  }
  if (!shape.every(side => Number.isSafeInteger(side) && side > 0))
    throw expected(where, 'sides from 1', `[${shape.join(', ')}]`, 'correct the shape of an example', 'data')
  const size = sizeOf(shape)
  if (values.length !== labels.length * size)
    throw expected(
      where,
      `${labels.length} × ${size} numbers (${labels.length} labels, shape [${shape.join(', ')}])`,
      `${values.length}`,
      'check the shape and the number of labels',
      'data',
    )
  if (values instanceof Float32Array) checkFinite(values, size, where)
  const scale = values instanceof Uint8Array ? 1 / 255 : 1
  return {
    count: labels.length,
    shape,
    labels,
    read(indices) {
      const rows = new Float32Array(indices.length * size)
      for (let i = 0; i < indices.length; i++) {
        const from = indices[i]! * size
        if (scale === 1) rows.set(values.subarray(from, from + size), i * size)
        else for (let j = 0; j < size; j++) rows[i * size + j] = values[from + j]! * scale
      }
      return rows
    },
  }
}

function checkFinite(values: Float32Array, size: number, where: string): void {
  const bad = values.findIndex(value => !Number.isFinite(value))
  if (bad >= 0)
    throw expected(
      where,
      'finite numbers',
      `${values[bad]} in example ${Math.floor(bad / size)}, position ${bad % size}`,
      'remove or repair that example',
      'data',
    )
}

/** The examples at `indices`, in that order, with labels changed by `relabel`. No data is copied. */
export function selectExamples(
  examples: Examples,
  indices: Int32Array,
  relabel: (label: number) => number = label => label,
): Examples {
  return {
    count: indices.length,
    shape: examples.shape,
    labels: indices.map(index => relabel(examples.labels[index]!)),
    read: rows => examples.read(rows.map(row => indices[row]!)),
  }
}

/** Examples seen through a change of each batch of rows, such as a permutation of pixels. */
export function changeExamples(
  examples: Examples,
  shape: readonly number[],
  change: (rows: Float32Array, count: number) => Float32Array,
): Examples {
  return {
    ...examples,
    shape,
    read(indices) {
      const rows = examples.read(indices)
      return rows instanceof Promise
        ? rows.then(values => change(values, indices.length))
        : change(rows, indices.length)
    },
  }
}

/** Uploads the examples at `indices` as `[n, ...shape] float32`. */
export async function upload(examples: Examples, indices: Int32Array): Promise<tf.Tensor> {
  const read = examples.read(indices)
  const rows = read instanceof Promise ? await read : read
  return tf.tensor(rows, [indices.length, ...examples.shape], 'float32')
}

/** Every number of every example, row-major `[count, ...shape]`. */
export async function readAll(examples: Examples): Promise<Float32Array> {
  return examples.read(range(0, examples.count))
}

/** The labels at `indices`. */
export function labelsAt(examples: Examples, indices: Int32Array): Int32Array {
  return indices.map(index => examples.labels[index]!)
}

/**
 * Sends all examples through `change` in batches and collects what comes back, with the same labels, in memory.
 * `change` gets `[n, ...shape]` and returns `[n, ...any]`; both are disposed here.
 */
export async function mapExamples(
  examples: Examples,
  change: (batch: tf.Tensor) => tf.Tensor,
  batchSize = 1000,
): Promise<Examples> {
  let values: Float32Array | undefined
  let shape: readonly number[] = examples.shape
  const breathe = createBreath()
  for (let from = 0; from < examples.count; from += batchSize) {
    const indices = range(from, Math.min(from + batchSize, examples.count))
    const batch = await upload(examples, indices)
    const changed = tf.tidy(() => change(batch))
    shape = changed.shape.slice(1)
    values ??= new Float32Array(examples.count * sizeOf(shape))
    values.set((await changed.data()) as Float32Array, from * sizeOf(shape))
    changed.dispose()
    batch.dispose()
    await breathe()
  }
  return arrayExamples(values ?? new Float32Array(0), shape, examples.labels, 'mapped examples')
}

/** Reads all examples into one array outside the engine; what is returned uploads the rows asked for at once, `[n, ...shape]`. */
export async function inMemory(examples: Examples): Promise<(indices: Int32Array) => tf.Tensor> {
  const values = await readAll(examples)
  const size = sizeOf(examples.shape)
  return indices => {
    const chosen = new Float32Array(indices.length * size)
    for (const [i, index] of indices.entries()) chosen.set(values.subarray(index * size, (index + 1) * size), i * size)
    return tf.tensor(chosen, [indices.length, ...examples.shape])
  }
}

/** The integers `from` to `to` − 1. */
export function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i)
}

/** One-hot rows `[labels.length, classes]`. */
export function oneHot(labels: Int32Array, classes: number): tf.Tensor2D {
  const rows = new Float32Array(labels.length * classes)
  for (let i = 0; i < labels.length; i++) rows[i * classes + labels[i]!] = 1
  return tf.tensor2d(rows, [labels.length, classes])
}

/** Draws batches of indices by passes over a shuffled order, reshuffled at the end of each pass. */
export function sampler(count: number, batchSize: number, rng: Rng): () => Int32Array {
  let order = new Int32Array(0)
  let at = 0
  return () => {
    const indices = new Int32Array(batchSize)
    for (let i = 0; i < batchSize; i++) {
      if (at >= order.length) {
        order = rng.permutation(count) as Int32Array<ArrayBuffer>
        at = 0
      }
      indices[i] = order[at++]!
    }
    return indices
  }
}

/** Where the examples of each label stand, by ascending label. */
export function indicesByLabel(labels: Int32Array): Map<number, Int32Array> {
  const found = new Map<number, number[]>()
  for (const label of Int32Array.from(new Set(labels)).sort()) found.set(label, [])
  for (const [i, label] of labels.entries()) found.get(label)!.push(i)
  return new Map(Array.from(found, ([label, indices]) => [label, Int32Array.from(indices)]))
}

/**
 * Checks that examples are of a known shape, such as the codes that a generator was given before.
 * @throws LgmError `data` when they are not.
 */
export function checkShape(
  where: string,
  shape: readonly number[],
  examples: { readonly shape: readonly number[] },
): void {
  if (shape.length !== examples.shape.length || shape.some((side, i) => side !== examples.shape[i]))
    throw expected(
      where,
      `codes of shape [${shape.join(', ')}]`,
      `[${examples.shape.join(', ')}]`,
      'give it codes of the embedder it was first given',
      'data',
    )
}

/**
 * Checks that every label is a class that is already known, such as those a generator can be asked for.
 * @throws LgmError `input` naming the first that is not.
 */
export function checkKnown(
  where: string,
  known: ReadonlySet<number> | ReadonlyMap<number, unknown>,
  labels: Iterable<number>,
): void {
  for (const label of labels)
    if (!known.has(label))
      throw expected(
        where,
        known.size > 0
          ? `classes among those memorized (${[...known.keys()].join(', ')})`
          : 'classes that were memorized (none yet)',
        `class ${label}`,
        'memorize examples of it first',
      )
}

/** Σ ‖a − b‖² / Σ ‖a‖² over rows of the same length; 0 where all of a is. */
export function relativeDistance(a: Float32Array, b: Float32Array): number {
  let [distance, size] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    distance += (a[i]! - b[i]!) ** 2
    size += a[i]! ** 2
  }
  return size > 0 ? distance / size : 0
}
