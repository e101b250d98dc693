import { nearest } from './neighbours.js'

/**
 * How much nearer samples `[m, d]` are to the training examples `[n, d]` than test examples `[l, d]` are: the mean distance to the nearest
 * training example of the one over that of the other. 1 for samples as good as new examples, 0 for copies of training examples, above 1 for
 * samples far from all examples. NaN where test examples are training examples.
 *
 * The nearest-neighbour test that Meehan et al. 2020, arXiv:2004.05675, refine: data-copying.
 */
export function memorizationRatio(
  samples: ArrayLike<number>,
  test: ArrayLike<number>,
  training: ArrayLike<number>,
  d: number,
): number {
  const [ofSamples, ofTest] = [samples, test].map(rows => {
    const distances = nearest(rows, training, d)
    return distances.reduce((sum, square) => sum + Math.sqrt(square), 0) / distances.length
  })
  return ofTest! > 0 ? ofSamples! / ofTest! : Number.NaN
}
