import {
  crossEntropy,
  differentiate,
  type Examples,
  expected,
  labelsAt,
  mapParams,
  type Params,
  perExample,
  type Rng,
  upload,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/**
 * The labels y at which the gradients are taken: all, weighted by p(y | x), which is the exact expectation under the model; one drawn
 * from the model; the true one; or the most probable one.
 */
export type FisherLabels = 'all' | 'sample' | 'true' | 'argmax'

/** From parameters and examples `[n, ...]` to logits `[n, classes]`, with −10⁹ added to those outside the softmax. */
export type Logits = (params: Params, x: tf.Tensor) => tf.Tensor2D

/** How the Fisher information is measured. */
export interface FisherSettings {
  readonly labels: FisherLabels
  /** The classes in the softmax. */
  readonly classes: readonly number[]
  /** Examples per pass. 1 is exact for any network; more needs layers made of core's `dense` and `convolve`. */
  readonly batchSize: number
  readonly rng: Rng
  /** Told how many examples are done. */
  readonly notice: (done: number) => void
}

/**
 * The diagonal of the Fisher information, F = meanₙ Σ_y w(y | xₙ) (∂ log p(y | xₙ) / ∂θ)², over the examples at `indices`: w is
 * p(y | x) for `all`, else 1 at one label. Every square is that of one example's gradient, never of a batch's, and is exact: one
 * backward pass per batch, or one per class for `all`. A parameter that nothing depends on has zeros.
 *
 * @returns tensors of the shapes of `params`, which belong to the caller
 * @throws LgmError `composition` for a layer without gradients of single examples
 */
export async function fisher(
  params: Params,
  logits: Logits,
  examples: Examples,
  indices: Int32Array,
  settings: FisherSettings,
): Promise<Params> {
  const { batchSize, notice } = settings
  let mean = mapParams(params, parameter => tf.zerosLike(parameter))
  for (let from = 0; from < indices.length; from += batchSize) {
    const rows = indices.subarray(from, from + batchSize)
    const x = await upload(examples, rows)
    if (from === 0) await checkLayers(params, logits, x)
    const next = tf.tidy(() => {
      const sum = fisherSum(params, logits, x, weightedTargets(logits(params, x), labelsAt(examples, rows), settings))
      return mapParams(mean, (tensor, name) => tensor.add(sum[name]!.div(indices.length))) as Params &
        tf.TensorContainer
    })
    tf.dispose([x, ...Object.values(mean)])
    mean = next
    notice(from + rows.length)
    await new Promise(resolve => setTimeout(resolve, 0))
  }
  return mean
}

/** Targets `[n, classes]` whose cross-entropy has the gradient √w ∂ log p(y | x), for each y that counts. */
function weightedTargets(
  logits: tf.Tensor2D,
  truth: Int32Array,
  { labels, classes, rng }: FisherSettings,
): tf.Tensor2D[] {
  const width = logits.shape[1]
  if (labels === 'true') return [oneHot(tf.tensor1d(truth, 'int32'), width)]
  if (labels === 'argmax') return [oneHot(logits.argMax(1), width)]
  const probabilities = tf.softmax(logits)
  if (labels === 'all')
    return classes.map(y => probabilities.sqrt().mul(oneHot(tf.tensor1d([y], 'int32'), width)) as tf.Tensor2D)
  const drawn = tf.tensor2d(rng.uniform(truth.length), [truth.length, 1])
  const passed = tf.cumsum(probabilities, 1).lessEqual(drawn).toFloat().sum(1)
  return [oneHot(passed.minimum(Math.max(...classes)).toInt(), width)]
}

/** Ids `[n]` → rows `[n, classes]`, or one row for all where there is one id. */
function oneHot(ids: tf.Tensor, classes: number): tf.Tensor2D {
  return ids
    .expandDims(1)
    .equal(tf.range(0, classes, 1, 'int32'))
    .toFloat() as tf.Tensor2D
}

/** Σₙ (∂Lₙ/∂θ)², summed over the targets too, with L the cross-entropy; for one example simply the square of its gradient. */
function fisherSum(params: Params, logits: Logits, x: tf.Tensor, targets: readonly tf.Tensor2D[]): Params {
  let sum = mapParams(params, parameter => tf.zerosLike(parameter))
  for (const target of targets) {
    const compute = () =>
      differentiate(params, () => ({ loss: crossEntropy(logits(params, x), target).sum() as tf.Scalar }))
    const alone = x.shape[0] === 1
    const { terms, gradients } = alone ? compute() : perExample(2, compute)
    tf.dispose(terms)
    sum = mapParams(sum, (tensor, name) =>
      gradients[name] ? tensor.add(alone ? gradients[name].square() : gradients[name]) : tensor,
    )
  }
  return sum
}

/** Checks on the first two examples that the sum over both at once is that of each alone, which needs no support by the layers. */
async function checkLayers(params: Params, logits: Logits, x: tf.Tensor): Promise<void> {
  if (x.shape[0]! < 2) return
  const names = Object.keys(params)
  const errors = tf.tidy(() => {
    const scores = logits(params, x.slice(0, 2))
    // the least probable class: its gradient never vanishes, however sure of itself the network has become
    const targets = oneHot(scores.argMin(1), scores.shape[1])
    const sums = (from: number, count: number) =>
      fisherSum(params, logits, x.slice(from, count), [targets.slice(from, count)])
    const [both, one, other] = [sums(0, 2), sums(0, 1), sums(1, 1)]
    return tf.stack(
      names.map(name => {
        const apart = one[name]!.add(other[name]!)
        return tf.divNoNan(both[name]!.sub(apart).abs().max(), both[name]!.abs().max().add(apart.max()))
      }),
    )
  })
  const wrong = names[(await errors.data()).findIndex(error => error > 1e-3)]
  errors.dispose()
  if (wrong)
    throw expected(
      'fisher',
      'layers made of dense and convolve of @lgm/core',
      `another one, which has no gradients of single examples, at ${wrong}`,
      'set batchSize: 1, which is exact for any network, and slow',
      'composition',
    )
}
