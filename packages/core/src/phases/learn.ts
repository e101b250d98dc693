import * as tf from '@tensorflow/tfjs'
import { inject, nameOf } from '../container.js'
import {
  type Carried,
  Decoder,
  Embedder,
  type Examples,
  type Fit,
  Head,
  type Model,
  Options,
  type Params,
  Phase,
  Regularizer,
  Rng,
  type State,
  type TaskState,
  Trainer,
  type Update,
} from '../contracts.js'
import { expected } from '../errors.js'
import { labelsAt, mapExamples, oneHot, sampler, upload } from '../examples.js'
import { withMeasurements } from '../measurements.js'
import { classMask, meanCrossEntropy } from '../ops/losses.js'
import { optimizerOptions } from '../optimizers.js'
import { disposeParams, flatten, subset, unflatten, viewParams } from '../params.js'
import { definePlugin, z } from '../point.js'
import { EarlyAccuracy } from './early.js'
import { having, Watch } from './watch.js'

const options = z.strictObject({
  iterations: z.int().positive().default(500).describe('training steps per task'),
  batchSize: z.int().positive().default(128).describe('examples of the current task per step'),
  replaySize: z.int().positive().default(128).describe('recalled examples per step'),
  optimizer: optimizerOptions,
  embedder: z
    .enum(['train', 'freeze', 'freeze-after-first'])
    .default('train')
    .describe('whether the embedder learns: in every task, never, or in the first only'),
  replayWeight: z
    .union([z.enum(['tasks', 'classes']), z.number().min(0).max(1)])
    .default('tasks')
    .describe(
      'weight of recall against current data: 1 − 1/N over N tasks so far, the share of old classes, or a number',
    ),
  labels: z
    .enum(['hard', 'soft'])
    .default('hard')
    .describe('targets of recall: its labels, or the probabilities of the last classifier'),
  temperature: z
    .number()
    .positive()
    .default(2)
    .describe('temperature of soft targets; their loss is multiplied by its square'),
  decoded: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('share of the replay weight that goes to decoded recall, E(D(u)); needs a decoder'),
  autoencode: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of ‖x − D(E(x))‖², summed over an example, while E learns; needs a decoder'),
  regularize: z
    .boolean()
    .default(true)
    .describe('whether the regularizers join in; false for a second pass that only refits the head'),
  early: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "first steps after each of which, and once before them, accuracy on the task's test data is measured, for the area under the learning curve (LCA)",
    ),
})

type LearnOptions = z.output<typeof options>

/** Trains E and C on the current task and on recall, with one softmax over the active classes; regularizers join in. */
class Learn implements Phase {
  readonly #options: LearnOptions
  readonly #embedder: Embedder
  readonly #head: Head
  readonly #decoder: Decoder | undefined
  readonly #regularizers: readonly Regularizer[]
  readonly #trainer: Trainer
  readonly #rng: Rng

  constructor(
    @inject(Options) parsed: LearnOptions,
    @inject(Embedder) embedder: Embedder,
    @inject(Head) head: Head,
    @inject(Decoder) decoder: Decoder | undefined,
    @inject(Regularizer) regularizers: readonly Regularizer[],
    @inject(Trainer) trainer: Trainer,
    @inject(Rng) rng: Rng,
  ) {
    if (!decoder && (parsed.decoded > 0 || parsed.autoencode > 0))
      throw expected(
        'phase "learn"',
        'a decoder for the options decoded and autoencode',
        'none',
        'add a decoder, or set both to 0',
        'composition',
      )
    this.#options = parsed
    this.#embedder = embedder
    this.#head = head
    this.#decoder = decoder
    this.#regularizers = parsed.regularize ? regularizers : []
    this.#trainer = trainer
    this.#rng = rng
  }

  async run(state: TaskState): Promise<TaskState> {
    let begun = state
    try {
      for (const regularizer of this.#regularizers) begun = (await regularizer.begin?.(begun)) ?? begun
      const learned = await this.#train(begun)
      disposeParams(flatten(begun.model), flatten(state.model), flatten(learned.model))
      return learned
    } catch (error) {
      disposeParams(flatten(begun.model), flatten(state.model))
      throw error
    }
  }

  async #train(state: TaskState): Promise<TaskState> {
    const { model, task } = state
    const trains = this.#trains(state)
    const inputs = trains ? task.train : await mapExamples(task.train, x => this.#embedder.embed(model.embedder, x))
    const trained: Partial<Model> = {
      head: model.head,
      ...(trains && { embedder: model.embedder }),
      ...(trains && this.#options.autoencode > 0 && { decoder: model.decoder }),
    }
    const watch = new Watch(this.#regularizers, state, trains)
    const classify = (flat: Params, x: tf.Tensor) => {
      const viewed = this.#viewed(flat, state)
      return this.#head.classify(viewed.head, this.#embedder.embed(viewed.embedder, x))
    }
    const early = new EarlyAccuracy(this.#options.early, state, classify)
    const params = await this.#trainer.fit({
      name: 'learn',
      params: flatten(trained),
      iterations: this.#options.iterations,
      optimizer: this.#options.optimizer,
      batch: await this.#batches(state, inputs, trains),
      loss: (flat, batch) => this.#loss(this.#viewed(flat, state), batch, state, trains),
      watch: (flat, step) => early.watch(flat, step),
      ...this.#hooks(state, trains),
      notice: event => watch.notice(event),
      carried: carriedBy(this.#regularizers, early),
    })
    return {
      ...withMeasurements(state, [...watch.measurements(), ...early.measurements()]),
      model: { ...model, ...present(unflatten(params)) },
    }
  }

  /** The model with the parameters in training, as the regularizers let the task see it. */
  #viewed(flat: Params, { model, task }: TaskState): Model {
    return unflatten(viewParams(this.#regularizers, { ...flatten(model), ...flat }, task.index))
  }

  #trains(state: TaskState): boolean {
    if (Object.keys(state.model.embedder).length === 0) return false
    return this.#options.embedder === 'train' || (this.#options.embedder === 'freeze-after-first' && !state.previous)
  }

  async #batches(
    state: TaskState,
    inputs: Examples,
    trains: boolean,
  ): Promise<() => Promise<Record<string, tf.Tensor>>> {
    const { batchSize, replaySize, decoded } = this.#options
    const { recall, decodedRecall, seen, previous } = state
    const classes = seen.names.length
    const next = sampler(inputs.count, batchSize, this.#rng)
    const soft = recall && previous && (await this.#softTargets(recall, previous))
    const rehearsed = trains && decoded > 0 ? decodedRecall : undefined
    const nextRecall = recall && sampler(recall.count, replaySize, this.#rng)
    return async () => {
      const rows = next()
      const labels = labelsAt(inputs, rows)
      const batch: Record<string, tf.Tensor> = {
        x: await upload(inputs, rows),
        targets: oneHot(labels, classes),
        labels: tf.tensor1d(labels, 'int32'),
      }
      let active = labels
      if (recall && nextRecall) {
        const recalled = nextRecall()
        const old = labelsAt(recall, recalled)
        active = Int32Array.from([...labels, ...old])
        batch.recall = await upload(recall, recalled)
        batch.recallTargets = soft ? await padded(soft, recalled, classes) : oneHot(old, classes)
        if (rehearsed) batch.decoded = await upload(rehearsed, recalled)
      }
      const mask = classMask(active, seen)
      return mask ? { ...batch, mask } : batch
    }
  }

  /** softmax(C_{t−1}(u) / T) for every recalled code, or nothing when targets are hard. */
  async #softTargets(recall: Examples, previous: Model): Promise<Examples | undefined> {
    if (this.#options.labels === 'hard') return undefined
    return mapExamples(recall, u =>
      tf.softmax(this.#head.classify(previous.head, u).div(this.#options.temperature) as tf.Tensor2D),
    )
  }

  #loss(
    model: Model,
    batch: Readonly<Record<string, tf.Tensor>>,
    state: TaskState,
    trains: boolean,
  ): Record<string, tf.Scalar> {
    const { x, targets, recall, recallTargets, decoded, mask } = batch as Record<string, tf.Tensor2D>
    const weight = recall ? replayWeight(this.#options.replayWeight, state) : 0
    const examples = decoded ? tf.concat([x!, decoded]) : x!
    const codes = trains ? this.#embedder.embed(model.embedder, examples) : x!
    const count = x!.shape[0]
    const logits = this.#head.classify(model.head, recall ? tf.concat([codes, recall as tf.Tensor]) : codes)
    const rows = (from: number, size: number, maskFrom: number) => {
      const slice = logits.shape[0] === size ? logits : logits.slice([from, 0], [size, -1])
      return mask ? slice.add(mask.slice([maskFrom, 0], [size, -1])) : slice
    }
    const terms: Record<string, tf.Scalar> = {
      current: meanCrossEntropy(rows(0, count, 0) as tf.Tensor2D, targets!, 1 - weight),
    }
    if (recall) {
      const share = decoded ? this.#options.decoded : 0
      const recalled = (from: number, part: number) =>
        this.#recallLoss(rows(from, recall.shape[0], count) as tf.Tensor2D, recallTargets!, weight * part)
      terms.replay = recalled(codes.shape[0]!, 1 - share)
      if (decoded) terms.decoded = recalled(count, share)
    }
    if (trains && this.#options.autoencode > 0) {
      const error = this.#decoder!.decode(model.decoder, codes).sub(examples).square().sum()
      terms.autoencoding = error.mul(this.#options.autoencode / examples.shape[0]!) as tf.Scalar
    }
    return terms
  }

  #recallLoss(logits: tf.Tensor2D, targets: tf.Tensor2D, weight: number): tf.Scalar {
    const { labels, temperature } = this.#options
    if (labels === 'hard') return meanCrossEntropy(logits, targets, weight)
    return meanCrossEntropy(logits.div(temperature), targets, weight * temperature ** 2)
  }

  /** Penalties add; projections compose in the order listed; every tracker hears of every update. */
  #hooks(state: TaskState, trains: boolean) {
    const frozen = trains ? {} : flatten({ embedder: state.model.embedder })
    const whole = (params: Params): Params => ({ ...frozen, ...params })
    const tracking = this.#regularizers.filter(regularizer => regularizer.track)
    const penalties: NonNullable<Fit['penalties']> = Object.fromEntries(
      having(this.#regularizers, 'penalty').map(([name, regularizer]) => [
        name,
        (params, { x, labels }) =>
          regularizer.penalty(whole(params), { x: x!, labels: labels as tf.Tensor1D, embedded: !trains }),
      ]),
    )
    const projections: NonNullable<Fit['projections']> = Object.fromEntries(
      having(this.#regularizers, 'project').map(([name, regularizer]) => [
        name,
        (gradients, params) => regularizer.project(gradients, whole(params)),
      ]),
    )
    return {
      penalties,
      projections,
      ...(tracking.length > 0 && {
        track: (update: Update) => {
          for (const regularizer of tracking) regularizer.track!(update)
        },
      }),
    }
  }
}

/** What regularizers have gathered since `begin`, by name, and accuracies. */
function carriedBy(regularizers: readonly Regularizer[], early: EarlyAccuracy): Carried {
  const carriers = regularizers.flatMap(part => (part.underway ? [[nameOf(part), part.underway] as const] : []))
  return {
    state() {
      const states = carriers.map(([name, underway]) => [name, underway.state()] as const)
      return {
        tensors: flatten(Object.fromEntries(states.map(([name, { tensors }]) => [name, tensors]))),
        values: { early: early.found, ...Object.fromEntries(states.map(([name, { values }]) => [name, values])) },
      }
    },
    restore({ tensors, values }, params) {
      early.goOn(values.early as readonly number[])
      for (const [name, underway] of carriers)
        underway.restore({ tensors: subset(tensors, name), values: values[name] as State['values'] }, params)
    },
  }
}

/** The weight of recall: 1 − 1/N with N tasks so far, or the share of old classes among the seen, or a fixed number. */
function replayWeight(option: LearnOptions['replayWeight'], { task, before, seen }: TaskState): number {
  if (typeof option === 'number') return option
  if (option === 'tasks') return 1 - 1 / (task.index + 1)
  return Math.min(before.names.length / seen.names.length, 1 - task.classes.length / seen.names.length || 0.5)
}

/** Soft targets over the old classes at `indices`, with zeros for the new ones. */
async function padded(targets: Examples, indices: Int32Array, classes: number): Promise<tf.Tensor2D> {
  const old = targets.shape[0]!
  const values = await targets.read(indices)
  const rows = new Float32Array(indices.length * classes)
  for (let i = 0; i < indices.length; i++) rows.set(values.subarray(i * old, (i + 1) * old), i * classes)
  return tf.tensor2d(rows, [indices.length, classes])
}

/** The parts that have parameters. */
function present(model: Model): Partial<Model> {
  return Object.fromEntries(Object.entries(model).filter(([, params]) => Object.keys(params).length > 0))
}

export const learn = definePlugin({
  point: Phase,
  name: 'learn',
  summary: 'trains the embedder and the head on the task and on recall',
  options,
  class: Learn,
  calls: [Regularizer],
})
