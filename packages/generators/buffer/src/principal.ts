import { createBreath, type Examples, type Rng, range, sizeOf, upload } from '@lgm/core'
import type { Bits } from '@lgm/quantized'
import * as tf from '@tensorflow/tfjs'
import { countOf, keep, numbersOf, type Rows } from './rows.js'

/** A mean `[size]`, and the directions in which codes vary most, as orthonormal columns `[size, components]`, row-major. */
export interface Basis {
  readonly mean: Float32Array
  readonly directions: Float32Array
  readonly components: number
}

/** Rounds of orthogonal iteration; after them directions of nearly equal variance may still be mixed, which loses nothing. */
const rounds = 30

/**
 * Principal components of codes (Pearson 1901, doi:10.1080/14786440109462720), in the order of their variance, by orthogonal iteration:
 * Q ← the columns of ΣQ made orthonormal one after another. Of codes that vary in fewer directions the rest of the columns are zero.
 */
export async function principalComponents(codes: Examples, components: number, rng: Rng): Promise<Basis> {
  const { mean, scatter } = await momentsOf(codes)
  const shape: [number, number] = [mean.length, components]
  let directions = orthonormal(rng.normal(mean.length * components), shape)
  for (let round = 0; round < rounds; round++) {
    const turned = tf.tidy(() => tf.matMul(scatter, tf.tensor2d(directions, shape)))
    directions = orthonormal((await turned.data()) as Float32Array, shape)
    turned.dispose()
  }
  scatter.dispose()
  return { mean, directions, components }
}

/** A basis as it is kept, with directions of 8 bits where rows have fewer than 32, and what is left of it. */
export interface KeptBasis {
  readonly mean: Float32Array
  readonly rows: Rows
  readonly basis: Basis
}

/** Rounds the directions, with bounds for each. */
export function keepBasis({ mean, directions, components }: Basis, bits: Bits): KeptBasis {
  return keptBasis(mean, keep(directions, components, bits === 32 ? 32 : 8, 'each'))
}

/** From what is stored. */
export function keptBasis(mean: Float32Array, rows: Rows): KeptBasis {
  return { mean, rows, basis: { mean, directions: numbersOf(rows, 0, countOf(rows)), components: rows.size } }
}

/** (u − mean) Q: rows `[count, size]` → `[count, components]`. */
export function project(rows: Float32Array, { mean, directions, components }: Basis): Float32Array {
  return tf.tidy(() => {
    const centred = tf.tensor2d(rows, [rows.length / mean.length, mean.length]).sub(tf.tensor1d(mean))
    return tf.matMul(centred as tf.Tensor2D, tf.tensor2d(directions, [mean.length, components])).dataSync()
  }) as Float32Array
}

/** mean + c Qᵀ: rows `[count, components]` → `[count, size]`. */
export function reconstruct(rows: Float32Array, { mean, directions, components }: Basis): Float32Array {
  return tf.tidy(() => {
    const matrix = tf.tensor2d(rows, [rows.length / components, components])
    const offsets = tf.matMul(matrix, tf.tensor2d(directions, [mean.length, components]), false, true)
    return offsets.add(tf.tensor1d(mean)).dataSync()
  }) as Float32Array
}

/** The mean of codes, and Σ (u − mean)(u − mean)ᵀ / n `[size, size]`, in two passes. */
async function momentsOf(codes: Examples): Promise<{ mean: Float32Array; scatter: tf.Tensor2D }> {
  const size = sizeOf(codes.shape)
  const breathe = createBreath()
  const sumOf = async (shape: number[], change: (rows: tf.Tensor2D) => tf.Tensor) => {
    let sum: tf.Tensor = tf.zeros(shape)
    const chunk = 1000
    for (let from = 0; from < codes.count; from += chunk) {
      const batch = await upload(codes, range(from, Math.min(from + chunk, codes.count)))
      const next = tf.tidy(() => sum.add(change(batch.reshape([-1, size])).div(codes.count)))
      tf.dispose([batch, sum])
      sum = next
      await breathe()
    }
    return sum
  }
  const sum = await sumOf([size], rows => rows.sum(0))
  const mean = (await sum.data()).slice() as Float32Array
  const scatter = await sumOf([size, size], rows => {
    const centred = rows.sub(sum) as tf.Tensor2D
    return tf.matMul(centred, centred, true, false)
  })
  sum.dispose()
  return { mean, scatter: scatter as tf.Tensor2D }
}

/** Columns `[size, count]` made orthonormal in their order (Gram & Schmidt, each twice, for rounding); what is left of none is zero. */
function orthonormal(columns: Float32Array, [size, count]: readonly [number, number]): Float32Array {
  const made = Float64Array.from(columns)
  const dot = (a: number, b: number) => {
    let sum = 0
    for (let i = 0; i < size; i++) sum += made[i * count + a]! * made[i * count + b]!
    return sum
  }
  const first = Math.sqrt(dot(0, 0))
  for (let c = 0; c < count; c++) {
    for (let before = 0; before < 2 * c; before++) {
      const share = dot(before % c, c)
      for (let i = 0; i < size; i++) made[i * count + c]! -= share * made[i * count + (before % c)]!
    }
    const length = Math.sqrt(dot(c, c))
    const scale = length > 1e-6 * first ? 1 / length : 0
    for (let i = 0; i < size; i++) made[i * count + c]! *= scale
  }
  return Float32Array.from(made)
}
