import { type Measurement, type State, sizeOf, z } from '@lgm/core'
import type { Bits } from '@lgm/quantized'
import * as tf from '@tensorflow/tfjs'
import { type KeptBasis, keptBasis, reconstruct } from './principal.js'
import { bytesOfRows, countOf, numbersOf, type Rows, rowsFrom, tensorsOf } from './rows.js'

/** Stored codes of one class, of which the first `drawn` were drawn in this pass; `met` examples so far; the task of their components. */
export interface Shelf {
  readonly rows: Rows
  readonly met: number
  readonly basis: number | null
  drawn: number
}

/** All that a buffer holds: codes by class, bases of components by task, the shape of codes, and the tasks so far. */
export interface Held {
  readonly shelves: ReadonlyMap<number, Shelf>
  readonly bases: ReadonlyMap<number, KeptBasis>
  readonly shape: readonly number[] | null
  readonly tasks: number
}

/** All codes of a shelf, as they come out of it. */
export function numbersFrom({ rows, basis }: Shelf, bases: ReadonlyMap<number, KeptBasis>): Float32Array {
  const numbers = numbersOf(rows, 0, countOf(rows))
  return basis === null ? numbers : reconstruct(numbers, bases.get(basis)!.basis)
}

/** What there is to say of it; `error` is that of the codes of the last task. */
export function figuresOf({ shelves: byClass, bases: byTask, shape }: Held, error: number): Measurement[] {
  const [shelves, bases] = [[...byClass.values()], [...byTask.values()]]
  const items = shelves.reduce((sum, { rows }) => sum + countOf(rows), 0)
  const numbers = items * sizeOf(shape ?? [])
  const bytes =
    shelves.reduce((sum, { rows }) => sum + bytesOfRows(rows), 0) +
    bases.reduce((sum, { rows, mean }) => sum + bytesOfRows(rows) + mean.byteLength, 0)
  const figure = (name: string, value: number, unit: string, aggregation: string): Measurement => ({
    name: `generator/buffer/${name}`,
    value,
    unit,
    aggregation,
  })
  return [
    figure('items', items, 'count', 'all that is stored'),
    figure('numbers', numbers, 'count', 'items × numbers of each'),
    figure('bytes', bytes, 'bytes', 'codes, bounds, and bases of components'),
    figure('bits-per-number', (8 * bytes) / numbers, 'bits', 'bits kept over numbers stored'),
    figure('recall-error', error, 'ratio', 'Σ ‖û − u‖² / Σ ‖u‖² over stored items of the classes of this task'),
  ]
}

/** As it is stored: packed. */
export function stateOf({ shelves: byClass, bases: byTask, shape, tasks }: Held): State {
  const [shelves, bases] = [[...byClass], [...byTask]]
  return {
    tensors: Object.assign(
      {},
      ...shelves.map(([label, { rows }]) => tensorsOf(`${label}`, rows)),
      ...bases.map(([task, { mean, rows }]) => ({
        [`basis/${task}/mean`]: tf.tensor1d(mean.slice()),
        ...tensorsOf(`basis/${task}`, rows),
      })),
    ),
    values: {
      shape,
      tasks,
      shelves: shelves.map(([label, { rows, ...rest }]) => ({
        label,
        count: countOf(rows),
        size: rows.size,
        ...rest,
      })),
      bases: bases.map(([task, { rows }]) => ({ task, components: rows.size })),
    },
  }
}

/** The reverse of `stateOf`, for a buffer of these bits. */
export function heldIn({ tensors, values }: State, bits: Bits): Held {
  const { shape, tasks, shelves, bases } = stored.parse(values)
  return {
    shape,
    tasks,
    shelves: new Map(
      shelves.map(({ label, count, size, ...rest }) => [
        label,
        { rows: rowsFrom(tensors, `${label}`, count, size, bits), ...rest },
      ]),
    ),
    bases: new Map(
      bases.map(({ task, components }) => {
        const mean = Float32Array.from(tensors[`basis/${task}/mean`]!.dataSync())
        const rows = rowsFrom(tensors, `basis/${task}`, mean.length, components, bits === 32 ? 32 : 8)
        return [task, keptBasis(mean, rows)]
      }),
    ),
  }
}

const stored = z.object({
  shape: z.array(z.number()).nullable(),
  tasks: z.number(),
  shelves: z.array(
    z.object({
      label: z.number(),
      count: z.number(),
      size: z.number(),
      met: z.number(),
      basis: z.number().nullable(),
      drawn: z.number(),
    }),
  ),
  bases: z.array(z.object({ task: z.number(), components: z.number() })),
})
