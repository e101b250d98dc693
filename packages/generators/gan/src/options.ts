import { networkOptions, rehearsalOptions } from '@lgm/conditional'
import { optimizerOptions, z } from '@lgm/core'

/** Adam with the moments of Gulrajani et al. 2017. */
const optimizer = optimizerOptions
  .unwrap()
  .extend({
    rate: z.number().positive().default(3e-4).describe('learning rate per step'),
    beta1: z.number().min(0).lt(1).default(0).describe('adam: decay of the first moment'),
    beta2: z.number().min(0).lt(1).default(0.9).describe('adam: decay of the second moment'),
  })
  .prefault({})
  .describe('how the parameters of generator and critic are updated')

/** Options of the plugin. */
export const options = z
  .strictObject({
    widths: z
      .array(z.int().min(1))
      .default([400, 400])
      .describe('units of the hidden layers of the critic; the generator has them in reverse'),
    ...networkOptions,
    latent: z.int().min(1).default(100).describe('numbers in z'),
    output: z
      .enum(['linear', 'sigmoid'])
      .default('linear')
      .describe('last step of the generator: any codes, or pixels from 0 to 1'),
    loss: z
      .enum(['wasserstein', 'hinge'])
      .default('wasserstein')
      .describe('WGAN, or the hinge loss with the non-saturating one of the generator'),
    penalty: z
      .number()
      .min(0)
      .default(10)
      .describe('weight of the gradient penalty of the critic; 0 for none, with loss: hinge'),
    auxiliary: z
      .number()
      .min(0)
      .default(0)
      .describe(
        'weight of an auxiliary classifier, by which the critic then knows of classes; 0: it is given the label',
      ),
    criticSteps: z.int().positive().default(5).describe('updates of the critic for each of the generator'),
    decay: z
      .number()
      .min(0)
      .lt(1)
      .default(0.999)
      .describe("decay of the moving average of the generator's weights, which samples come from; 0 for none"),
    retention: z
      .enum(['replay', 'align'])
      .default('replay')
      .describe(
        'how old classes are kept: by training on recall too, or by holding the generator to what it gave for them',
      ),
    ...rehearsalOptions,
    replayWeight: rehearsalOptions.replayWeight.describe(
      'of retention: replay, weight of recall against new data: 1 − 1/N over N tasks so far, or a number',
    ),
    alignment: z.number().min(0).default(1).describe('of retention: align, weight of how far the generator has moved'),
    iterations: rehearsalOptions.iterations.describe('steps of the generator per task'),
    replaySize: rehearsalOptions.replaySize.describe('recalled or, of retention: align, held codes per step'),
    optimizer,
  })
  .refine(({ loss, penalty }) => loss !== 'wasserstein' || penalty > 0, {
    message: 'a penalty above 0 for loss: wasserstein, whose critic has no bounds without',
    path: ['penalty'],
  })
