import {
  after,
  checkNetworks,
  checkNew,
  checkRehearsal,
  classesIn,
  type Memorized,
  memorizedSchema,
  memorizedValues,
  mixedBatches,
  nothingMemorized,
  replayWeightOf,
} from '@lgm/conditional'
import {
  checkKnown,
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
  type Params,
  Rng,
  type State,
  sizeOf,
  Trainer,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { checkCollapse } from './collapse.js'
import { checkUnit, type Look, lookAt, typicalOf } from './look.js'
import { type Batch, createObjective, distillation, meansOf, negativeElbo, type Objective, part } from './objective.js'
import { options, type VaeOptions } from './options.js'
import { drawsFor } from './priors/prior.js'

/** One network for all classes; see `negativeElbo` for what it minimizes and `distillation` for how it may be held. */
class Vae implements Generator {
  readonly #options: VaeOptions
  readonly #trainer: Trainer
  readonly #rng: Rng
  #params: Params = {}
  #memorized: Memorized = nothingMemorized
  #figures: readonly Measurement[] = []

  constructor(@inject(Options) parsed: VaeOptions, @inject(Trainer) trainer: Trainer, @inject(Rng) rng: Rng) {
    this.#options = parsed
    this.#trainer = trainer
    this.#rng = rng
  }

  async memorize(fresh: Examples, recall?: Examples): Promise<void> {
    const where = nameOf(this)
    checkRehearsal(where, this.#memorized, fresh, recall)
    if (this.#options.retention === 'distill') checkNew(where, this.#memorized, fresh, 'use retention: replay')
    const look = await lookAt(fresh)
    if (this.#options.likelihood === 'bernoulli') checkUnit(where, look)
    const next = after(this.#memorized, fresh)
    const objective = createObjective(where, this.#options, next.shape)
    const start = this.#start(objective, look, classesIn(next.known))
    let params = start
    try {
      params = await this.#train(objective, start, fresh, recall, classesIn(next.known))
      this.#figures = await checkCollapse(where, objective, params, look, classesIn(next.known))
      disposeParams(this.#params, params, start)
      this.#params = params
    } finally {
      disposeParams(start, this.#params)
      disposeParams(params, this.#params)
    }
    this.#memorized = next
  }

  #start({ network, prior }: Objective, look: Look, classes: number): Params {
    const old = this.#options.retention === 'restart' ? 0 : classesIn(this.#memorized.known)
    const rng = this.#rng
    const params = old === 0 ? network.init(classes, rng) : network.grow(this.#params, old, classes, rng)
    return { ...params, ...prior.grow(params, old, classes, { rng, typical: typicalOf(look, rng) }) }
  }

  #train(
    objective: Objective,
    start: Params,
    fresh: Examples,
    recall: Examples | undefined,
    classes: number,
  ): Promise<Params> {
    const { retention, iterations, optimizer, latent, batchSize, replaySize } = this.#options
    const replayWeight = replayWeightOf(this.#options.replayWeight, this.#memorized)
    const next = mixedBatches(fresh, recall, { batchSize, replaySize, replayWeight, classes }, this.#rng)
    // the parameters under other handles, so that the first step does not differentiate the teacher too
    const teacher = retention === 'distill' && recall ? cloneParams(start) : undefined
    const fit = this.#trainer.fit({
      name: nameOf(this),
      params: start,
      iterations,
      optimizer,
      batch: async () => {
        const batch = await next()
        return { ...batch, ...drawsFor(objective.prior, latent, batch.x.shape[0]!, this.#rng) }
      },
      loss: (params, tensors) => {
        const batch = tensors as unknown as Batch
        if (!teacher) return negativeElbo(params, batch, objective)
        return {
          ...negativeElbo(params, part(batch, 0, batchSize), objective),
          ...distillation(params, teacher, part(batch, batchSize, replaySize), objective),
        }
      },
    })
    return fit.finally(() => disposeParams(teacher ?? {}))
  }

  /** Draws z from p(z | y) and decodes it. With neither `conditional` nor a prior of each class, labels are what the caller makes of samples. */
  sample(labels: Int32Array): tf.Tensor {
    const { shape, known } = this.#memorized
    checkKnown(nameOf(this), known, labels)
    const { network, prior } = createObjective(nameOf(this), this.#options, shape)
    return tf.tidy(() => {
      const y = oneHot(labels, classesIn(known))
      const draws = drawsFor(prior, this.#options.latent, labels.length, this.#rng)
      const means = meansOf(network.decode(this.#params, prior.sample(this.#params, y, draws), y), this.#options)
      return (this.#options.noise ? this.#disturb(means) : means).reshape([labels.length, ...shape])
    })
  }

  /** A draw from the likelihood with these means. */
  #disturb(means: tf.Tensor2D): tf.Tensor {
    const { likelihood, sigma } = this.#options
    return likelihood === 'bernoulli'
      ? tf.tensor2d(this.#rng.uniform(means.size), means.shape).less(means).toFloat()
      : means.add(tf.tensor2d(this.#rng.normal(means.size), means.shape).mul(sigma))
  }

  measure(): readonly Measurement[] {
    return this.#figures
  }

  state(): State {
    return { tensors: cloneParams(this.#params), values: memorizedValues(this.#memorized) }
  }

  restore(state: State): void {
    const memorized = memorizedSchema.parse(state.values)
    checkNetworks(nameOf(this), state.tensors, memorized, (classes, rng) => {
      const { network, prior } = createObjective(nameOf(this), this.#options, memorized.shape)
      const params = network.init(classes, rng)
      const typical = () => rng.uniform(sizeOf(memorized.shape))
      return { ...params, ...prior.grow(params, 0, classes, { rng, typical }) }
    })
    this.#memorized = memorized
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
 * A variational autoencoder (Kingma & Welling 2014, arXiv:1312.6114) of codes, or of pixels: deep generative replay (Shin et al. 2017,
 * arXiv:1705.08690) where the embedder is `identity`. A prior of each class is that of van de Ven & Tolias 2018, arXiv:1809.10635.
 *
 * @example
 * createLearner([identity(), mlp({ widths: [400, 400] }), vae({ likelihood: 'bernoulli' }), ...])
 */
export const vae = definePlugin({
  point: Generator,
  name: 'vae',
  summary: 'a variational autoencoder, class-conditional or not',
  options,
  class: Vae,
})
