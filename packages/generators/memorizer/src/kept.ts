import type { Memorized } from '@lgm/conditional'
import { checkShapes, type Params, type State, sizeOf, z } from '@lgm/core'
import { wordsFor } from '@lgm/quantized'
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

const whole = z.int().min(0)
/** Far above what any memorizer holds of a class: codes that follow from an index are made for as many as the file says. */
const most = 1e7
const stored = z.object({
  shape: z.array(z.int().positive()),
  tasks: whole,
  weights: z.array(
    z.object({
      name: z.string(),
      bits: z.union([z.literal(32), z.literal(8), z.literal(4), z.literal(2)]),
      shape: z.array(z.int().positive()),
    }),
  ),
  shelves: z.array(
    z.object({ label: whole, count: z.int().min(1).max(most), start: whole, stride: whole, drawn: whole }),
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

/**
 * The inverse of `stateOf`.
 * @throws LgmError `checkpoint` in the name of `where` for tensors that do not fit.
 */
export function readState(where: string, { tensors, values }: State, options: MemorizerOptions): Kept {
  const { codes, codeSize, codeBits } = options
  const { shape, tasks, weights, shelves } = stored.parse(values)
  checkTensors(where, tensors, { weights, shelves }, options)
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

function checkTensors(
  where: string,
  tensors: Params,
  { weights, shelves }: Pick<z.output<typeof stored>, 'weights' | 'shelves'>,
  { codes, codeSize, codeBits }: MemorizerOptions,
): void {
  const shapes: Record<string, readonly number[]> = {}
  for (const { name, bits, shape } of weights) {
    shapes[`${name}/words`] = [wordsFor(sizeOf(shape), bits)]
    if (bits !== 32) shapes[`${name}/ranges`] = [2 * (shape.length === 1 ? 1 : shape.at(-1)!)]
  }
  if (codes === 'learned')
    for (const { label, count } of shelves) shapes[`codes/${label}`] = [wordsFor(count * codeSize, codeBits)]
  checkShapes(where, tensors, shapes, name => (name.endsWith('/ranges') ? 'float32' : 'int32'))
}
