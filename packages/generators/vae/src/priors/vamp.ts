import { oneHot, type Params, range } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { drawMixture, type Mixture, matchedDivergence, mixtureDensity, normalDensity, ofClass } from '../mixtures.js'
import { moreRows, type Prior, type PriorSetting } from './prior.js'

/**
 * The mixture of what the encoder makes of k learned pseudo-inputs for each class, 1/k Σₖ q(z | vₖ, y): `prior/inputs`
 * `[classes, k, size]`, at first `typical` codes of the class (Tomczak & Welling 2018, arXiv:1705.07120, equation 9). Divergence from one
 * sample; distillation by the bound of `matchedDivergence`, between the encoders and pseudo-inputs of then and now.
 *
 * **Deviation:** pseudo-inputs for each class instead of for all, and not squeezed into the range of pixels.
 */
export function vampPrior({ latent, components, network }: PriorSetting): Prior {
  const of = (params: Params, y: tf.Tensor2D): Mixture => {
    const classes = y.shape[1]
    const inputs = params['prior/inputs']!
    const labels = oneHot(
      range(0, classes * components).map(i => Math.floor(i / components)),
      classes,
    )
    const q = network.encode(params, inputs.reshape([classes * components, inputs.shape[2]!]), labels)
    const each = (numbers: tf.Tensor2D) => ofClass(y, numbers.reshape([classes, components, latent]))
    return {
      mean: each(q.mean),
      logVariance: each(q.logVariance),
      logWeights: tf.fill([y.shape[0], components], -Math.log(components)),
    }
  }
  return {
    chooses: true,
    grow: (params, from, to, { typical }) => ({
      'prior/inputs': moreRows(params['prior/inputs'], from, to, count => {
        const codes = Array.from(range(to - count, to), label =>
          Array.from({ length: components }, () => typical(label)),
        )
        const size = codes[0]![0]!.length
        const values = new Float32Array(count * components * size)
        for (const [i, code] of codes.flat().entries()) values.set(code, i * size)
        return tf.tensor3d(values, [count, components, size])
      }),
    }),
    sample: (params, y, { noise, choice }) => drawMixture(of(params, y), noise, choice!),
    divergence: (params, q, z, y) => normalDensity(z, q).sub(mixtureDensity(z, of(params, y))),
    distillation: (params, teacher, y) => matchedDivergence(of(teacher, y), of(params, y)),
  }
}
