import type { Rng } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import type { Weighted } from './standard.js'

/**
 * The nearest of k centres to each row `[n] int32`, after `iterations` of Lloyd's algorithm (1982, doi:10.1109/TIT.1982.1056489) from
 * k different random rows. A centre that has lost all its rows goes to a random one.
 */
export async function kMeans(
  { rows, weights }: Weighted,
  d: number,
  k: number,
  iterations: number,
  rng: Rng,
): Promise<Int32Array> {
  const n = weights.length
  const centres = new Float32Array(k * d)
  const place = (centre: number, row: number) => centres.set(rows.subarray(row * d, (row + 1) * d), centre * d)
  for (const [centre, row] of rng.permutation(n).subarray(0, k).entries()) place(centre, row)
  const x = tf.tensor2d(rows, [n, d])
  try {
    let nearest = await assign(x, centres, k)
    for (let iteration = 0; iteration < iterations; iteration++) {
      const counts = new Float64Array(k)
      const sums = new Float64Array(k * d)
      nearest.forEach((centre, row) => {
        const weight = weights[row]!
        counts[centre]! += weight
        for (let j = 0; j < d; j++) sums[centre * d + j]! += weight * rows[row * d + j]!
      })
      for (let centre = 0; centre < k; centre++)
        if (counts[centre] === 0) place(centre, rng.integers(1, n)[0]!)
        else for (let j = 0; j < d; j++) centres[centre * d + j] = sums[centre * d + j]! / counts[centre]!
      nearest = await assign(x, centres, k)
    }
    return nearest
  } finally {
    x.dispose()
  }
}

/** argmin over centres c of ‖c‖² − 2 x·c. */
async function assign(x: tf.Tensor2D, centres: Float32Array, k: number): Promise<Int32Array> {
  const nearest = tf.tidy(() => {
    const c = tf.tensor2d(centres, [k, x.shape[1]])
    return c.square().sum(1).sub(tf.matMul(x, c.transpose()).mul(2)).argMin(1)
  })
  const values = (await nearest.data()) as Int32Array
  nearest.dispose()
  return values
}
