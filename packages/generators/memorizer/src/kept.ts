import type { Memorized } from '@lgm/conditional'
import { type State, sizeOf, z } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { hashedCodes, unpackCodes } from './codes.js'
import type { MemorizerOptions } from './options.js'
import type { Shelf } from './shelves.js'
import type { Weights } from './weights.js'

/** All that a memorizer keeps. */
export interface Kept {
  readonly weights: Weights
  readonly shelves: ReadonlyMap<number, Shelf>
  readonly memorized: Memorized
}

const stored = z.object({
  shape: z.array(z.number()),
  tasks: z.number(),
  weights: z.array(
    z.object({
      name: z.string(),
      bits: z.union([z.literal(32), z.literal(8), z.literal(4), z.literal(2)]),
      shape: z.array(z.number()),
    }),
  ),
  shelves: z.array(
    z.object({ label: z.number(), count: z.number(), start: z.number(), stride: z.number(), drawn: z.number() }),
  ),
})

/** What is kept as tensors, packed as it is, and JSON. */
export function stateOf({ weights, shelves, memorized }: Kept): State {
  const tensors: Record<string, tf.Tensor> = {}
  for (const [name, { words, ranges }] of Object.entries(weights)) {
    tensors[`${name}/words`] = tf.tensor1d(words.slice(), 'int32')
    if (ranges.length > 0) tensors[`${name}/ranges`] = tf.tensor1d(ranges.slice())
  }
  for (const [label, { words }] of shelves)
    if (words.length > 0) tensors[`codes/${label}`] = tf.tensor1d(words.slice(), 'int32')
  return {
    tensors,
    values: {
      shape: memorized.shape,
      tasks: memorized.tasks,
      weights: Object.entries(weights).map(([name, { bits, shape }]) => ({ name, bits, shape })),
      shelves: Array.from(shelves, ([label, { pass }]) => ({ label, ...pass })),
    },
  }
}

/** The inverse of `stateOf`. */
export function readState({ tensors, values }: State, { codes, codeSize, codeBits }: MemorizerOptions): Kept {
  const { shape, tasks, weights, shelves } = stored.parse(values)
  const words = (name: string) => Int32Array.from(tensors[name]?.dataSync() ?? [])
  const packed = weights.map(({ name, bits, shape }) => {
    const ranges = Float32Array.from(tensors[`${name}/ranges`]?.dataSync() ?? [])
    const columns = bits === 32 ? 1 : ranges.length / 2
    return [name, { bits, shape, count: sizeOf(shape), columns, words: words(`${name}/words`), ranges }] as const
  })
  const filled = shelves.map(({ label, ...pass }) => {
    const kept = words(`codes/${label}`)
    const decoded =
      codes === 'hashed' ? hashedCodes(label, pass.count, codeSize) : unpackCodes(kept, codeBits, pass.count * codeSize)
    return [label, { words: kept, codes: decoded, pass }] as const
  })
  return {
    weights: Object.fromEntries(packed),
    shelves: new Map(filled),
    memorized: { shape, tasks, known: new Set(shelves.map(({ label }) => label)) },
  }
}
