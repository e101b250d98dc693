import { networkOptions } from '@lgm/conditional'
import { optimizerOptions, z } from '@lgm/core'

const widths = z.array(z.int().min(1))

/** Options of the memorizer. */
export const options = z.strictObject({
  widths: widths
    .default([256])
    .describe('units of the hidden layers of the network that returns items, from the item inwards'),
  ...networkOptions,
  codes: z
    .enum(['learned', 'hashed'])
    .default('learned')
    .describe(
      'a few learned numbers for each item, or fixed pseudo-random ones from its class and index, which are not kept',
    ),
  codeSize: z.int().min(1).default(16).describe('numbers in the code of an item'),
  weightBits: z
    .union([z.literal(32), z.literal(8), z.literal(4)])
    .default(8)
    .describe('bits of each weight that is kept; biases have 8 at least'),
  codeBits: z
    .union([z.literal(32), z.literal(8), z.literal(4), z.literal(2)])
    .default(8)
    .describe('bits of each number of a learned code'),
  perClass: z
    .int()
    .min(1)
    .optional()
    .describe('items of each class stored per task, a random choice; unset: all of them'),
  retention: z
    .enum(['replay', 'restart', 'replace'])
    .default('replay')
    .describe(
      'what becomes of stored items: all are read out and learned again with the new ones, by the network as it is or by a fresh one; or recall takes their place, so that they follow the embedder',
    ),
  encoder: widths
    .default([400])
    .describe('of learned codes: units of the hidden layers of the network that proposes them, which is not kept'),
  iterations: z.int().positive().default(3000).describe('training steps per task'),
  batchSize: z.int().positive().default(128).describe('items per step, new and old alike'),
  probes: z.int().min(0).default(500).describe('items for which the nearest stored item is looked up after each task'),
  optimizer: optimizerOptions,
})

export type MemorizerOptions = z.output<typeof options>
