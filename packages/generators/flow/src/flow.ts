import {
  after,
  checkNetworks,
  checkNew,
  checkRehearsal,
  classesIn,
  type Memorized,
  memorizedSchema,
  memorizedValues,
  nothingMemorized,
  rehearsalOptions,
  replayWeightOf,
} from '@lgm/conditional'
import {
  checkKnown,
  checkShape,
  cloneParams,
  definePlugin,
  disposeParams,
  type Examples,
  Generator,
  inject,
  type Measurement,
  nameOf,
  Options,
  oneHot,
  optimizerOptions,
  type Params,
  Rng,
  range,
  type State,
  sizeOf,
  Trainer,
  z,
} from '@lgm/core'
import { drawFrom, type Flow, flowOptions, initFlow, logProbabilities } from '@lgm/coupling'
import * as tf from '@tensorflow/tfjs'
import { flowBatches } from './batches.js'
import { lossTerms } from './objective.js'
import { deviationOf, meanNats, type Setting, settle } from './settle.js'

const options = z.strictObject({
  ...flowOptions,
  jitter: z
    .number()
    .min(0)
    .default(0.02)
    .describe('deviation of the normal noise on codes in training, relative to that of the first codes met'),
  retention: z
    .enum(['replay', 'distill'])
    .default('replay')
    .describe('how old classes are kept: by training on recall, or by holding densities to what they were'),
  ...rehearsalOptions,
  replaySize: rehearsalOptions.replaySize.describe(
    'recalled codes per step; of retention: distill, codes drawn for it too',
  ),
  optimizer: optimizerOptions,
})

/** One flow for all classes; see `lossTerms` for what it minimizes. */
class NormalizingFlow implements Generator {
  readonly #options: z.output<typeof options>
  readonly #trainer: Trainer
  readonly #rng: Rng
  #params: Params = {}
  #memorized: Memorized = nothingMemorized
  /** Deviation of the noise, in units of the codes. */
  #jitter = 0
  #figures: readonly Measurement[] = []

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Trainer) trainer: Trainer,
    @inject(Rng) rng: Rng,
  ) {
    this.#options = parsed
    this.#trainer = trainer
    this.#rng = rng
  }

  async memorize(fresh: Examples, recall?: Examples): Promise<void> {
    const { retention, jitter } = this.#options
    checkRehearsal(nameOf(this), this.#memorized, fresh, recall)
    if (retention === 'distill') checkNew(nameOf(this), this.#memorized, fresh, 'use retention: replay')
    const first = this.#memorized.tasks === 0
    const memorized = after(this.#memorized, fresh)
    const setting = {
      fresh,
      recall,
      known: this.#memorized.known,
      classes: classesIn(memorized.known),
      flow: this.#flow(fresh.shape),
      jitter: first ? jitter * (await deviationOf(fresh)) : this.#jitter,
    }
    const start = await settle(nameOf(this), first ? undefined : this.#params, setting, this.#rng)
    try {
      const params = await this.#train(start, setting)
      disposeParams(this.#params, params, start)
      this.#params = params
    } finally {
      disposeParams(start, this.#params)
    }
    this.#memorized = memorized
    this.#jitter = setting.jitter
    this.#figures = this.#figuresOf(await meanNats(this.#params, setting))
  }

  #flow(shape: readonly number[]): Flow {
    return { ...this.#options, shape }
  }

  #train(start: Params, setting: Setting): Promise<Params> {
    const { retention, iterations, optimizer, batchSize, replaySize } = this.#options
    const replayWeight = replayWeightOf(this.#options.replayWeight, this.#memorized)
    const { recall, known, classes, flow } = setting
    const held = recall && retention === 'distill' && known.size > 0
    const teacher = held ? { params: start, known: Int32Array.from(known) } : undefined
    return this.#trainer.fit({
      name: nameOf(this),
      params: start,
      iterations,
      optimizer,
      batch: flowBatches(setting, teacher, { batchSize, replaySize, replayWeight, classes }, this.#rng),
      loss: (params, batch) => lossTerms(params, batch, flow),
    })
  }

  #figuresOf(nats: number): Measurement[] {
    const figure = (name: string, value: number, unit: string) => ({
      name: `${nameOf(this)}/${name}`,
      value,
      unit,
      aggregation: 'mean of −log p(u | y) over codes of the task',
    })
    const size = sizeOf(this.#memorized.shape)
    return [figure('nats', nats, 'nats'), figure('nats-per-number', nats / size, 'nats')]
  }

  /** Draws z from the base of the class and goes back through the flow. */
  sample(labels: Int32Array): tf.Tensor {
    const { known, shape } = this.#memorized
    checkKnown(nameOf(this), known, labels)
    return tf.tidy(() => {
      const size = sizeOf(shape)
      const noise = tf.tensor2d(this.#rng.normal(labels.length * size), [labels.length, size])
      return drawFrom(this.#params, noise, oneHot(labels, classesIn(known)), this.#flow(shape))
    })
  }

  /** log p(u | y) in nats, exact: u `[n, ...code]` → `[n, classes]`. */
  logProbability(u: tf.Tensor, classes: number): tf.Tensor2D {
    const { known, shape } = this.#memorized
    checkKnown(nameOf(this), known, range(0, classes))
    checkShape(nameOf(this), shape, { shape: u.shape.slice(1) })
    return logProbabilities(this.#params, u, classes, this.#flow(shape))
  }

  measure(): readonly Measurement[] {
    return this.#figures
  }

  state(): State {
    return {
      tensors: cloneParams(this.#params),
      values: { ...memorizedValues(this.#memorized), jitter: this.#jitter },
    }
  }

  restore(state: State): void {
    const memorized = memorizedSchema.parse(state.values)
    const { jitter } = z.object({ jitter: z.number() }).parse(state.values)
    checkNetworks(nameOf(this), state.tensors, memorized, (classes, rng) => {
      // before a base that is too large is made of zeros
      rng.uniform(classes * sizeOf(memorized.shape))
      return initFlow(nameOf(this), this.#flow(memorized.shape), classes, rng)
    })
    this.#memorized = memorized
    this.#jitter = jitter
    disposeParams(this.#params)
    this.#params = cloneParams(state.tensors)
    this.#figures = []
  }

  dispose(): void {
    disposeParams(this.#params)
    this.#params = {}
  }
}

/**
 * A normalizing flow of affine couplings (RealNVP, Dinh et al. 2017, arXiv:1605.08803) with actnorm (Kingma & Dhariwal 2018,
 * arXiv:1807.03039) and a learned Gaussian base for each class: log p(u | y) is exact.
 *
 * **Deviation:** neither squeezing nor several levels; the order of numbers is shuffled in the place of 1 × 1 convolutions.
 *
 * @example
 * createLearner([dct(), mlp(), flow({ couplings: 8, widths: [128, 128] }), ...])
 */
export const flow = definePlugin({
  point: Generator,
  name: 'flow',
  summary: 'a normalizing flow of affine couplings, with exact density',
  options,
  class: NormalizingFlow,
})
