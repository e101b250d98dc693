import {
  checkKnown,
  checkShape,
  definePlugin,
  type Examples,
  Generator,
  indicesByLabel,
  inject,
  nameOf,
  Options,
  Rng,
  type State,
  sizeOf,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
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
})

/** Stored codes of one class: `[count, size]` row-major, of which the first `drawn` were drawn in this pass; `met` examples so far. */
interface Shelf {
  readonly rows: Float32Array
  readonly met: number
  drawn: number
}

/**
 * Stores real codes, up to m per class, each equally likely to be among them: a uniform sample without replacement.
 *
 * `sample` draws within a class without replacement; when all were drawn, a new pass begins in a new order.
 * A class that returns in a later task is topped up by reservoir sampling, over all examples of it that were met (Vitter 1985,
 * algorithm R, doi:10.1145/3147.3165).
 */
class Buffer implements Generator {
  readonly #options: z.output<typeof options>
  readonly #rng: Rng
  #shelves = new Map<number, Shelf>()
  #shape: readonly number[] | undefined

  constructor(@inject(Options) options_: z.output<typeof options>, @inject(Rng) rng: Rng) {
    this.#options = options_
    this.#rng = rng
  }

  async memorize(fresh: Examples, recall?: Examples): Promise<void> {
    for (const part of recall ? [fresh, recall] : [fresh]) checkShape(nameOf(this), this.#shape ?? fresh.shape, part)
    const shelves = new Map(this.#shelves)
    if (recall && this.#options.retention === 'replace')
      for (const [label, indices] of indicesByLabel(recall.labels)) {
        const old = shelves.get(label)
        if (!old) continue
        const stored = old.rows.length / sizeOf(recall.shape)
        shelves.set(label, { rows: await recall.read(indices.subarray(0, stored)), met: old.met, drawn: 0 })
      }
    for (const [label, indices] of indicesByLabel(fresh.labels))
      shelves.set(label, await this.#add(fresh, indices, shelves.get(label)))
    this.#shape = fresh.shape
    this.#shelves = shelves
  }

  /** Puts the examples at `indices` on a shelf; beyond the limit, the i-th met takes a random place with probability m / i. */
  async #add(fresh: Examples, indices: Int32Array, shelf?: Shelf): Promise<Shelf> {
    const size = sizeOf(fresh.shape)
    const old = shelf ? shelf.rows.length / size : 0
    const met = shelf?.met ?? 0
    const limit = this.#options.perClass ?? Number.POSITIVE_INFINITY
    const places: number[] = []
    indices.forEach((index, i) => {
      const place = old + i < limit ? old + i : this.#rng.integers(1, met + i + 1)[0]!
      if (place < limit) places[place] = index
    })
    const rows = new Float32Array(Math.min(old + indices.length, limit) * size)
    if (shelf) rows.set(shelf.rows)
    const taken = Int32Array.from(Object.keys(places), Number)
    const read = await fresh.read(taken.map(place => places[place]!))
    for (const [i, place] of taken.entries()) rows.set(read.subarray(i * size, (i + 1) * size), place * size)
    return { rows, met: met + indices.length, drawn: 0 }
  }

  sample(labels: Int32Array): tf.Tensor {
    checkKnown(nameOf(this), this.#shelves, labels)
    const shape = this.#shape ?? []
    const size = sizeOf(shape)
    const drawn = new Float32Array(labels.length * size)
    for (const [i, label] of labels.entries()) drawn.set(this.#draw(this.#shelves.get(label)!, size), i * size)
    return tf.tensor(drawn, [labels.length, ...shape], 'float32')
  }

  /** Swaps a random row of those not yet drawn to the border between drawn and not drawn: Fisher and Yates, one step a draw. */
  #draw(shelf: Shelf, size: number): Float32Array {
    const count = shelf.rows.length / size
    const place = shelf.drawn % count
    const chosen = place + this.#rng.integers(1, count - place)[0]!
    shelf.drawn = place + 1
    const row = shelf.rows.slice(chosen * size, (chosen + 1) * size)
    shelf.rows.copyWithin(chosen * size, place * size, (place + 1) * size)
    shelf.rows.set(row, place * size)
    return row
  }

  state(): State {
    const size = sizeOf(this.#shape ?? [])
    const shelves = [...this.#shelves]
    return {
      tensors: Object.fromEntries(
        shelves.map(([label, { rows }]) => [`${label}`, tf.tensor2d(rows.slice(), [rows.length / size, size])]),
      ),
      values: {
        shape: this.#shape ?? null,
        shelves: shelves.map(([label, { met, drawn }]) => ({ label, met, drawn })),
      },
    }
  }

  restore(state: State): void {
    const { shape, shelves } = stored.parse(state.values)
    this.#shape = shape ?? undefined
    this.#shelves = new Map(
      shelves.map(({ label, met, drawn }) => [
        label,
        { rows: state.tensors[`${label}`]!.dataSync().slice() as Float32Array, met, drawn },
      ]),
    )
  }
}

const stored = z.object({
  shape: z.array(z.number()).nullable(),
  shelves: z.array(z.object({ label: z.number(), met: z.number(), drawn: z.number() })),
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
  summary: 'stores real codes, all or some of each class',
  options,
  class: Buffer,
})
