import {
  Decoder,
  definePlugin,
  Embedder,
  emptyState,
  expected,
  Generator,
  inject,
  inMemory,
  type Measurement,
  mapExamples,
  nameOf,
  Options,
  type Params,
  Regularizer,
  Rng,
  range,
  readAll,
  relativeDistance,
  requireEmbedder,
  type State,
  subset,
  type TaskState,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject({
  strength: z
    .number()
    .min(0)
    .default(0.2)
    .describe('λ, weight of the squared distance, which is summed over the numbers of a code'),
  target: z
    .enum(['latent', 'round-trip'])
    .default('round-trip')
    .describe(
      'where E is to bring x̂ = D_{t−1}(u): latent, to u; round-trip, to E_{t−1}(x̂), which leaves the error of the decoder out',
    ),
  batchSize: z.int().positive().default(128).describe('recalled examples per step, drawn at random'),
})

/** Decoded recall x̂ and the codes that E is to give it, row for row, outside the engine. */
interface Pool {
  readonly count: number
  readonly decoded: (rows: Int32Array) => tf.Tensor
  readonly targets: (rows: Int32Array) => tf.Tensor
}

/** λ · meanₙ ‖targetₙ − E(x̂ₙ)‖². The pool lives from `begin` to `consolidate`; nothing is kept between tasks. */
class AeDistillation implements Regularizer {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #rng: Rng
  #pool: Pool | undefined
  #floor: number | undefined

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Rng) rng: Rng,
  ) {
    this.#options = parsed
    this.#embedder = embedder
    this.#rng = rng
  }

  async begin({ model, previous, recall, decodedRecall }: TaskState): Promise<void> {
    this.dispose()
    this.#floor = undefined
    requireEmbedder('regularizer "ae-distillation"', model)
    if (!previous) return
    if (!recall || !decodedRecall)
      throw expected(
        'regularizer "ae-distillation"',
        'samples of old classes and their decodings',
        'none',
        'list the phase recall before learn',
        'composition',
      )
    const returned = await mapExamples(decodedRecall, x => this.#embedder.embed(previous.embedder, x))
    this.#floor = relativeDistance(await readAll(recall), await readAll(returned))
    this.#pool = {
      count: recall.count,
      decoded: await inMemory(decodedRecall),
      targets: await inMemory(this.#options.target === 'latent' ? recall : returned),
    }
  }

  penalty(params: Params): tf.Scalar {
    const { strength, batchSize } = this.#options
    const pool = this.#pool
    if (!pool) return tf.scalar(0)
    const rows = pool.count <= batchSize ? range(0, pool.count) : this.#rng.integers(batchSize, pool.count)
    return tf.tidy(() => {
      const distance = this.#embedder.embed(subset(params, 'embedder'), pool.decoded(rows)).sub(pool.targets(rows))
      return distance
        .square()
        .sum()
        .mul(strength / rows.length) as tf.Scalar
    })
  }

  measure(): readonly Measurement[] {
    if (this.#floor === undefined) return []
    return [
      {
        name: `${nameOf(this)}/round-trip-floor`,
        value: this.#floor,
        unit: 'fraction',
        aggregation: 'Σ ‖u − E(D(u))‖² / Σ ‖u‖² over recall, with E and D as they were before the task',
      },
    ]
  }

  consolidate(): void {
    this.dispose()
  }

  state(): State {
    return emptyState
  }

  restore(): void {
    this.dispose()
  }

  dispose(): void {
    this.#pool = undefined
  }
}

/**
 * Autoencoding distillation: λ · E_{u ~ G_{t−1}} ‖target − E_t(D_{t−1}(u))‖², so that the embedder goes on reading what the last decoder
 * writes, without any stored example. u are balanced over the old classes; the norm is summed over the numbers of a code. D_{t−1} and
 * E_{t−1} run once per task, on the pool of recall, and not in the loop.
 *
 * `target: latent` is u itself: it asks E_t to make good the error of the decoder too. `target: round-trip` is E_{t−1}(D_{t−1}(u)), which
 * E_{t−1} reaches with no penalty at all.
 *
 * @throws LgmError `composition` in `begin`, for an embedder without parameters, and for a task without recall after the first.
 * @example
 * createLearner([mlp(), linear(), mlpDecoder(), gaussian(), aeDistillation({ strength: 0.2 })])
 */
export const aeDistillation = definePlugin({
  point: Regularizer,
  name: 'ae-distillation',
  summary: 'autoencoding distillation: the embedder still reads what the last decoder writes',
  options,
  class: AeDistillation,
  requires: [Decoder, Generator],
})
