import { z } from '@lgm/core'

/** Options of the generator. */
export const options = z.strictObject({
  covariance: z
    .enum(['full', 'diagonal', 'shared'])
    .default('full')
    .describe(
      'a matrix or a diagonal for each component, or one matrix for all classes (linear discriminant analysis)',
    ),
  components: z.int().min(1).default(20).describe('k, components of the mixture of each class'),
  kMeans: z.int().min(0).default(8).describe('iterations of k-means before EM'),
  iterations: z.int().min(0).default(15).describe('iterations of EM'),
  ridge: z
    .number()
    .min(0)
    .default(0.01)
    .describe('added to every variance, times the mean variance of the class, beside 1e-5'),
  retention: z
    .enum(['keep', 'refit'])
    .default('keep')
    .describe(
      'keep: a class once fitted stays as it is; refit: old classes are fitted again to recall, so that they follow the embedder',
    ),
})
