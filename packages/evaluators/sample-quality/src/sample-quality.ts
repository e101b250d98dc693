import {
  type Answers,
  Decoder,
  definePlugin,
  Embedder,
  Evaluator,
  Events,
  type Examples,
  expected,
  Generator,
  indicesByLabel,
  inject,
  type Measurement,
  type Model,
  mapExamples,
  nameOf,
  Options,
  Rng,
  type RunFacts,
  readAll,
  type Task,
  type TaskState,
  Trainer,
  Twins,
  upload,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { accuracyByClass, type Classifier, trainClassifier } from './classifier.js'
import { drawSamples } from './draw.js'
import { isEqual, MetTasks, spaced, together } from './examples.js'
import { atTheEnd, blank, byClass } from './figures.js'
import { gridPng, isImage } from './grid.js'
import { options, type SampleQualityOptions } from './options.js'
import { type Decoding, firstOfEach, measureSpace, type Space } from './space.js'

/**
 * Draws from a twin of the generator, so that the run is the same with and without it, and holds what it drew against the data of all tasks
 * so far.
 */
class SampleQuality implements Evaluator {
  readonly #options: SampleQualityOptions
  readonly #embedder: Embedder
  readonly #decoder: Decoder | undefined
  readonly #generator: Generator
  readonly #trainer: Trainer
  readonly #events: Events
  readonly #twins: Twins
  readonly #rng: Rng
  readonly #met = new MetTasks()
  #judge: Classifier | undefined

  constructor(
    @inject(Options) parsed: SampleQualityOptions,
    @inject(Embedder) embedder: Embedder,
    @inject(Decoder) decoder: Decoder | undefined,
    @inject(Generator) generator: Generator,
    @inject(Trainer) trainer: Trainer,
    @inject(Events) events: Events,
    @inject(Twins) twins: Twins,
    @inject(Rng) rng: Rng,
  ) {
    this.#options = parsed
    this.#embedder = embedder
    this.#decoder = decoder
    this.#generator = generator
    this.#trainer = trainer
    this.#events = events
    this.#twins = twins
    this.#rng = rng
  }

  async evaluate(
    { task, seen, model }: TaskState,
    _answers?: readonly Answers[],
    facts?: RunFacts,
  ): Promise<readonly Measurement[]> {
    const { examples, measures, columns } = this.#options
    const classes = seen.names.length
    const rng = this.#rng.fork(`task-${task.index}`)
    const met = this.#met.until(task, facts)
    const [tests, trains] = [met.map(({ test }) => test), met.map(({ train }) => train)]
    const test = await spaced(tests, examples)
    const codes = await this.#embed(test, model)
    const samples = await this.#draw(classes, rng.fork('samples'))
    const decode = await this.#decoding(test, codes, model)
    const instruments = { owner: nameOf(this), trainer: this.#trainer, events: this.#events, rng }
    const found: Measurement[] = []
    for (const name of this.#spaces(decode)) {
      const training = (label: number) => spaced(trains, this.#options.training, label)
      const space: Space =
        name === 'latent'
          ? { name, classes, test: codes, samples, training: async label => this.#embed(await training(label), model) }
          : { name, classes, test, samples: await decode!.decode(samples), training }
      found.push(...(await measureSpace(space, this.#options, instruments)))
    }
    if (decode && this.#options.space !== 'latent' && facts && measures.includes('label-consistency')) {
      const judged = await decode.decode(firstOfEach(samples, classes, examples))
      found.push(...(await this.#consistency(facts.tasks, test, judged, classes)))
    }
    if (measures.includes('log-likelihood') && this.#generator.logProbability)
      found.push(await this.#likelihood(codes, classes))
    if (decode && columns > 0 && isImage(test.shape))
      await this.#show(task.index, await decode.decode(firstOfEach(samples, classes, columns)), classes)
    return found
  }

  /** Codes as the phase memorize makes them. */
  async #embed(examples: Examples, { embedder }: Model): Promise<Examples> {
    const codes = await mapExamples(examples, x => this.#embedder.embed(embedder, x))
    return { ...codes, shape: this.#embedder.codeShape(examples.shape) }
  }

  async #draw(classes: number, rng: Rng): Promise<Examples> {
    const { samples, examples, columns, measures } = this.#options
    const most = Math.max(1, Math.floor(samples / classes))
    const each = measures.includes('cas') ? most : Math.min(most, Math.max(examples, columns))
    const what = `${nameOf(this)}, sampling`
    const twin = this.#twins.of(Generator, rng)!
    try {
      return await drawSamples(twin, classes, each, (done, of) =>
        this.#events.emit({ type: 'progress', what, done, of }),
      )
    } finally {
      twin.dispose?.()
    }
  }

  /** How codes become examples: by D, or not at all where codes are examples; `undefined` where there is no way. */
  async #decoding(test: Examples, codes: Examples, { decoder }: Model): Promise<Decoding | undefined> {
    const isIdentity =
      test.count > 0 && String(test.shape) === String(codes.shape) && isEqual(await readAll(test), await readAll(codes))
    if (this.#decoder) return { isIdentity, decode: u => mapExamples(u, rows => this.#decoder!.decode(decoder, rows)) }
    if (isIdentity) return { isIdentity, decode: async u => u }
    if (this.#options.space === 'decoded')
      throw expected(
        'evaluator "sample-quality"',
        'a decoder, or an embedder whose codes are the examples, for space: decoded',
        'neither',
        'add a decoder, or measure in space: latent',
        'composition',
      )
    return undefined
  }

  /** Where codes are examples, both spaces are one. */
  #spaces(decode: Decoding | undefined): readonly Space['name'][] {
    const { space } = this.#options
    if (space !== 'both') return [space]
    if (!decode) return ['latent']
    return decode.isIdentity ? ['decoded'] : ['latent', 'decoded']
  }

  /** Shares of decoded samples that a classifier of real examples puts into the class that was asked for, and how good it is itself. */
  async #consistency(
    tasks: readonly Task[],
    test: Examples,
    samples: Examples,
    classes: number,
  ): Promise<Measurement[]> {
    this.#judge ??= await this.#trainJudge(tasks)
    const share = async (examples: Examples) =>
      accuracyByClass(examples.labels, await this.#judge!.guess(examples), classes)
    const judge = 'a classifier trained once on the training data of all tasks'
    return [
      byClass(
        'label-consistency',
        await share(samples),
        'fraction',
        `decoded samples that ${judge} puts into their class`,
      ),
      byClass('label-classifier-accuracy', await share(test), 'fraction', `accuracy on test examples of ${judge}`),
    ]
  }

  async #trainJudge(tasks: readonly Task[]): Promise<Classifier> {
    return trainClassifier(together(tasks.map(({ train }) => train)), {
      name: `${nameOf(this)}, label classifier`,
      classes: 1 + Math.max(...tasks.flatMap(task => task.classes)),
      options: this.#options.classifier,
      trainer: this.#trainer,
      rng: this.#rng.fork('label-classifier'),
    })
  }

  async #likelihood(codes: Examples, classes: number): Promise<Measurement> {
    const means = blank(classes)
    for (const [label, indices] of indicesByLabel(codes.labels)) {
      const u = await upload(codes, indices)
      const mean = tf.tidy(() => this.#generator.logProbability!(u, classes).slice([0, label], [-1, 1]).mean())
      const [nats] = await mean.data()
      tf.dispose([u, mean])
      means[label] = Number.isFinite(nats) ? nats! : null
    }
    return byClass('log-likelihood', means, 'nats', 'mean log p(u | y) of the codes of test examples')
  }

  async #show(task: number, samples: Examples, classes: number): Promise<void> {
    const png = gridPng(await readAll(samples), samples.shape, samples.count / classes)
    this.#events.emit({ type: 'picture', task, name: nameOf(this).replace('evaluator/', ''), png })
  }

  summarize(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
    return atTheEnd(rows)
  }
}

/**
 * How good the generator's samples are, after each task, for each class met so far: beside codes of test examples, and decoded beside the
 * examples themselves. Fréchet distance (Heusel et al. 2017, arXiv:1706.08500), precision and recall (Kynkäänniemi et al. 2019,
 * arXiv:1904.06991), classification accuracy score (Ravuri & Vinyals 2019, arXiv:1905.10887), nearest-neighbour memorization check, label
 * consistency by a fixed classifier (the accuracy of Wu et al. 2018, MeRGAN, arXiv:1809.02058), mean log-likelihood of test codes where it
 * is exact; and a picture of decoded samples, a row for each class.
 *
 * It draws from a twin of the generator by an Rng of its own: a run is the same with and without it.
 *
 * @throws LgmError `composition` for space: decoded without a decoder where codes are not examples.
 * @example
 * sampleQuality({ space: 'decoded', measures: ['cas', 'memorization'] })
 */
export const sampleQuality = definePlugin({
  point: Evaluator,
  name: 'sample-quality',
  summary:
    'Fréchet distance, precision and recall, CAS, copies, label consistency, likelihood, and pictures of samples',
  options,
  class: SampleQuality,
  requires: [Generator],
})
