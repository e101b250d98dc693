import { checkShapes, expected, type Measurement, type Params, type State, sizeOf, z } from '@lgm/core'
import type { Bits } from '@lgm/quantized'
import * as tf from '@tensorflow/tfjs'
import { type KeptBasis, keptBasis, reconstruct } from './principal.js'
import { bytesOfRows, countOf, numbersOf, type Rows, rowsFrom, shapesOfRows, tensorsOf } from './rows.js'

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

/**
 * The reverse of `stateOf`, for a buffer of these bits.
 * @throws LgmError `checkpoint` in the name of `where` for tensors that do not fit.
 */
export function heldIn(where: string, { tensors, values }: State, bits: Bits): Held {
  const { shape, tasks, shelves, bases } = stored.parse(values)
  checkTensors(where, tensors, { shape, shelves, bases, bits })
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

const whole = z.int().min(0)
const stored = z.object({
  shape: z.array(z.int().positive()).nullable(),
  tasks: whole,
  shelves: z.array(
    z
      .object({
        label: whole,
        count: z.int().min(1),
        size: z.int().min(1),
        met: whole,
        basis: whole.nullable(),
        drawn: whole,
      })
      .refine(({ count, drawn }) => drawn <= count, 'no more drawn than there are'),
  ),
  bases: z.array(z.object({ task: whole, components: z.int().min(1) })),
})

function checkTensors(
  where: string,
  tensors: Params,
  { shape, shelves, bases, bits }: Omit<z.output<typeof stored>, 'tasks'> & { readonly bits: Bits },
): void {
  const columns = (name: string) => (tensors[`${name}/ranges`]?.size ?? 0) / 2
  const size = sizeOf(shape ?? [])
  const shapes = [
    ...bases.map(({ task }) => ({ [`basis/${task}/mean`]: [size] })),
    ...shelves.map(({ label, count, size }) => shapesOfRows(`${label}`, [count, size], bits, columns(`${label}`))),
    ...bases.map(({ task, components }) =>
      shapesOfRows(`basis/${task}`, [size, components], bits === 32 ? 32 : 8, columns(`basis/${task}`)),
    ),
  ]
  const packed = (name: string) => bits !== 32 && !/\/(ranges|mean)$/.test(name)
  checkShapes(where, tensors, Object.assign({}, ...shapes), name => (packed(name) ? 'int32' : 'float32'))
  const stray = shelves.find(({ basis }) => basis !== null && !bases.some(({ task }) => task === basis))
  if (stray)
    throw expected(where, `the components of task ${stray.basis}`, 'none', 'take an earlier checkpoint', 'checkpoint')
}
