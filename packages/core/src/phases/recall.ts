import * as tf from '@tensorflow/tfjs'
import { createBreath } from '../breath.js'
import { inject } from '../container.js'
import {
  Decoder,
  Events,
  type Examples,
  Generator,
  Head,
  type Model,
  Options,
  Phase,
  type TaskState,
} from '../contracts.js'
import { arrayExamples, mapExamples, readAll, sizeOf } from '../examples.js'
import { definePlugin, z } from '../point.js'

const options = z.strictObject({
  perClass: z.int().positive().default(1000).describe('samples drawn per old class, once per task; they are not kept'),
  limit: z
    .int()
    .positive()
    .default(50_000)
    .describe('samples drawn in all at most, so that a task costs the same however many came before'),
  classes: z
    .enum(['old', 'seen'])
    .default('old')
    .describe(
      'those of earlier tasks; or those of this task too, after memorize, so that a classifier can be trained on nothing but what is recalled',
    ),
  labels: z
    .enum(['generator', 'classifier'])
    .default('generator')
    .describe(
      'labels of the samples: those asked of the generator, or what the classifier of the last task makes of them',
    ),
})

/**
 * Draws the pool of recall, balanced over the old classes: samples u of G as it stands before this task, and what D makes of them,
 * where there is one. Neither is kept beyond the task. Of the classes seen, this task's included, it is G and D as they are now.
 */
class Recall implements Phase {
  readonly #options: z.output<typeof options>
  readonly #generator: Generator
  readonly #head: Head
  readonly #decoder: Decoder | undefined
  readonly #events: Events

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Generator) generator: Generator,
    @inject(Head) head: Head,
    @inject(Decoder) decoder: Decoder | undefined,
    @inject(Events) events: Events,
  ) {
    this.#options = parsed
    this.#generator = generator
    this.#head = head
    this.#decoder = decoder
    this.#events = events
  }

  async run(state: TaskState): Promise<TaskState> {
    const isLate = this.#options.classes === 'seen'
    const classes = (isLate ? state.seen : state.before).names.length
    const model = isLate ? state.model : state.previous
    if (classes === 0 || !model) return state
    const perClass = Math.max(1, Math.min(this.#options.perClass, Math.floor(this.#options.limit / classes)))
    const sampled = await samplePool(this.#generator, classes, perClass, this.#events)
    const recall = { ...sampled, labels: await this.#labels(sampled, model) }
    if (!this.#decoder) return { ...state, recall }
    return { ...state, recall, decodedRecall: await mapExamples(recall, u => this.#decoder!.decode(model.decoder, u)) }
  }

  async #labels(sampled: Examples, { head }: Model): Promise<Int32Array> {
    if (this.#options.labels === 'generator') return sampled.labels
    const guessed = await mapExamples(sampled, u => this.#head.classify(head, u).argMax(1).expandDims(1).toFloat())
    return Int32Array.from(await readAll(guessed))
  }
}

/** `perClass` samples of each of classes 0 to `classes` − 1, in memory. */
export async function samplePool(
  generator: Generator,
  classes: number,
  perClass: number,
  events: Events,
): Promise<Examples> {
  const labels = Int32Array.from({ length: classes * perClass }, (_, i) => i % classes)
  const chunk = 1000
  const breathe = createBreath()
  let values = new Float32Array(0)
  let shape: readonly number[] = []
  for (let from = 0; from < labels.length; from += chunk) {
    const samples = tf.tidy(() => generator.sample(labels.subarray(from, from + chunk)))
    shape = samples.shape.slice(1)
    if (from === 0) values = new Float32Array(labels.length * sizeOf(shape))
    values.set((await samples.data()) as Float32Array, from * sizeOf(shape))
    samples.dispose()
    await breathe()
    events.emit({ type: 'progress', what: 'sampling', done: Math.min(from + chunk, labels.length), of: labels.length })
  }
  return arrayExamples(values, shape, labels, 'samples of the generator')
}

export const recall = definePlugin({
  point: Phase,
  name: 'recall',
  summary: 'draws samples of old classes from the generator',
  options,
  class: Recall,
  requires: [Generator],
  calls: [Generator],
})
