import { z } from '@lgm/core'
import { classifierOptions } from './classifier.js'

/** What can be measured. */
export const measures = [
  'frechet',
  'precision-recall',
  'cas',
  'memorization',
  'label-consistency',
  'log-likelihood',
] as const

/** Options of the evaluator. */
export const options = z.strictObject({
  space: z
    .enum(['latent', 'decoded', 'both'])
    .default('both')
    .describe('whether samples are compared with E(x), once decoded with x, or both'),
  measures: z
    .array(z.enum(measures))
    .min(1)
    .default([...measures])
    .describe('what is measured'),
  features: z
    .enum(['dct', 'raw'])
    .default('dct')
    .describe('in which distances are measured: lowest cosine coefficients of images and maps, or all numbers'),
  examples: z.int().min(2).default(500).describe('test examples, and samples beside them, of each class'),
  training: z.int().positive().default(2000).describe('training examples of each class searched for copies'),
  samples: z
    .int()
    .positive()
    .default(20_000)
    .describe('samples drawn in all, evenly over the classes, from which the classifier of cas is trained'),
  neighbours: z.int().positive().default(3).describe('k of the manifolds of precision and recall'),
  classifier: classifierOptions
    .prefault({})
    .describe('the classifiers of cas and label-consistency, which are trained alike'),
  columns: z.int().min(0).default(10).describe('samples of each class in the picture; 0: no picture'),
})

export type SampleQualityOptions = z.output<typeof options>
