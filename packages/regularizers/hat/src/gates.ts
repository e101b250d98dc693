import { mapParams, type Params } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** Embeddings are held within ±6, and s·e within ±50 in the compensation, as in the paper's section 2.5. */
const [bound, steepest] = [6, 50]

/**
 * s at `step`, counted from 0: 1/s_max + (s_max − 1/s_max) · b/(B − 1), b the step within its period of B steps (eq. 3, counted from 1
 * there). Gates start each period half open, where they can be learned, and end it all but closed or open. s_max where B is 1.
 */
export function annealedSlope(step: number, period: number, slope: number): number {
  if (period === 1) return slope
  return 1 / slope + ((slope - 1 / slope) * (step % period)) / (period - 1)
}

/** a = σ(s·e), from 0 to 1: one gate for each unit (eq. 1). */
export function gates(embedding: tf.Tensor, slope: number): tf.Tensor {
  return embedding.mul(slope).sigmoid()
}

/** Σ a(1 − a^{<t}) / Σ (1 − a^{<t}): the share that a task takes of what no task uses yet (eq. 5); both by layer. */
export function sparsityCost(open: Params, used: Params): tf.Scalar {
  const [taken, free]: [tf.Tensor[], tf.Tensor[]] = [[], []]
  for (const [name, gate] of Object.entries(open)) {
    const rest = used[name] ? tf.sub(1, used[name]) : tf.ones(gate.shape)
    taken.push(gate.mul(rest).sum())
    free.push(rest.sum())
  }
  return tf.addN(taken).mul(tf.divNoNan(1, tf.addN(free))) as tf.Scalar
}

/**
 * The gradient by an embedding as if its gate had slope s_max without saturating: times s_max/s · (cosh(s·e) + 1) / (cosh(e) + 1)
 * (eq. 6). An embedding at its bound gets none that leads beyond it (**Deviation:** the paper's code clips after the update).
 */
export function compensated(gradient: tf.Tensor, embedding: tf.Tensor, slope: number, highest: number): tf.Tensor {
  const cosh = tf.cosh(embedding.mul(slope).clipByValue(-steepest, steepest)).add(1)
  const scaled = gradient.mul(highest / slope).mul(cosh.div(tf.cosh(embedding).add(1)))
  const leads = tf.logicalAnd(embedding.abs().greaterEqual(bound), scaled.mul(embedding).less(0))
  return tf.where(leads, tf.zerosLike(scaled), scaled)
}

/** a^{<t+1} = max(a^{<t}, a^t) by layer, where gates `open` from `hold` on count as 1. The result is new, whatever tidies around. */
export function widest(used: Params, open: () => Params, hold: number): Params {
  return tf.tidy(
    () =>
      mapParams(open(), (gate, name) => {
        const held = tf.where(gate.greaterEqual(hold), tf.onesLike(gate), gate)
        return tf.keep(used[name] ? tf.maximum(used[name], held) : held)
      }) as Params & tf.TensorContainer,
  )
}

/** The mean of a^{<t} over all units, from 0 to 1. */
export async function usedShare(used: Params): Promise<number> {
  const all = Object.values(used) as tf.Tensor1D[]
  if (all.length === 0) return 0
  const mean = tf.tidy(() => tf.concat1d(all).mean())
  const [share] = await mean.data()
  mean.dispose()
  return share!
}
