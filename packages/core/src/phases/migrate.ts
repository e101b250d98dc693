import { inject } from '../container.js'
import { Decoder, Embedder, type Examples, Generator, Options, Phase, type TaskState } from '../contracts.js'
import { arrayExamples, mapExamples, readAll, relativeDistance } from '../examples.js'
import { withMeasurements } from '../measurements.js'
import { definePlugin, z } from '../point.js'

const options = z.strictObject({
  mode: z
    .enum(['displacement', 'round-trip'])
    .default('displacement')
    .describe(
      'displacement: u + E_t(x̂) − E_{t−1}(x̂) with x̂ = D_{t−1}(u), which moves a code as its decoding moves; round-trip: E_t(x̂), which replaces it',
    ),
})

/** Moves recall from the codes of E_{t−1} to those of E_t, so that memory follows the embedder. */
class Migrate implements Phase {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder

  constructor(@inject(Options) parsed: z.output<typeof options>, @inject(Embedder) embedder: Embedder) {
    this.#options = parsed
    this.#embedder = embedder
  }

  async run(state: TaskState): Promise<TaskState> {
    const { model, previous, recall, decodedRecall } = state
    if (!previous || !recall || !decodedRecall) return state
    const embed = (params: TaskState['model']['embedder']) =>
      mapExamples(decodedRecall, x => this.#embedder.embed(params, x))
    const now = await embed(model.embedder)
    if (this.#options.mode === 'round-trip') return this.#moved(state, recall, now)
    const [codes, fresh, stale] = await Promise.all([recall, now, await embed(previous.embedder)].map(readAll))
    const values = codes!.map((value, i) => value + fresh![i]! - stale![i]!)
    return this.#moved(state, recall, arrayExamples(values, recall.shape, recall.labels, 'migrated recall'))
  }

  async #moved(state: TaskState, from: Examples, to: Examples): Promise<TaskState> {
    const figure = {
      name: 'phase/migrate/displacement',
      value: relativeDistance(await readAll(from), await readAll(to)),
      unit: 'fraction',
      aggregation: 'Σ ‖u′ − u‖² / Σ ‖u‖² over recall',
    }
    return { ...withMeasurements(state, [figure]), recall: to }
  }
}

/**
 * Migration of recall after the embedder has learned, to be listed between learn and decode or memorize.
 * Plain round trips are lossy, and are repeated with every task; displacement keeps what the decoder does not show.
 *
 * @example
 * createLearner([..., recall(), learn({ autoencode: 0.02 }), migrate(), decode(), memorize()])
 */
export const migrate = definePlugin({
  point: Phase,
  name: 'migrate',
  summary: 'moves recall into the codes of the embedder as it is now',
  options,
  class: Migrate,
  requires: [Decoder, Generator],
  calls: [Decoder],
})
