import {
  checkKnown,
  checkShape,
  definePlugin,
  type Examples,
  Generator,
  indicesByLabel,
  inject,
  type Measurement,
  nameOf,
  Options,
  Rng,
  relativeDistance,
  type State,
  sizeOf,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { type KeptBasis, keepBasis, keptBasis, principalComponents, project, reconstruct } from './principal.js'
import { bytesOfRows, countOf, keep, numbersOf, type Rows, rowsFrom, tensorsOf } from './rows.js'

const options = z
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

/** Stored codes of one class, of which the first `drawn` were drawn in this pass; `met` examples so far; the task of their components. */
interface Shelf {
  readonly rows: Rows
  readonly met: number
  readonly basis: number | null
  drawn: number
}

/**
 * Stores real codes, up to m per class, each equally likely to be among them: a uniform sample without replacement.
 *
 * `sample` draws within a class without replacement; when all were drawn, a new pass begins in a new order.
 * A class that returns in a later task is topped up by reservoir sampling, over all examples of it that were met (Vitter 1985,
 * algorithm R, doi:10.1145/3147.3165). Of fewer than 32 bits, and as components, what is stored is an approximation, and samples are what is
 * left of codes.
 */
class Buffer implements Generator {
  readonly #options: z.output<typeof options>
  readonly #rng: Rng
  #shelves: ReadonlyMap<number, Shelf> = new Map()
  #bases: ReadonlyMap<number, KeptBasis> = new Map()
  #shape: readonly number[] | undefined
  #tasks = 0
  #figures: readonly Measurement[] = []

  constructor(@inject(Options) options_: z.output<typeof options>, @inject(Rng) rng: Rng) {
    this.#options = options_
    this.#rng = rng
  }

  async memorize(fresh: Examples, recall?: Examples): Promise<void> {
    for (const part of recall ? [fresh, recall] : [fresh]) checkShape(nameOf(this), this.#shape ?? fresh.shape, part)
    const { components, retention, bits } = this.#options
    const bases = new Map(this.#bases)
    if (components) {
      const count = Math.min(components, sizeOf(fresh.shape))
      bases.set(this.#tasks, keepBasis(await principalComponents(fresh, count, this.#rng), bits))
    }
    const basis = components ? this.#tasks : null
    const shelves = new Map(this.#shelves)
    if (recall && retention === 'replace')
      for (const [label, indices] of indicesByLabel(recall.labels)) {
        const old = shelves.get(label)
        if (!old) continue
        const rows = await recall.read(indices.subarray(0, countOf(old.rows)))
        shelves.set(label, { rows: this.#kept(rows, fresh, bases.get(this.#tasks)), met: old.met, basis, drawn: 0 })
      }
    let [lost, all] = [0, 0]
    for (const [label, indices] of indicesByLabel(fresh.labels)) {
      const { rows, met } = await this.#add(fresh, indices, shelves.get(label))
      const shelf = { rows: this.#kept(rows, fresh, bases.get(this.#tasks)), met, basis, drawn: 0 }
      shelves.set(label, shelf)
      const numbers = numbersFrom(shelf, bases)
      lost += relativeDistance(rows, numbers) * sumOfSquares(rows)
      all += sumOfSquares(rows)
    }
    const used = new Set([...shelves.values()].map(({ basis }) => basis))
    this.#bases = new Map([...bases].filter(([task]) => used.has(task)))
    this.#shape = fresh.shape
    this.#shelves = shelves
    this.#tasks++
    this.#figures = this.#footprint(all > 0 ? lost / all : 0)
  }

  #kept(rows: Float32Array, { shape }: Examples, kept: KeptBasis | undefined): Rows {
    const { bits, bounds } = this.#options
    if (!kept) return keep(rows, sizeOf(shape), bits, bounds)
    return keep(project(rows, kept.basis), kept.rows.size, bits, bounds)
  }

  /** Adds the examples at `indices` to those of a shelf; beyond the limit, the i-th met takes a random place with probability m / i. */
  async #add(fresh: Examples, indices: Int32Array, shelf?: Shelf): Promise<{ rows: Float32Array; met: number }> {
    const size = sizeOf(fresh.shape)
    const old = shelf ? countOf(shelf.rows) : 0
    const met = shelf?.met ?? 0
    const limit = this.#options.perClass ?? Number.POSITIVE_INFINITY
    const places: number[] = []
    indices.forEach((index, i) => {
      const place = old + i < limit ? old + i : this.#rng.integers(1, met + i + 1)[0]!
      if (place < limit) places[place] = index
    })
    const rows = new Float32Array(Math.min(old + indices.length, limit) * size)
    if (shelf) rows.set(numbersFrom(shelf, this.#bases))
    const taken = Int32Array.from(Object.keys(places), Number)
    const read = await fresh.read(taken.map(place => places[place]!))
    for (const [i, place] of taken.entries()) rows.set(read.subarray(i * size, (i + 1) * size), place * size)
    return { rows, met: met + indices.length }
  }

  sample(labels: Int32Array): tf.Tensor {
    checkKnown(nameOf(this), this.#shelves, labels)
    const shape = this.#shape ?? []
    const size = sizeOf(shape)
    const samples = new Float32Array(labels.length * size)
    for (const [label, places] of indicesByLabel(labels)) {
      const shelf = this.#shelves.get(label)!
      const drawn = new Float32Array(places.length * shelf.rows.size)
      for (let i = 0; i < places.length; i++) drawn.set(this.#draw(shelf), i * shelf.rows.size)
      const codes = shelf.basis === null ? drawn : reconstruct(drawn, this.#bases.get(shelf.basis)!.basis)
      for (const [i, place] of places.entries()) samples.set(codes.subarray(i * size, (i + 1) * size), place * size)
    }
    return tf.tensor(samples, [labels.length, ...shape], 'float32')
  }

  /** Swaps a random row of those not yet drawn to the border between drawn and not drawn: Fisher and Yates, one step a draw. */
  #draw(shelf: Shelf): Float32Array {
    const { values, size } = shelf.rows
    const count = countOf(shelf.rows)
    const place = shelf.drawn % count
    const chosen = place + this.#rng.integers(1, count - place)[0]!
    shelf.drawn = place + 1
    const row = values.slice(chosen * size, (chosen + 1) * size)
    values.copyWithin(chosen * size, place * size, (place + 1) * size)
    values.set(row, place * size)
    return numbersOf(shelf.rows, place, place + 1)
  }

  #footprint(error: number): Measurement[] {
    const shelves = [...this.#shelves.values()]
    const bases = [...this.#bases.values()]
    const items = shelves.reduce((sum, { rows }) => sum + countOf(rows), 0)
    const numbers = items * sizeOf(this.#shape ?? [])
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

  measure(): readonly Measurement[] {
    return this.#figures
  }

  state(): State {
    const shelves = [...this.#shelves]
    const bases = [...this.#bases]
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
        shape: this.#shape ?? null,
        tasks: this.#tasks,
        shelves: shelves.map(([label, { rows, met, basis, drawn }]) => ({
          label,
          count: countOf(rows),
          size: rows.size,
          met,
          basis,
          drawn,
        })),
        bases: bases.map(([task, { rows }]) => ({ task, components: rows.size })),
      },
    }
  }

  restore({ tensors, values }: State): void {
    const { shape, tasks, shelves, bases } = stored.parse(values)
    const { bits } = this.#options
    this.#shape = shape ?? undefined
    this.#tasks = tasks
    this.#shelves = new Map(
      shelves.map(({ label, count, size, met, basis, drawn }) => [
        label,
        { rows: rowsFrom(tensors, `${label}`, count, size, bits), met, basis, drawn },
      ]),
    )
    this.#bases = new Map(
      bases.map(({ task, components }) => {
        const mean = Float32Array.from(tensors[`basis/${task}/mean`]!.dataSync())
        return [
          task,
          keptBasis(mean, rowsFrom(tensors, `basis/${task}`, mean.length, components, bits === 32 ? 32 : 8)),
        ]
      }),
    )
  }
}

/** All codes of a shelf, as they come out of it. */
function numbersFrom({ rows, basis }: Shelf, bases: ReadonlyMap<number, KeptBasis>): Float32Array {
  const numbers = numbersOf(rows, 0, countOf(rows))
  return basis === null ? numbers : reconstruct(numbers, bases.get(basis)!.basis)
}

function sumOfSquares(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value ** 2, 0)
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

/**
 * Real codes in the place of a model of them. With a limit it is experience replay (ER); with no limit, beside an embedder that does
 * not change, the joint upper bound. It has no density.
 *
 * @example
 * createLearner([identity(), mlp(), buffer({ perClass: 200 }), ...])
 */
export const buffer = definePlugin({
  point: Generator,
  name: 'buffer',
  summary: 'stores real codes, all or some of each class, in 32 or fewer bits a number or as principal components',
  options,
  class: Buffer,
})
