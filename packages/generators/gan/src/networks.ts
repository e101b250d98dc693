import {
  type Architecture,
  analyse,
  growLabels,
  initAnalysis,
  initSynthesis,
  prefixed,
  synthesize,
} from '@lgm/conditional'
import { flatten, growMlp, type Params, type Rng, subset } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** What decides the shapes of the parameters and what the generator's numbers are. */
export interface Networks extends Architecture {
  readonly latent: number
  readonly output: 'linear' | 'sigmoid'
  readonly auxiliary: number
}

/** What a critic says of codes: scores `[n]` and, where it has an auxiliary classifier, logits `[n, classes]`. */
export interface Verdict {
  readonly scores: tf.Tensor1D
  readonly logits?: tf.Tensor2D
}

/**
 * Parameters of generator `generator/…` and critic `critic/…`. The generator is given labels beside z; the critic beside the code, or, with
 * an auxiliary classifier, none: it has the logits of the classes beside its score (Odena et al. 2017, arXiv:1610.09585).
 */
export function initGan(
  where: string,
  networks: Networks,
  shape: readonly number[],
  classes: number,
  rng: Rng,
): Params {
  const judges = networks.auxiliary > 0
  return flatten({
    generator: initSynthesis(where, networks, networks.latent, classes, shape, rng),
    critic: initAnalysis(where, networks, shape, judges ? 0 : classes, judges ? 1 + classes : 1, rng),
  })
}

/** The same networks for more classes: what they compute for the old ones stays the same. */
export function growGan(params: Params, { auxiliary, gain = 1 }: Networks, from: number, to: number, rng: Rng): Params {
  const critic = subset(params, 'critic')
  return flatten({
    generator: growLabels(subset(params, 'generator'), from, to, rng, gain),
    critic:
      auxiliary > 0
        ? { ...critic, ...prefixed('mlp', growMlp(subset(critic, 'mlp'), 1 + to, rng, gain)) }
        : growLabels(critic, from, to, rng, gain),
  })
}

/** G(z, y): z `[n, latent]`, y one-hot `[n, classes]` → codes `[n, ...shape]`. */
export function generate(
  generator: Params,
  z: tf.Tensor2D,
  y: tf.Tensor2D,
  shape: readonly number[],
  { output }: Networks,
): tf.Tensor {
  return tf.tidy(() => {
    const made = synthesize(generator, z, y, shape)
    return output === 'sigmoid' ? made.sigmoid() : made
  })
}

/** The critic's verdict on codes x `[n, ...shape]` with labels y, one-hot `[n, classes]`. */
export function judge(critic: Params, x: tf.Tensor, y: tf.Tensor2D, { auxiliary }: Networks): Verdict {
  if (auxiliary === 0) return { scores: analyse(critic, x, y).as1D() }
  const outputs = analyse(critic, x)
  const classes = outputs.shape[1] - 1
  const [scores, logits] = tf.split(outputs, [1, classes], 1) as [tf.Tensor2D, tf.Tensor2D]
  return { scores: scores.as1D(), logits }
}
