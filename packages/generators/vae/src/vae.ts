import { classesIn, mixedBatches } from '@lgm/conditional'
import {
  checkKnown,
  checkShape,
  cloneParams,
  definePlugin,
  disposeParams,
  type Examples,
  expected,
  Generator,
  inject,
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
import * as tf from '@tensorflow/tfjs'
import { decode, growVae, initVae, priorOf, shift } from './network.js'
import { type Batch, distillation, meansOf, negativeElbo, part } from './objective.js'

const options = z.strictObject({
  widths: z
    .array(z.int().min(1))
    .default([400, 400])
    .describe('units of the hidden layers of the encoder; the decoder has them in reverse'),
  latent: z.int().min(1).default(100).describe('numbers in z'),
  likelihood: z
    .enum(['gaussian', 'bernoulli'])
    .default('gaussian')
    .describe('of codes given z: N(D(z), σ²), or Bernoulli for pixels from 0 to 1'),
  sigma: z.number().positive().default(0.1).describe('σ of the gaussian likelihood, in units of the codes'),
  beta: z.number().min(0).default(1).describe('β, weight of the divergence'),
  conditional: z.boolean().default(true).describe('whether encoder and decoder are given the label'),
  prior: z
    .enum(['standard', 'class'])
    .default('class')
    .describe('p(z | y): standard normal, or a learned diagonal Gaussian for each class'),
  retention: z
    .enum(['replay', 'distill', 'restart'])
    .default('replay')
    .describe(
      'how old classes are kept: by training on recall, by holding encoder and decoder to what they gave, or by a fresh model of new data and recall',
    ),
  replayWeight: z
    .union([z.literal('tasks'), z.number().min(0).max(1)])
    .default('tasks')
    .describe('weight of recall against new data: 1 − 1/N over N tasks so far, or a number'),
  noise: z.boolean().default(false).describe('whether samples are drawn from the likelihood, or are its means'),
  iterations: z.int().positive().default(2000).describe('training steps per task'),
  batchSize: z.int().positive().default(128).describe('new codes per step'),
  replaySize: z.int().positive().default(128).describe('recalled codes per step'),
  optimizer: optimizerOptions,
})

/** One network for all classes; see `negativeElbo` for what it minimizes and `distillation` for how it may be held. */
class Vae implements Generator {
  readonly #options: z.output<typeof options>
  readonly #trainer: Trainer
  readonly #rng: Rng
  #params: Params = {}
  #shape: readonly number[] = []
  #known: ReadonlySet<number> = new Set()
  #tasks = 0

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
    await this.#check(fresh, recall)
    const known = new Set([...this.#known, ...fresh.labels])
    const start = this.#start(sizeOf(fresh.shape), classesIn(known))
    try {
      const params = await this.#train(start, fresh, recall, classesIn(known))
      disposeParams(this.#params, params, start)
      this.#params = params
    } finally {
      disposeParams(start, this.#params)
    }
    this.#shape = fresh.shape
    this.#known = known
    this.#tasks++
  }

  /** @throws LgmError `data` or `input` where codes or recall do not fit. */
  async #check(fresh: Examples, recall: Examples | undefined): Promise<void> {
    const where = nameOf(this)
    const { retention, likelihood } = this.#options
    const shape = this.#tasks > 0 ? this.#shape : fresh.shape
    for (const examples of recall ? [fresh, recall] : [fresh]) checkShape(where, shape, examples)
    const again = [...new Set(fresh.labels)].find(label => this.#known.has(label))
    if (retention === 'distill' && again !== undefined)
      throw expected(
        where,
        'classes that are new, as outputs for old ones are held',
        `class ${again} again`,
        'use retention: replay',
      )
    if (this.#tasks > 0 && !recall)
      throw expected(
        where,
        `recall of the classes ${[...this.#known].join(', ')}`,
        'none',
        'put the phase "recall" before "memorize"',
      )
    if (likelihood === 'gaussian') return
    const outside = (await fresh.read(range(0, Math.min(fresh.count, 100)))).find(value => value < 0 || value > 1)
    if (outside !== undefined)
      throw expected(where, 'codes from 0 to 1 for likelihood: bernoulli', `${outside}`, 'use likelihood: gaussian')
  }

  #start(size: number, classes: number): Params {
    return this.#tasks === 0 || this.#options.retention === 'restart'
      ? initVae(this.#options, size, classes, this.#rng)
      : growVae(this.#params, this.#options, size, classes, this.#rng)
  }

  #train(start: Params, fresh: Examples, recall: Examples | undefined, classes: number): Promise<Params> {
    const { retention, replayWeight: weight, iterations, optimizer, latent, batchSize, replaySize } = this.#options
    const replayWeight = weight === 'tasks' ? 1 - 1 / (this.#tasks + 1) : weight
    const next = mixedBatches(fresh, recall, { batchSize, replaySize, replayWeight, classes }, this.#rng)
    return this.#trainer.fit({
      name: nameOf(this),
      params: start,
      iterations,
      optimizer,
      batch: async () => {
        const batch = await next()
        const count = batch.x.shape[0]!
        return { ...batch, noise: tf.tensor2d(this.#rng.normal(count * latent), [count, latent]) }
      },
      loss: (params, tensors) => {
        const batch = tensors as Batch
        if (!recall || retention !== 'distill') return negativeElbo(params, batch, this.#options)
        return {
          ...negativeElbo(params, part(batch, 0, batchSize), this.#options),
          ...distillation(params, start, part(batch, batchSize, replaySize), this.#options),
        }
      },
    })
  }

  /** Draws z from p(z | y) and decodes it. With neither `conditional` nor a prior of each class, labels are what the caller makes of samples. */
  sample(labels: Int32Array): tf.Tensor {
    checkKnown(nameOf(this), this.#known, labels)
    const count = labels.length
    const { latent, noise } = this.#options
    return tf.tidy(() => {
      const y = oneHot(labels, classesIn(this.#known))
      const drawn = shift(
        priorOf(this.#params, y, this.#options),
        tf.tensor2d(this.#rng.normal(count * latent), [count, latent]),
      )
      const means = meansOf(decode(this.#params, drawn, y, this.#options), this.#options)
      return (noise ? this.#disturb(means) : means).reshape([count, ...this.#shape])
    })
  }

  /** A draw from the likelihood with these means. */
  #disturb(means: tf.Tensor2D): tf.Tensor {
    const { likelihood, sigma } = this.#options
    return likelihood === 'bernoulli'
      ? tf.tensor2d(this.#rng.uniform(means.size), means.shape).less(means).toFloat()
      : means.add(tf.tensor2d(this.#rng.normal(means.size), means.shape).mul(sigma))
  }

  state(): State {
    const values = { shape: this.#shape, known: [...this.#known], tasks: this.#tasks }
    return { tensors: cloneParams(this.#params), values }
  }

  restore(state: State): void {
    const { shape, known, tasks } = stored.parse(state.values)
    disposeParams(this.#params)
    this.#params = cloneParams(state.tensors)
    this.#shape = shape
    this.#known = new Set(known)
    this.#tasks = tasks
  }
}

const stored = z.object({ shape: z.array(z.number()), known: z.array(z.number()), tasks: z.number() })

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
