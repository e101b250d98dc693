import * as tf from '@tensorflow/tfjs'
import type { Embedder, Generator, Head, Model, SeenClasses } from './contracts.js'
import { expected } from './errors.js'
import { taskMask } from './ops/losses.js'

/**
 * Three ways to read one model: `head`, softmax C(E(x)); `bayes`, log p_G(E(x) | y) with equal class priors, where G has a density;
 * `ensemble`, log softmax C + log softmax(log p_G / T).
 */
export type Readout = 'head' | 'bayes' | 'ensemble'

/** The read-outs that a learner with this generator has. */
export function availableReadouts(generator: Generator | undefined): readonly Readout[] {
  return generator?.logProbability ? ['head', 'bayes', 'ensemble'] : ['head']
}

/** The parts that a read-out needs. */
export interface Reader {
  readonly embedder: Embedder
  readonly head: Head
  readonly generator?: Generator | undefined
  readonly temperature: number
}

/**
 * Scores of examples x `[n, ...]` by each read-out, `[n, seen]` in nats up to a constant per row. With `task` given, classes of
 * other tasks are out of the softmax where the scenario is task-incremental.
 */
export function readScores(
  reader: Reader,
  model: Model,
  x: tf.Tensor,
  seen: SeenClasses,
  readouts: readonly Readout[],
  task?: number,
): Record<string, tf.Tensor2D> {
  return tf.tidy(() => {
    const u = reader.embedder.embed(model.embedder, x)
    const mask =
      seen.scenario === 'task' ? taskMask(new Array<number>(x.shape[0]!).fill(taskOrFail(task)), seen) : undefined
    const masked = (scores: tf.Tensor2D): tf.Tensor2D => (mask ? scores.add(mask) : scores)
    const found: Record<string, tf.Tensor2D> = {}
    const head = tf.logSoftmax(masked(reader.head.classify(model.head, u)))
    if (readouts.includes('head')) found.head = head
    if (!readouts.some(readout => readout !== 'head')) return found
    const log = reader.generator!.logProbability!(u, seen.names.length)
    if (readouts.includes('bayes')) found.bayes = masked(log)
    if (readouts.includes('ensemble'))
      found.ensemble = head.add(tf.logSoftmax(masked(log.div(reader.temperature) as tf.Tensor2D)))
    return found
  })
}

function taskOrFail(task: number | undefined): number {
  if (task !== undefined) return task
  throw expected(
    'predict',
    'the index of the task, since the scenario is task-incremental',
    'none',
    'call predict(x, { task })',
  )
}
