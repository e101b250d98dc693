import { analyse, initAnalysis, prefixed, synthesize } from '@lgm/conditional'
import {
  disposeParams,
  type Examples,
  inMemory,
  labelsAt,
  mapExamples,
  oneHot,
  type Params,
  type Rng,
  readAll,
  sampler,
  subset,
  type Trainer,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { halfStep } from './codes.js'
import type { MemorizerOptions } from './options.js'

/** What trains a network, and for how many classes it has labels. */
export interface Training {
  readonly name: string
  readonly options: MemorizerOptions
  readonly trainer: Trainer
  readonly rng: Rng
  readonly classes: number
}

/** The share of the iterations in which learned codes are settled, and the network alone learns to read them. */
const settled = 0.25

/**
 * Trains the network with codes that an encoder proposes, c = tanh of E(u, y) with mean 0 and variance 1 over the batch, with uniform noise of what rounding will do to them. The term
 * `recall` is ‖M(c, y) − u‖², summed over the numbers of an item, mean over items, in units of latents².
 * @returns the network, and the codes of all items `[count, codeSize]`
 */
export async function learnCodes(
  start: Params,
  items: Examples,
  { name, options, trainer, rng, classes }: Training,
): Promise<{ network: Params; codes: Float32Array }> {
  const { codeSize, codeBits, optimizer } = options
  const architecture = { ...options, widths: options.encoder }
  const encoder = initAnalysis(name, architecture, items.shape, classes, codeSize, rng)
  const propose = (params: Params, u: tf.Tensor, y: tf.Tensor2D) => analyse(subset(params, 'encoder'), u, y)
  const next = await batches(items, classes, options.batchSize, rng)
  try {
    const params = await trainer.fit({
      name,
      params: { ...prefixed('encoder', encoder), ...prefixed('network', start) },
      iterations: Math.ceil(options.iterations * (1 - settled)),
      optimizer,
      batch: () => {
        const { u, y } = next()
        const half = halfStep(codeBits)
        const noise = rng.uniform(u.shape[0]! * codeSize).map(value => (2 * value - 1) * half)
        return { u, y, noise: tf.tensor2d(noise, [u.shape[0]!, codeSize]) }
      },
      loss: (params, { u, y, noise }) => {
        const labels = y as tf.Tensor2D
        const codes = squashed(propose(params, u!, labels)).add(noise!) as tf.Tensor2D
        return { recall: meanError(synthesize(subset(params, 'network'), codes, labels, items.shape), u!) }
      },
    })
    let from = 0
    const proposed = await mapExamples(items, u => {
      const y = oneHot(items.labels.subarray(from, from + u.shape[0]!), classes)
      from += u.shape[0]!
      return propose(params, u, y)
    })
    disposeParams(subset(params, 'encoder'), encoder)
    const rows = tf.tensor2d(await readAll(proposed), [items.count, codeSize])
    const codes = tf.tidy(() => squashed(rows))
    const values = (await codes.data()) as Float32Array
    tf.dispose([rows, codes])
    return { network: subset(params, 'network'), codes: values }
  } finally {
    disposeParams(encoder)
  }
}

/** Trains the network to return each item for its code, which is given; the loss is that of `learnCodes`. */
export async function learnItems(
  start: Params,
  items: Examples,
  codes: Float32Array,
  { name, options, trainer, rng, classes }: Training,
): Promise<Params> {
  const next = await batches(items, classes, options.batchSize, rng)
  const share = options.codes === 'learned' ? settled : 1
  return trainer.fit({
    name,
    params: start,
    iterations: Math.ceil(options.iterations * share),
    optimizer: options.optimizer,
    batch: () => {
      const { u, y, indices } = next()
      return { u, y, codes: rowsAt(codes, indices, options.codeSize) }
    },
    loss: (params, { u, y, codes: given }) => ({
      recall: meanError(synthesize(params, given as tf.Tensor2D, y as tf.Tensor2D, items.shape), u!),
    }),
  })
}

/** tanh of numbers that have mean 0 and variance 1 over the rows: whatever the scale of items and the rate, codes are spread over −1 to 1. */
function squashed(rows: tf.Tensor2D): tf.Tensor2D {
  const { mean, variance } = tf.moments(rows, 0, true)
  return rows.sub(mean).div(variance.add(1e-6).sqrt()).tanh() as tf.Tensor2D
}

/** The rows at `indices` of `[count, size]` row-major. */
export function rowsAt(values: Float32Array, indices: Int32Array, size: number): tf.Tensor2D {
  const chosen = new Float32Array(indices.length * size)
  for (const [i, index] of indices.entries()) chosen.set(values.subarray(index * size, (index + 1) * size), i * size)
  return tf.tensor2d(chosen, [indices.length, size])
}

async function batches(items: Examples, classes: number, batchSize: number, rng: Rng) {
  const read = await inMemory(items)
  const next = sampler(items.count, batchSize, rng)
  return () => {
    const indices = next()
    return { u: read(indices), y: oneHot(labelsAt(items, indices), classes), indices }
  }
}

/** Σ (a − b)² over all numbers, over the rows. */
function meanError(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  return a.sub(b).square().sum().div(a.shape[0]!) as tf.Scalar
}
