import { z } from '@lgm/core'

/** Options of the buffer. */
export const options = z
  .strictObject({
    perClass: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('m, how many examples of each class are stored; unset: all of them'),
    retention: z
      .enum(['keep', 'replace'])
      .default('keep')
      .describe(
        'keep: stored codes stay as they are; replace: recall takes their place, so that they follow the embedder',
      ),
    bits: z
      .union([z.literal(32), z.literal(8), z.literal(4), z.literal(2)])
      .default(32)
      .describe('bits of each stored number; of fewer than 32 it is one of 256, 16 or 4 levels'),
    bounds: z
      .enum(['each', 'one'])
      .default('each')
      .describe(
        'of fewer than 32 bits: the bounds of the levels, for each number of a code, or one pair for all, by class',
      ),
    components: z
      .int()
      .min(1)
      .optional()
      .describe(
        'principal components that are stored of each code, of the task in which it came, in the place of its numbers; unset: the numbers',
      ),
  })
  .refine(({ components, retention }) => !components || retention === 'keep', {
    message: 'keep, with components: they are those of codes as they were',
    path: ['retention'],
  })

export type BufferOptions = z.output<typeof options>
