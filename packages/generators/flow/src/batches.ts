import { type Mix, mixedBatches } from '@lgm/conditional'
import { oneHot, type Params, type Rng, sizeOf } from '@lgm/core'
import { drawFrom, logProbability } from '@lgm/coupling'
import * as tf from '@tensorflow/tfjs'
import type { Setting } from './settle.js'

/** The flow that old classes are held to, as it was before this task, and those classes. */
export interface Teacher {
  readonly params: Params
  readonly known: Int32Array
}

/**
 * Rows of a training step: codes x `[n, size]`, labels y `[n, classes]`, and weights `[n]` of each row in each term; with a teacher,
 * `teacher` `[n]` is its log p(x | y) in nats. Rows that a term does not take have weight 0 there.
 */
export type Batch = Readonly<Record<string, tf.Tensor>>

/**
 * New and recalled codes with jitter. With a teacher, as many of its own draws follow, made anew for each step, of old classes at random,
 * and its log densities of all rows. They are computed here, where no gradient is taken.
 */
export function flowBatches(
  { fresh, recall, jitter, flow }: Setting,
  teacher: Teacher | undefined,
  mix: Mix,
  rng: Rng,
): () => Promise<Batch> {
  const next = mixedBatches(fresh, recall, mix, rng)
  const size = sizeOf(flow.shape)
  const { batchSize, replaySize, replayWeight, classes } = mix
  return async () => {
    const { x, y, weights } = await next()
    const noise = jitter > 0 ? rng.normal(x.size) : undefined
    const labels = teacher && rng.integers(replaySize, teacher.known.length).map(i => teacher.known[i]!)
    const draws = labels && rng.normal(labels.length * size)
    const batch = tf.tidy((): Batch => {
      const noisy = noise ? x.add(tf.tensor(noise, x.shape).mul(jitter)) : x.clone()
      if (!teacher || !labels || !draws) return { x: noisy, y: y.clone(), weights: weights.clone() }
      const asked = oneHot(labels, classes)
      const drawn = drawFrom(teacher.params, tf.tensor2d(draws, [replaySize, size]), asked, flow)
      const all = tf.concat([noisy, drawn.reshape([replaySize, size])])
      const allLabels = tf.concat([y, asked]) as tf.Tensor2D
      const counts = [batchSize, replaySize, replaySize]
      const share = (part: number, weight: number) =>
        tf.concat(counts.map((count, i) => tf.fill([count], i === part ? weight / count : 0)))
      return {
        x: all,
        y: allLabels,
        weights: share(0, 1 - replayWeight),
        ofRecall: share(1, replayWeight),
        ofDrawn: share(2, replayWeight),
        teacher: logProbability(teacher.params, all, allLabels, flow),
      }
    })
    tf.dispose([x, y, weights])
    return batch
  }
}
