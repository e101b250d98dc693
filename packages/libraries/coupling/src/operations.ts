import * as tf from '@tensorflow/tfjs'

type Saved = (tensors: tf.Tensor[]) => void

/** An operation of several tensors with its gradient written out: one node on the tape in the place of many. */
function operation<Output extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: Saved) => tf.Tensor,
  gradients: (dy: Output, saved: tf.Tensor[]) => tf.Tensor[],
): Output {
  const compute = (...parameters: unknown[]) => ({ value: forward(parameters.at(-1) as Saved), gradFunc: gradients })
  return tf.customGrad(compute as Parameters<typeof tf.customGrad>[0])(...inputs) as Output
}

/**
 * Actnorm (Kingma & Dhariwal 2018, arXiv:1807.03039, section 3.1), y = x · exp(logScale) + shift, after a change of order: a running state
 * `[n, d + 1]` of d numbers and their log-determinant so far → the same. logScale and shift are `[d]`, or `[channels]` of numbers with the
 * channels last.
 */
export function standardize(
  state: tf.Tensor2D,
  logScale: tf.Tensor,
  shift: tf.Tensor,
  order: Int32Array | undefined,
): tf.Tensor2D {
  const d = state.shape[1] - 1
  const each = d / logScale.size
  const fold = (columns: tf.Tensor) => (each === 1 ? columns : columns.reshape([each, logScale.size]).sum(0))
  return operation<tf.Tensor2D>(
    [state, logScale, shift],
    save => {
      const ordered = inOrder(state, order)
      const scale = tf.concat([logScale.exp().tile([each]), tf.ones([1])])
      const scaled = ordered.mul(scale)
      save([scaled, scale])
      return scaled.add(tf.concat([shift.tile([each]), logScale.sum().mul(each).reshape([1])]))
    },
    (dy, [scaled, scale]) => {
      const sums = dy.sum(0)
      const byShift = sums.slice(0, d)
      const byScale = dy.mul(scaled!).sum(0).slice(0, d).add(sums.slice(d, 1))
      return [inOrder(dy.mul(scale!) as tf.Tensor2D, order && inverseOf(order)), fold(byScale), fold(byShift)]
    },
  )
}

/** The reverse of `standardize`, of the d numbers alone: `[n, d]` → `[n, d]`. */
export function restore(
  y: tf.Tensor2D,
  logScale: tf.Tensor,
  shift: tf.Tensor,
  order: Int32Array | undefined,
): tf.Tensor2D {
  const each = y.shape[1] / logScale.size
  const x = y.sub(shift.tile([each])).mul(logScale.neg().exp().tile([each])) as tf.Tensor2D
  return inOrder(x, order && inverseOf(order))
}

/** The columns in another order; those after the ordered ones stay where they are. */
function inOrder(x: tf.Tensor2D, order: Int32Array | undefined): tf.Tensor2D {
  if (!order) return x.clone()
  const columns = Int32Array.from({ length: x.shape[1] }, (_, i) => order[i] ?? i)
  return tf.gather(x, tf.tensor1d(columns, 'int32'), 1)
}

function inverseOf(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length)
  for (const [to, from] of order.entries()) inverse[from] = to
  return inverse
}

/** c · tanh(s / c), and its derivative from its value. */
const bounded = (s: tf.Tensor, c: number) => s.div(c).tanh().mul(c)
const slope = (value: tf.Tensor, c: number) => tf.sub(1, value.div(c).square())

/**
 * An affine coupling (Dinh et al. 2017, arXiv:1605.08803, equations 7 and 8): of the numbers a | b of the state `[n, d + 1]`, b becomes
 * b · exp(s) + t and goes first, and Σ s is added to the log-determinant. `output` `[n, 2 · |b|]` is that of the conditioner of a, s | t,
 * with s bounded to ±c.
 */
export function couple(state: tf.Tensor2D, output: tf.Tensor2D, c: number): tf.Tensor2D {
  const free = output.shape[1] / 2
  const kept = state.shape[1] - 1 - free
  return operation<tf.Tensor2D>(
    [state, output],
    save => {
      const [a, b, logDet] = tf.split(state, [kept, free, 1], 1)
      const [raw, t] = tf.split(output, 2, 1)
      const s = bounded(raw!, c)
      const scale = s.exp()
      const scaled = b!.mul(scale)
      save([s, scale, scaled])
      return tf.concat([scaled.add(t!), a!, logDet!.add(s.sum(1, true))], 1)
    },
    (dy, [s, scale, scaled]) => {
      const [byB, byA, byLogDet] = tf.split(dy, [free, kept, 1], 1)
      const byRaw = byB!.mul(scaled!).add(byLogDet!).mul(slope(s!, c))
      return [tf.concat([byA!, byB!.mul(scale!), byLogDet!], 1), tf.concat([byRaw, byB!], 1)]
    },
  )
}

/** The reverse of `couple` where b comes first: `[n, d]` → `[n, d]`, a first. */
export function decouple(y: tf.Tensor2D, output: tf.Tensor2D, c: number): tf.Tensor2D {
  const free = output.shape[1] / 2
  const [b, a] = tf.split(y, [free, y.shape[1] - free], 1)
  const [raw, t] = tf.split(output, 2, 1)
  return tf.concat([a!, b!.sub(t!).mul(bounded(raw!, c).neg().exp())], 1) as tf.Tensor2D
}

/**
 * As `couple`, of numbers that stay in their places: those where `mask` `[d]` is 1 become u · exp(s) + t. `output` is a map
 * `[n, height, width, 2 · channels]`, s | t.
 */
export function coupleMasked(state: tf.Tensor2D, output: tf.Tensor4D, mask: tf.Tensor1D, c: number): tf.Tensor2D {
  const d = mask.shape[0]
  return operation<tf.Tensor2D>(
    [state, output],
    save => {
      const [u, logDet] = tf.split(state, [d, 1], 1)
      const [s, t] = maskedTerms(output, mask, c)
      const scale = s.exp()
      const scaled = u!.mul(scale)
      save([s, scale, scaled, mask])
      return tf.concat([scaled.add(t), logDet!.add(s.sum(1, true))], 1)
    },
    (dy, [s, scale, scaled, ones]) => {
      const [byU, byLogDet] = tf.split(dy, [d, 1], 1)
      const byRaw = byU!.mul(scaled!).add(byLogDet!).mul(slope(s!, c)).mul(ones!)
      const [n, height, width, channels] = output.shape
      const maps = [byRaw, byU!.mul(ones!)].map(map => map.reshape([n, height, width, channels / 2]))
      return [tf.concat([byU!.mul(scale!), byLogDet!], 1), tf.concat(maps, 3)]
    },
  )
}

/** The reverse of `coupleMasked`: `[n, d]` → `[n, d]`. */
export function decoupleMasked(y: tf.Tensor2D, output: tf.Tensor4D, mask: tf.Tensor1D, c: number): tf.Tensor2D {
  const [s, t] = maskedTerms(output, mask, c)
  return y.sub(t).mul(s.neg().exp()) as tf.Tensor2D
}

function maskedTerms(output: tf.Tensor4D, mask: tf.Tensor1D, c: number): [s: tf.Tensor, t: tf.Tensor] {
  const [raw, t] = tf.split(output, 2, 3).map(map => map.reshape([output.shape[0], mask.shape[0]]))
  return [bounded(raw!, c).mul(mask), t!.mul(mask)]
}

/** log N(z; μ, diag σ²) in nats, −½ Σ ((z − μ)/σ)² − Σ log σ − ½ d log 2π: z, μ and log σ `[n, d]` → `[n]`. */
export function gaussianNats(z: tf.Tensor, mean: tf.Tensor, logDeviation: tf.Tensor): tf.Tensor1D {
  const constant = (z.shape[1]! * Math.log(2 * Math.PI)) / 2
  return operation<tf.Tensor1D>(
    [z, mean, logDeviation],
    save => {
      const precision = logDeviation.neg().exp()
      const deviation = z.sub(mean).mul(precision)
      save([precision, deviation])
      return deviation.square().mul(0.5).add(logDeviation).sum(1).add(constant).neg()
    },
    (dy, [precision, deviation]) => {
      const each = dy.expandDims(1)
      const byMean = deviation!.mul(precision!).mul(each)
      return [byMean.neg(), byMean, deviation!.square().sub(1).mul(each)]
    },
  )
}
