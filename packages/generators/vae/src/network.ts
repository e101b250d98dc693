import { applyMlp, initMlp, type Params, type Rng, subset, uniformWeights } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import type { Normal } from './terms.js'

/** What decides the shapes of the parameters. */
export interface Architecture {
  readonly widths: readonly number[]
  readonly latent: number
  readonly conditional: boolean
  readonly prior: 'standard' | 'class'
}

/**
 * Parameters of encoder `encoder/…`: [x, y] `[n, size + classes]` → μ and log σ² `[n, 2 · latent]`; of decoder `decoder/…`: [z, y]
 * `[n, latent + classes]` → `[n, size]`; without y where they are not conditional. A prior of each class: `prior/mean` and
 * `prior/logVariance` `[classes, latent]`, at first standard normal draws and zeros.
 */
export function initVae(
  { widths, latent, conditional, prior }: Architecture,
  size: number,
  classes: number,
  rng: Rng,
): Params {
  const labels = conditional ? classes : 0
  return {
    ...prefixed('encoder', initMlp([size + labels, ...widths, 2 * latent], rng)),
    ...prefixed('decoder', initMlp([latent + labels, ...widths.toReversed(), size], rng)),
    ...(prior === 'class' && {
      'prior/mean': tf.tensor2d(rng.normal(classes * latent), [classes, latent]),
      'prior/logVariance': tf.zeros([classes, latent]),
    }),
  }
}

/** The same network for more classes: rows are added for the new ones, and what it computes for the old ones stays the same. */
export function growVae(params: Params, architecture: Architecture, size: number, classes: number, rng: Rng): Params {
  const { latent, conditional, prior } = architecture
  const grown: Record<string, tf.Tensor> = { ...params }
  const lengthen = (name: string, rows: number, added: (count: number, columns: number) => tf.Tensor) => {
    const [old, columns] = params[name]!.shape as [number, number]
    if (rows > old) grown[name] = tf.tidy(() => tf.concat([params[name]!, added(rows - old, columns)]))
  }
  const weights = (inputs: number) => (count: number, columns: number) =>
    uniformWeights([count, columns], inputs, n => rng.uniform(n))
  if (conditional) {
    lengthen('encoder/0/kernel', size + classes, weights(size + classes))
    lengthen('decoder/0/kernel', latent + classes, weights(latent + classes))
  }
  if (prior === 'class') {
    lengthen('prior/mean', classes, (count, columns) => tf.tensor2d(rng.normal(count * columns), [count, columns]))
    lengthen('prior/logVariance', classes, (count, columns) => tf.zeros([count, columns]))
  }
  return grown
}

/** q(z | x, y): x `[n, size]`, y one-hot `[n, classes]`. */
export function encode(params: Params, x: tf.Tensor2D, y: tf.Tensor2D, { conditional }: Architecture): Normal {
  const [mean, logVariance] = tf.split(
    applyMlp(subset(params, 'encoder'), conditional ? tf.concat([x, y], 1) : x),
    2,
    1,
  )
  return { mean: mean as tf.Tensor2D, logVariance: logVariance as tf.Tensor2D }
}

/** What the likelihood is given, logits or means `[n, size]`: z `[n, latent]`, y one-hot `[n, classes]`. */
export function decode(params: Params, z: tf.Tensor2D, y: tf.Tensor2D, { conditional }: Architecture): tf.Tensor2D {
  return applyMlp(subset(params, 'decoder'), conditional ? tf.concat([z, y], 1) : z)
}

/** p(z | y): that of the class, or standard normal. */
export function priorOf(params: Params, y: tf.Tensor2D, { prior, latent }: Architecture): Normal {
  if (prior === 'standard') return { mean: tf.zeros([y.shape[0], latent]), logVariance: tf.zeros([y.shape[0], latent]) }
  return {
    mean: tf.matMul(y, params['prior/mean'] as tf.Tensor2D),
    logVariance: tf.matMul(y, params['prior/logVariance'] as tf.Tensor2D),
  }
}

/** z = μ + σ ∘ noise. */
export function shift({ mean, logVariance }: Normal, noise: tf.Tensor2D): tf.Tensor2D {
  return mean.add(logVariance.mul(0.5).exp().mul(noise)) as tf.Tensor2D
}

function prefixed(prefix: string, params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [`${prefix}/${name}`, tensor]))
}
