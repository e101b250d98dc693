import {
  checkKnown,
  checkShape,
  checkShapes,
  definePlugin,
  Events,
  type Examples,
  Generator,
  indicesByLabel,
  inject,
  type Measurement,
  nameOf,
  Options,
  Rng,
  range,
  type State,
  sizeOf,
  type z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { cholesky } from './cholesky.js'
import { type Components, draw, logJoint, rowsAtOnce, uploadWhitening, type Whitening, whiten } from './components.js'
import { shapesFor, stored } from './kept.js'
import { fitMixture } from './mixture.js'
import { meanNats } from './nats.js'
import { options } from './options.js'
import { together } from './standard.js'

/** A fitted class, and how many real examples it stands for. */
interface Fit {
  readonly components: Components
  readonly met: number
}

/**
 * p(u | y) = Σ_k π_k N(u; μ_k, Σ_k), of each class by itself, fitted once to its real codes and then left alone: nothing to forget.
 *
 * A class that returns in a later task is fitted to its new codes and to its recall (its own samples where there is none), weighted
 * by how many real examples each stands for.
 */
class Gaussian implements Generator {
  readonly #options: z.output<typeof options>
  readonly #rng: Rng
  readonly #events: Events
  #shape: readonly number[] = []
  #fits = new Map<number, Fit>()
  /** The packed pooled covariance within classes, where it is shared. */
  #pooled: Float32Array | undefined
  #nats: number | undefined
  #density: { readonly classes: number; readonly whitening: Whitening } | undefined

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Rng) rng: Rng,
    @inject(Events) events: Events,
  ) {
    this.#options = parsed
    this.#rng = rng
    this.#events = events
  }

  async memorize(fresh: Examples, recall?: Examples): Promise<void> {
    const where = nameOf(this)
    const shape = this.#fits.size > 0 ? this.#shape : fresh.shape
    for (const part of recall ? [fresh, recall] : [fresh]) checkShape(where, shape, part)
    this.#shape = shape
    const [ofFresh, ofRecall] = [fresh, recall].map(part => indicesByLabel(part?.labels ?? new Int32Array(0)))
    const refitted = this.#options.retention === 'refit' ? [...ofRecall!.keys()].filter(y => this.#fits.has(y)) : []
    const labels = [...new Set([...ofFresh!.keys(), ...refitted])]
    for (const [i, label] of labels.entries()) {
      const indices = ofFresh!.get(label)
      const rows = indices ? await fresh.read(indices) : new Float32Array(0)
      const old = ofRecall!.get(label)
      await this.#fit(label, rows, recall && old ? await recall.read(old) : undefined)
      this.#events.emit({ type: 'progress', what: where, done: i + 1, of: labels.length })
      await new Promise(resolve => setTimeout(resolve, 0))
    }
    this.#nats = fresh.count > 0 ? await meanNats(fresh, label => this.#components(label)) : undefined
  }

  async #fit(label: number, fresh: Float32Array, recalled: Float32Array | undefined): Promise<void> {
    const d = sizeOf(this.#shape)
    const count = fresh.length / d
    const before = this.#fits.get(label)
    const old = before ? (recalled ?? this.#draw(new Int32Array(count).fill(label))) : new Float32Array(0)
    const { components, within } = await fitMixture(
      together(fresh, old, before?.met ?? 0, d),
      d,
      this.#options,
      this.#rng,
    )
    const met = (before?.met ?? 0) + count
    if (within) this.#pool(within, met, before?.met ?? 0)
    this.#fits.set(label, { met, components: within ? { ...components, factors: new Float32Array(0) } : components })
    this.#density = undefined
  }

  /** Σ ← ((N − n_before) Σ + n Σ_class) / (N − n_before + n), with N examples in the classes so far. */
  #pool(ofClass: Float64Array, met: number, before: number): void {
    const others = [...this.#fits.values()].reduce((sum, fit) => sum + fit.met, 0) - before
    const pooled = this.#pooled
    this.#pooled = Float32Array.from(ofClass, (value, i) =>
      pooled ? (others * pooled[i]! + met * value) / (others + met) : value,
    )
  }

  sample(labels: Int32Array): tf.Tensor {
    checkKnown(nameOf(this), this.#fits, labels)
    return tf.tensor(this.#draw(labels), [labels.length, ...this.#shape], 'float32')
  }

  #draw(labels: Int32Array): Float32Array {
    const d = sizeOf(this.#shape)
    const classes = new Map(Array.from(new Set(labels), label => [label, this.#components(label)]))
    const drawn = new Float32Array(labels.length * d)
    const uniform = this.#rng.uniform(labels.length)
    for (const [i, label] of labels.entries()) draw(classes.get(label)!, uniform[i]!, this.#rng.normal(d), drawn, i * d)
    return drawn
  }

  #components(label: number): Components {
    const { components } = this.#fits.get(label)!
    return this.#pooled
      ? { ...components, factors: Float32Array.from(cholesky(this.#pooled, components.d)) }
      : components
  }

  /** log Σ_k π_k N(u; μ_k, Σ_k) in nats, exact: u `[n, ...code]` → `[n, classes]`. */
  logProbability(u: tf.Tensor, classes: number): tf.Tensor2D {
    checkKnown(nameOf(this), this.#fits, range(0, classes))
    checkShape(nameOf(this), this.#shape, { shape: u.shape.slice(1) })
    const whitening = this.#whitening(classes)
    const sizes = Array.from(range(0, classes), label => this.#fits.get(label)!.components.weights.length)
    const [n, chunk] = [u.shape[0]!, rowsAtOnce(whitening)]
    return tf.tidy(() => {
      const rows = u.reshape([n, whitening.d]) as tf.Tensor2D
      const uploaded = uploadWhitening(whitening)
      const parts = Array.from({ length: Math.ceil(n / chunk) }, (_, i) =>
        tf.tidy(() => {
          const part = rows.slice([i * chunk, 0], [Math.min(chunk, n - i * chunk), whitening.d])
          const joint = logJoint(part, whitening, uploaded)
          return tf.concat(
            tf.split(joint, sizes, 1).map(ofClass => ofClass.logSumExp(1, true)),
            1,
          ) as tf.Tensor2D
        }),
      )
      return tf.concat(parts)
    })
  }

  #whitening(classes: number): Whitening {
    if (this.#density?.classes !== classes)
      this.#density = { classes, whitening: whiten(Array.from(range(0, classes), label => this.#components(label))) }
    return this.#density.whitening
  }

  measure(): readonly Measurement[] {
    if (this.#nats === undefined) return []
    const aggregation = 'mean of −log p(u | y) over codes of the task'
    const figure = (name: string, value: number) => ({
      name: `${nameOf(this)}/${name}`,
      value,
      unit: 'nats',
      aggregation,
    })
    return [figure('nats', this.#nats), figure('nats-per-number', this.#nats / sizeOf(this.#shape))]
  }

  state(): State {
    const tensors: Record<string, tf.Tensor> = {}
    const d = sizeOf(this.#shape)
    for (const [label, { components }] of this.#fits) {
      const { weights, means, factors } = components
      tensors[`${label}/weights`] = tf.tensor1d(weights)
      tensors[`${label}/means`] = tf.tensor2d(means, [weights.length, d])
      if (!this.#pooled)
        tensors[`${label}/factors`] = tf.tensor2d(factors, [weights.length, factors.length / weights.length])
    }
    if (this.#pooled) tensors.pooled = tf.tensor1d(this.#pooled)
    const classes = Array.from(this.#fits, ([label, { met }]) => ({ label, met }))
    return { tensors, values: { shape: this.#shape, classes } }
  }

  restore({ tensors, values }: State): void {
    const { shape, classes } = stored.parse(values)
    const labels = classes.map(({ label }) => label)
    checkShapes(nameOf(this), tensors, shapesFor(tensors, sizeOf(shape), labels, this.#options.covariance))
    const numbers = (name: string) => (tensors[name]?.dataSync().slice() ?? new Float32Array(0)) as Float32Array
    const [d, covariance] = [sizeOf(shape), this.#options.covariance]
    const read = (label: number): Components => ({
      d,
      covariance,
      weights: numbers(`${label}/weights`),
      means: numbers(`${label}/means`),
      factors: numbers(`${label}/factors`),
    })
    this.#shape = shape
    this.#fits = new Map(classes.map(({ label, met }) => [label, { met, components: read(label) }]))
    this.#pooled = tensors.pooled ? numbers('pooled') : undefined
    this.#density = undefined
    this.#nats = undefined
  }
}

/**
 * A Gaussian, or a mixture of k by EM, for each class; exact density. `components: 1` is quadratic discriminant analysis, with
 * `covariance: 'shared'` linear discriminant analysis: the controls that every other generator must be held against.
 *
 * @example
 * createLearner([dct({ side: 8 }), mlp(), gaussian({ components: 20 }), ...])
 */
export const gaussian = definePlugin({
  point: Generator,
  name: 'gaussian',
  summary: 'a Gaussian mixture for each class, with exact density',
  options,
  class: Gaussian,
})
