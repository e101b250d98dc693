import {
  type Architecture,
  analyse,
  growLabels,
  initAnalysis,
  initSynthesis,
  prefixed,
  synthesize,
} from '@lgm/conditional'
import { type Params, type Rng, rows, subset } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import type { Normal } from './terms.js'

/** What decides the shapes of the parameters; `conditional`: whether encoder and decoder are given y. */
export interface NetworkOptions extends Architecture {
  readonly latent: number
  readonly conditional: boolean
}

/** Encoder `encoder/…` and decoder `decoder/…` as pure functions of their parameters; labels y are one-hot `[n, classes]`. */
export interface Network {
  init(classes: number, rng: Rng): Params
  /** The same for more classes; what it computes for the old ones stays as it was. */
  grow(params: Params, from: number, to: number, rng: Rng): Params
  /** q(z | u, y), of `[n, latent]`: u `[n, size]`. */
  encode(params: Params, u: tf.Tensor2D, y: tf.Tensor2D): Normal
  /** What the likelihood is given, logits or means `[n, size]`: z `[n, latent]`. */
  decode(params: Params, z: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor2D
}

/**
 * A network for codes of `shape`, in the name of `where`.
 * @throws LgmError `composition` from `init`, for net conv and codes that are no feature maps.
 */
export function createNetwork(where: string, options: NetworkOptions, shape: readonly number[]): Network {
  const { conditional, latent } = options
  return {
    init(classes, rng) {
      const labels = conditional ? classes : 0
      return {
        ...prefixed('encoder', initAnalysis(where, options, shape, labels, 2 * latent, rng)),
        ...prefixed('decoder', initSynthesis(where, options, latent, labels, shape, rng)),
      }
    },
    grow(params, from, to, rng) {
      if (!conditional) return params
      const grown = (part: string) => prefixed(part, growLabels(subset(params, part), from, to, rng, options.gain))
      return { ...params, ...grown('encoder'), ...grown('decoder') }
    },
    encode(params, u, y) {
      const maps = options.net === 'conv' ? u.reshape([u.shape[0], ...shape]) : u
      const outputs = analyse(subset(params, 'encoder'), maps, conditional ? y : undefined)
      const [mean, logVariance] = tf.split(outputs, 2, 1)
      return { mean: mean as tf.Tensor2D, logVariance: logVariance as tf.Tensor2D }
    },
    decode: (params, z, y) => rows(synthesize(subset(params, 'decoder'), z, conditional ? y : undefined, shape)),
  }
}
