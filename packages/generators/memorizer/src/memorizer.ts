import {
  after,
  classesIn,
  growLabels,
  initSynthesis,
  type Memorized,
  nothingMemorized,
  synthesize,
} from '@lgm/conditional'
import {
  arrayExamples,
  checkKnown,
  checkShape,
  createBreath,
  definePlugin,
  disposeParams,
  type Examples,
  Generator,
  indicesByLabel,
  inject,
  type Measurement,
  nameOf,
  Options,
  oneHot,
  type Params,
  Rng,
  range,
  type State,
  sizeOf,
  Trainer,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { packCodes, unpackCodes } from './codes.js'
import { readState, stateOf } from './kept.js'
import { type MemorizerOptions, options } from './options.js'
import { advance } from './passes.js'
import { fidelity, footprint } from './recall.js'
import { hashedFor, labelsOf, type Shelf, shelve } from './shelves.js'
import { type Part, type Telling, tellingOf } from './telling.js'
import { learnCodes, learnItems, type Training } from './training.js'
import { paramsOf, quantizeWeights, type Weights } from './weights.js'

/** A network M(c, y) → u that returns every stored item; what it keeps is quantized, and it is what is left that samples come from. */
class Memorizer implements Generator {
  readonly #options: MemorizerOptions
  readonly #trainer: Trainer
  readonly #rng: Rng
  #weights: Weights = {}
  #network: Params = {}
  #shelves: ReadonlyMap<number, Shelf> = new Map()
  #memorized: Memorized = nothingMemorized
  #figures: readonly Measurement[] = []

  constructor(@inject(Options) parsed: MemorizerOptions, @inject(Trainer) trainer: Trainer, @inject(Rng) rng: Rng) {
    this.#options = parsed
    this.#trainer = trainer
    this.#rng = rng
  }

  async memorize(fresh: Examples, recall?: Examples): Promise<void> {
    const { tasks, shape } = this.#memorized
    for (const examples of recall ? [fresh, recall] : [fresh])
      checkShape(nameOf(this), tasks > 0 ? shape : fresh.shape, examples)
    const memorized = after(this.#memorized, fresh)
    const telling = await this.#gather(fresh, recall)
    const { network, codes } = await this.#learn(telling.items, classesIn(memorized.known))
    const weights = await quantizeWeights(network, this.#options.weightBits)
    disposeParams(network)
    disposeParams(this.#network)
    this.#weights = weights
    this.#network = paramsOf(weights)
    this.#shelves = shelve(telling.items.labels, codes, this.#options)
    this.#memorized = memorized
    const returned = await this.#readOut(telling.items.labels)
    const shelves = [...this.#shelves.values()]
    const bytes = shelves.reduce((sum, { words }) => sum + words.byteLength, 0)
    const numbers = bytes > 0 ? codes.length : 0
    this.#figures = [
      ...footprint(telling.items.count, sizeOf(fresh.shape), weights, { numbers, bytes }),
      ...(await fidelity({ told: telling.items, returned, isNew: telling.isNew }, this.#options.probes)),
    ]
  }

  /** All that is stored, as it is returned, or as recall has it; and new items, up to the limit. */
  async #gather(fresh: Examples, recall: Examples | undefined): Promise<Telling> {
    const { perClass, retention } = this.#options
    const old = new Map([...this.#shelves].map(([label, { pass }]) => [label, pass.count]))
    const stored = await this.#readOut(labelsOf(old))
    const parts: Part[] = []
    for (const [label, indices] of indicesByLabel(stored.labels)) {
      const newer = retention === 'replace' && recall ? indicesByLabel(recall.labels).get(label) : undefined
      const values = newer ? await recall!.read(newer.subarray(0, indices.length)) : await stored.read(indices)
      parts.push({ label, values, isNew: false })
    }
    for (const [label, indices] of indicesByLabel(fresh.labels)) {
      const chosen = this.#rng
        .permutation(indices.length)
        .subarray(0, perClass ?? indices.length)
        .sort()
      parts.push({ label, values: await fresh.read(chosen.map(i => indices[i]!)), isNew: true })
    }
    return tellingOf(parts, fresh.shape, nameOf(this))
  }

  /** A network and codes for all items; the codes are what rounding leaves of them. */
  async #learn(items: Examples, classes: number): Promise<{ network: Params; codes: Float32Array }> {
    const { codeBits } = this.#options
    const training: Training = {
      name: nameOf(this),
      options: this.#options,
      trainer: this.#trainer,
      rng: this.#rng,
      classes,
    }
    const start = this.#start(items.shape, classes)
    let proposed: { network: Params; codes: Float32Array } | undefined
    try {
      if (this.#options.codes === 'learned') proposed = await learnCodes(start, items, training)
      const codes = proposed
        ? unpackCodes(packCodes(proposed.codes, codeBits), codeBits, proposed.codes.length)
        : hashedFor(items.labels, this.#options.codeSize)
      return { network: await learnItems(proposed?.network ?? start, items, codes, training), codes }
    } finally {
      disposeParams(start, this.#network)
      if (proposed) disposeParams(proposed.network)
    }
  }

  #start(shape: readonly number[], classes: number): Params {
    const before = classesIn(this.#memorized.known)
    if (this.#memorized.tasks > 0 && this.#options.retention !== 'restart')
      return growLabels(this.#network, before, classes, this.#rng, this.#options.gain)
    return initSynthesis(nameOf(this), this.#options, this.#options.codeSize, classes, shape, this.#rng)
  }

  /** Every stored item of labels that are ordered: the first of a class, the second, …, as they are returned. */
  async #readOut(labels: Int32Array): Promise<Examples> {
    const { shape } = this.#memorized
    const values = new Float32Array(labels.length * sizeOf(shape))
    const breathe = createBreath()
    const chunk = 1000
    for (const [label, places] of indicesByLabel(labels))
      for (let from = 0; from < places.length; from += chunk) {
        const indices = range(from, Math.min(from + chunk, places.length))
        const returned = this.#returned(
          indices.map(() => label),
          indices,
        )
        values.set((await returned.data()) as Float32Array, places[from]! * sizeOf(shape))
        returned.dispose()
        await breathe()
      }
    return arrayExamples(values, shape, labels, nameOf(this))
  }

  /** M(c, y) of the items of these classes and indices, `[n, ...shape]`. */
  #returned(labels: Int32Array, indices: Int32Array): tf.Tensor {
    const { codeSize } = this.#options
    const rows = new Float32Array(labels.length * codeSize)
    for (const [i, label] of labels.entries()) {
      const from = indices[i]! * codeSize
      rows.set(this.#shelves.get(label)!.codes.subarray(from, from + codeSize), i * codeSize)
    }
    return tf.tidy(() => {
      const codes = tf.tensor2d(rows, [labels.length, codeSize])
      return synthesize(this.#network, codes, oneHot(labels, classesIn(this.#memorized.known)), this.#memorized.shape)
    })
  }

  /** Stored items of these classes at random; every one of a class once before any again. */
  sample(labels: Int32Array): tf.Tensor {
    checkKnown(nameOf(this), this.#memorized.known, labels)
    const indices = labels.map(label => {
      const shelf = this.#shelves.get(label)!
      const { index, pass } = advance(shelf.pass, this.#rng)
      shelf.pass = pass
      return index
    })
    return this.#returned(labels, indices)
  }

  measure(): readonly Measurement[] {
    return this.#figures
  }

  state(): State {
    return stateOf({ weights: this.#weights, shelves: this.#shelves, memorized: this.#memorized })
  }

  restore(state: State): void {
    const { weights, shelves, memorized } = readState(nameOf(this), state, this.#options)
    this.dispose()
    this.#weights = weights
    this.#network = paramsOf(weights)
    this.#shelves = shelves
    this.#memorized = memorized
  }

  dispose(): void {
    disposeParams(this.#network)
    this.#network = {}
  }
}

/**
 * Continual learning by memorization: a network of a stated number of parameters that takes a data set and returns it on demand. Beside
 * the phases `memorize`, `recall` and `learn` a joint classifier is trained of what it returns. Learned codes are those of an
 * auto-decoder (Bojanowski et al. 2018, arXiv:1707.05776; Park et al. 2019, arXiv:1901.05103). **Deviation:** an encoder, trained along
 * and then dropped, proposes them; descent on each item's own numbers would need many passes.
 *
 * @example
 * createLearner([dct({ coefficients: 64 }), mlp({ widths: [400] }), memorizer({ codeSize: 16, codeBits: 4 }), ...])
 */
export const memorizer = definePlugin({
  point: Generator,
  name: 'memorizer',
  summary: 'a network that returns every stored item, from learned or hashed codes',
  options,
  class: Memorizer,
})
