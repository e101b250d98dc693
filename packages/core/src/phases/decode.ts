import type * as tf from '@tensorflow/tfjs'
import { inject } from '../container.js'
import { Decoder, Embedder, Options, Phase, Rng, type TaskState, Trainer } from '../contracts.js'
import { mapExamples, sampler, upload } from '../examples.js'
import { optimizerOptions } from '../optimizers.js'
import { definePlugin, z } from '../point.js'

const options = z.strictObject({
  iterations: z.int().positive().default(150).describe('training steps per task'),
  batchSize: z.int().positive().default(128).describe('examples of the current task per step'),
  replaySize: z.int().positive().default(128).describe('recalled codes per step'),
  optimizer: optimizerOptions,
})

/**
 * Trains D on the current codes and, by distillation, on recall: ‖x − D(E_t(x))‖² + ‖D(u′) − D_{t−1}(u)‖², summed over an example;
 * u are codes as they were recalled, u′ the same after migration, if there was one.
 */
class Decode implements Phase {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #decoder: Decoder
  readonly #trainer: Trainer
  readonly #rng: Rng

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Decoder) decoder: Decoder,
    @inject(Trainer) trainer: Trainer,
    @inject(Rng) rng: Rng,
  ) {
    this.#options = parsed
    this.#embedder = embedder
    this.#decoder = decoder
    this.#trainer = trainer
    this.#rng = rng
  }

  async run(state: TaskState): Promise<TaskState> {
    const { model, task, recall, decodedRecall } = state
    if (Object.keys(model.decoder).length === 0) return state
    const { iterations, batchSize, replaySize, optimizer } = this.#options
    const codes = await mapExamples(task.train, x => this.#embedder.embed(model.embedder, x))
    const next = sampler(codes.count, batchSize, this.#rng)
    const nextRecall = recall && sampler(recall.count, replaySize, this.#rng)
    const error = (params: TaskState['model']['decoder'], u: tf.Tensor, x: tf.Tensor) =>
      this.#decoder.decode(params, u).sub(x).square().sum().div(x.shape[0]!) as tf.Scalar
    const decoder = await this.#trainer.fit({
      name: 'decode',
      params: model.decoder,
      iterations,
      optimizer,
      batch: async () => {
        const rows = next()
        const batch = { u: await upload(codes, rows), x: await upload(task.train, rows) }
        if (!recall || !decodedRecall || !nextRecall) return batch
        const old = nextRecall()
        return { ...batch, recall: await upload(recall, old), decoded: await upload(decodedRecall, old) }
      },
      loss: (params, batch) => ({
        current: error(params, batch.u!, batch.x!),
        ...(batch.recall && { distillation: error(params, batch.recall, batch.decoded!) }),
      }),
    })
    return { ...state, model: { ...model, decoder } }
  }
}

export const decode = definePlugin({
  point: Phase,
  name: 'decode',
  summary: 'trains the decoder on the new codes, and on recall by distillation',
  options,
  class: Decode,
  requires: [Decoder],
  calls: [Decoder],
})
