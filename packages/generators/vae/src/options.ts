import { networkOptions, rehearsalOptions } from '@lgm/conditional'
import { optimizerOptions, z } from '@lgm/core'
import { priors } from './priors/index.js'

export const options = z.strictObject({
  widths: z
    .array(z.int().min(1))
    .default([400, 400])
    .describe('units of the hidden layers of the encoder; the decoder has them in reverse'),
  ...networkOptions,
  latent: z.int().min(1).default(100).describe('numbers in z'),
  likelihood: z
    .enum(['gaussian', 'bernoulli'])
    .default('gaussian')
    .describe('of codes given z: N(D(z), σ²), or Bernoulli for pixels from 0 to 1'),
  sigma: z.number().positive().default(0.1).describe('σ of the gaussian likelihood, in units of the codes'),
  beta: z.number().min(0).default(1).describe('β, weight of the divergence'),
  conditional: z.boolean().default(true).describe('whether encoder and decoder are given the label'),
  prior: z
    .enum(Object.keys(priors) as [keyof typeof priors, ...(keyof typeof priors)[]])
    .default('class')
    .describe(
      'p(z | y): standard normal, or learned: a diagonal Gaussian for each class, a mixture of them, what the encoder makes of pseudo-inputs (vamp), or a flow',
    ),
  components: z
    .int()
    .positive()
    .default(10)
    .describe('of prior: mixture and vamp, Gaussians or pseudo-inputs for each class'),
  couplings: z.int().min(1).default(4).describe('of prior: flow, couplings'),
  couplingWidths: z
    .array(z.int().min(1))
    .min(1)
    .default([64])
    .describe('of prior: flow, units of the hidden layers of each coupling'),
  retention: z
    .enum(['replay', 'distill', 'restart'])
    .default('replay')
    .describe(
      'how old classes are kept: by training on recall, by holding encoder, decoder and prior to what they gave, or by a fresh model of new data and recall',
    ),
  encoderDistillation: z
    .enum(['kl', 'statistics'])
    .default('kl')
    .describe('of retention: distill, KL(q before ‖ q now) in nats, or the squared distance of [μ, log σ²]'),
  decoderDistillation: z
    .enum(['square', 'kl'])
    .default('square')
    .describe(
      'of retention: distill, squared distance of the means before and now, or KL of the likelihoods in nats, which is 1 / 2σ² times that of a gaussian one',
    ),
  decoderLatents: z
    .enum(['prior', 'posterior'])
    .default('prior')
    .describe(
      'of retention: distill, whether the z at which decoders are compared are from the old prior, or the old q of recalled codes',
    ),
  noise: z.boolean().default(false).describe('whether samples are drawn from the likelihood, or are its means'),
  ...rehearsalOptions,
  optimizer: optimizerOptions,
})

/** What a user may choose. */
export type VaeOptions = z.output<typeof options>
