import {
  disposeParams,
  type Examples,
  labelsAt,
  oneHot,
  type Params,
  type Rng,
  range,
  sampler,
  selectExamples,
  upload,
} from '@lgm/core'
import { type Flow, growFlow, initFlow, logProbability, normalizeFlow, placeClasses } from '@lgm/coupling'
import * as tf from '@tensorflow/tfjs'

/** How many codes a flow is set to before training, and measured on after it. */
const settling = 1000

/** What a flow is trained on: `known` are the classes before, `classes` their number after, `jitter` the deviation of noise in units of the codes. */
export interface Setting {
  readonly fresh: Examples
  readonly recall: Examples | undefined
  readonly known: ReadonlySet<number>
  readonly classes: number
  readonly flow: Flow
  readonly jitter: number
}

/** The root of the mean variance over the numbers of codes; 1 where all codes are alike. */
export async function deviationOf(examples: Examples): Promise<number> {
  const u = await upload(examples, range(0, Math.min(examples.count, settling)))
  const variance = tf.tidy(() => tf.moments(u, 0).variance.mean())
  const [value] = await variance.data()
  tf.dispose([u, variance])
  return value! > 0 ? Math.sqrt(value!) : 1
}

/**
 * Where training starts: a new flow set to the codes, or the old one with room for new classes, their base set to their codes. It shares
 * the tensors of `old` that do not change, and owns the others.
 */
export async function settle(
  where: string,
  old: Params | undefined,
  { fresh, known, flow, classes, jitter }: Setting,
  rng: Rng,
): Promise<Params> {
  const before = old ? growFlow(old, flow, classes) : initFlow(where, flow, classes, rng)
  const isNew = range(0, fresh.count).filter(i => !known.has(fresh.labels[i]!))
  if (isNew.length === 0) return before
  const newcomers = selectExamples(fresh, isNew)
  // with repetition where there are few, so that each stands there with different jitter
  const indices = sampler(newcomers.count, settling, rng)()
  const codes = await upload(newcomers, indices)
  const u = tf.tidy(() => codes.add(tf.tensor(rng.normal(codes.size), codes.shape).mul(jitter)))
  const normalized = old ? before : normalizeFlow(before, u, flow)
  const placed = placeClasses(normalized, u, labelsAt(newcomers, indices), flow)
  tf.dispose([codes, u])
  disposeParams(before, placed, old ?? {})
  disposeParams(normalized, placed, old ?? {})
  return placed
}

/** The mean of −log p(u | y) in nats over new codes, without noise. */
export async function meanNats(params: Params, { fresh, flow, classes }: Setting): Promise<number> {
  const indices = range(0, Math.min(fresh.count, settling))
  const u = await upload(fresh, indices)
  const nats = tf.tidy(() => {
    const y = oneHot(labelsAt(fresh, indices), classes)
    return logProbability(params, u, y, flow).mean().neg()
  })
  const [value] = await nats.data()
  tf.dispose([u, nats])
  return value!
}
