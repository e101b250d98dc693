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
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { type BufferOptions, options } from './options.js'
import { type KeptBasis, keepBasis, principalComponents, project, reconstruct } from './principal.js'
import { countOf, keep, numbersOf, type Rows } from './rows.js'
import { figuresOf, type Held, heldIn, numbersFrom, type Shelf, stateOf } from './shelves.js'

/**
 * Stores real codes, up to m per class, each equally likely to be among them: a uniform sample without replacement.
 *
 * `sample` draws within a class without replacement; when all were drawn, a new pass begins in a new order.
 * A class that returns in a later task is topped up by reservoir sampling, over all examples of it that were met (Vitter 1985,
 * algorithm R, doi:10.1145/3147.3165). Of fewer than 32 bits, and as components, what is stored is an approximation, and samples are what is
 * left of codes.
 */
class Buffer implements Generator {
  readonly #options: BufferOptions
  readonly #rng: Rng
  #held: Held = { shelves: new Map(), bases: new Map(), shape: null, tasks: 0 }
  #figures: readonly Measurement[] = []

  constructor(@inject(Options) parsed: BufferOptions, @inject(Rng) rng: Rng) {
    this.#options = parsed
    this.#rng = rng
  }

  async memorize(fresh: Examples, recall?: Examples): Promise<void> {
    const { shape, tasks } = this.#held
    for (const part of recall ? [fresh, recall] : [fresh]) checkShape(nameOf(this), shape ?? fresh.shape, part)
    const { components, retention, bits } = this.#options
    const bases = new Map(this.#held.bases)
    if (components) {
      const count = Math.min(components, sizeOf(fresh.shape))
      bases.set(tasks, keepBasis(await principalComponents(fresh, count, this.#rng), bits))
    }
    const basis = components ? tasks : null
    const shelves = new Map(this.#held.shelves)
    if (recall && retention === 'replace')
      for (const [label, indices] of indicesByLabel(recall.labels)) {
        const old = shelves.get(label)
        if (!old) continue
        const rows = await recall.read(indices.subarray(0, countOf(old.rows)))
        shelves.set(label, { rows: this.#kept(rows, fresh, bases.get(tasks)), met: old.met, basis, drawn: 0 })
      }
    let [lost, all] = [0, 0]
    for (const [label, indices] of indicesByLabel(fresh.labels)) {
      const { rows, met } = await this.#add(fresh, indices, shelves.get(label))
      const shelf = { rows: this.#kept(rows, fresh, bases.get(tasks)), met, basis, drawn: 0 }
      shelves.set(label, shelf)
      const numbers = numbersFrom(shelf, bases)
      lost += relativeDistance(rows, numbers) * sumOfSquares(rows)
      all += sumOfSquares(rows)
    }
    const used = new Set([...shelves.values()].map(({ basis }) => basis))
    this.#held = {
      shelves,
      bases: new Map([...bases].filter(([task]) => used.has(task))),
      shape: fresh.shape,
      tasks: tasks + 1,
    }
    this.#figures = figuresOf(this.#held, all > 0 ? lost / all : 0)
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
    if (shelf) rows.set(numbersFrom(shelf, this.#held.bases))
    const taken = Int32Array.from(Object.keys(places), Number)
    const read = await fresh.read(taken.map(place => places[place]!))
    for (const [i, place] of taken.entries()) rows.set(read.subarray(i * size, (i + 1) * size), place * size)
    return { rows, met: met + indices.length }
  }

  sample(labels: Int32Array): tf.Tensor {
    const { shelves, bases } = this.#held
    checkKnown(nameOf(this), shelves, labels)
    const shape = this.#held.shape ?? []
    const size = sizeOf(shape)
    const samples = new Float32Array(labels.length * size)
    for (const [label, places] of indicesByLabel(labels)) {
      const shelf = shelves.get(label)!
      const drawn = new Float32Array(places.length * shelf.rows.size)
      for (let i = 0; i < places.length; i++) drawn.set(this.#draw(shelf), i * shelf.rows.size)
      const codes = shelf.basis === null ? drawn : reconstruct(drawn, bases.get(shelf.basis)!.basis)
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

  measure(): readonly Measurement[] {
    return this.#figures
  }

  state(): State {
    return stateOf(this.#held)
  }

  restore(state: State): void {
    this.#held = heldIn(nameOf(this), state, this.#options.bits)
  }
}

function sumOfSquares(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value ** 2, 0)
}

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
