import { definePlugin, Embedder, inject, Options, type Params, z } from '@lgm/core'
import type { Tensor } from '@tensorflow/tfjs'

const options = z.strictObject({})

/** E(x) = x. */
class Identity implements Embedder {
  constructor(@inject(Options) _options: z.output<typeof options>) {}

  codeShape(exampleShape: readonly number[]): readonly number[] {
    return exampleShape
  }

  init(): Params {
    return {}
  }

  embed(_params: Params, x: Tensor): Tensor {
    return x.clone()
  }
}

/**
 * The embedder whose codes are the examples themselves: u = x `[n, ...example]`, without parameters. With it latent generative memory
 * is generative memory in the space of examples: deep generative replay (Shin et al. 2017, arXiv:1705.08690), or MeRGAN (Wu et al.
 * 2018, arXiv:1809.02058), depending on the generator. All that is learned of the examples is then in the head.
 *
 * @example
 * createLearner([identity(), mlpHead({ widths: [400, 400] }), vae(), ...])
 */
export const identity = definePlugin({
  point: Embedder,
  name: 'identity',
  summary: 'codes are the examples: generative memory in the space of examples',
  options,
  class: Identity,
})
