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
  replayWeightOf,
} from '@lgm/conditional'
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
  type Measurement,
  nameOf,
  Options,
  oneHot,
  type Params,
  Rng,
  range,
  type State,
  subset,
  Trainer,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { generate, growGan, initGan } from './networks.js'
import { options } from './options.js'
import { train } from './train.js'

/** One pair of networks for all classes; see `criticTerms` and `generatorTerms` for what they minimize. */
class Gan implements Generator {
  readonly #options: z.output<typeof options>
  readonly #trainer: Trainer
  readonly #rng: Rng
  #params: Params = {}
  #memorized: Memorized = nothingMemorized
  #terms: Readonly<Record<string, number>> = {}

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
    const memorized = after(this.#memorized, fresh)
    const start = this.#start(memorized)
    try {
      const { params, terms } = await this.#train(start, memorized, fresh, recall)
      disposeParams(this.#params, params)
      this.#params = params
      this.#terms = terms
      this.#memorized = memorized
    } finally {
      disposeParams(start, this.#params)
    }
  }

  /** @throws LgmError `data` or `input` where codes or recall do not fit. */
  async #check(fresh: Examples, recall: Examples | undefined): Promise<void> {
    const where = nameOf(this)
    const { shape, tasks } = this.#memorized
    if (this.#options.retention === 'replay') checkRehearsal(where, this.#memorized, fresh, recall)
    else {
      checkShape(where, tasks > 0 ? shape : fresh.shape, fresh)
      checkNew(where, this.#memorized, fresh, 'use retention: replay')
    }
    if (this.#options.output === 'linear') return
    const outside = (await fresh.read(range(0, Math.min(fresh.count, 100)))).find(value => value < 0 || value > 1)
    if (outside !== undefined)
      throw expected(where, 'codes from 0 to 1 for output: sigmoid', `${outside}`, 'use output: linear')
  }

  #start({ known, shape }: Memorized): Params {
    const classes = classesIn(known)
    return this.#memorized.tasks === 0
      ? initGan(nameOf(this), this.#options, shape, classes, this.#rng)
      : growGan(this.#params, this.#options, classesIn(this.#memorized.known), classes, this.#rng)
  }

  #train(start: Params, { known }: Memorized, fresh: Examples, recall: Examples | undefined) {
    const replays = this.#options.retention === 'replay'
    const replayWeight = replayWeightOf(this.#options.replayWeight, this.#memorized)
    return train(
      this.#trainer,
      this.#rng,
      {
        name: nameOf(this),
        start,
        fresh,
        recall: replays ? recall : undefined,
        aligned: replays ? [] : [...this.#memorized.known],
      },
      { ...this.#options, replayWeight, classes: classesIn(known) },
    )
  }

  sample(labels: Int32Array): tf.Tensor {
    const { shape, known } = this.#memorized
    checkKnown(nameOf(this), known, labels)
    const { latent } = this.#options
    const noise = this.#rng.normal(labels.length * latent)
    return tf.tidy(() => {
      const drawn = tf.tensor2d(noise, [labels.length, latent])
      return generate(subset(this.#params, 'generator'), drawn, oneHot(labels, classesIn(known)), shape, this.#options)
    })
  }

  measure(): readonly Measurement[] {
    return Object.entries(this.#terms).map(([name, value]) => ({
      name: `${nameOf(this)}/${name}`,
      value,
      unit: units[name === 'score' || name === 'penalty' ? this.#options.loss : name]!,
      aggregation: 'mean over the last steps, times its weight',
    }))
  }

  state(): State {
    return {
      tensors: cloneParams(this.#params),
      values: { ...memorizedValues(this.#memorized), terms: this.#terms },
    }
  }

  restore(state: State): void {
    const memorized = memorizedSchema.parse(state.values)
    const { terms } = z.object({ terms: z.record(z.string(), z.number()) }).parse(state.values)
    checkNetworks(nameOf(this), state.tensors, memorized, (classes, rng) =>
      initGan(nameOf(this), this.#options, memorized.shape, classes, rng),
    )
    this.#memorized = memorized
    this.#terms = terms
    disposeParams(this.#params)
    this.#params = cloneParams(state.tensors)
  }

  dispose(): void {
    disposeParams(this.#params)
    this.#params = {}
  }
}

/** Of each term; the score and the penalty have that of the critic's loss. */
const units: Readonly<Record<string, string>> = {
  wasserstein: 'distance between codes',
  hinge: '1',
  auxiliary: 'nats',
  'critic-auxiliary': 'nats',
  alignment: 'squared distance between codes',
}

/**
 * A generative adversarial network of codes, or of pixels: WGAN with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028) or with the
 * hinge loss, class-conditional; Memory Replay GANs (Wu et al. 2018, arXiv:1809.02058) where the embedder is `identity`.
 *
 * @example
 * createLearner([identity(), mlp({ widths: [400, 400] }), gan({ output: 'sigmoid', auxiliary: 1, retention: 'align' }), ...])
 */
export const gan = definePlugin({
  point: Generator,
  name: 'gan',
  summary: 'a conditional generative adversarial network, WGAN-GP or hinge',
  options,
  class: Gan,
})
