import { inject } from '../container.js'
import { Embedder, Generator, Phase, type TaskState } from '../contracts.js'
import { mapExamples } from '../examples.js'
import { withMeasurements } from '../measurements.js'
import { definePlugin, z } from '../point.js'

/** Fits G to the codes of the current task and to recall, so that G matches the embedder that is deployed; reports what G measures. */
class Memorize implements Phase {
  readonly #embedder: Embedder
  readonly #generator: Generator

  constructor(@inject(Embedder) embedder: Embedder, @inject(Generator) generator: Generator) {
    this.#embedder = embedder
    this.#generator = generator
  }

  async run(state: TaskState): Promise<TaskState> {
    const codes = await mapExamples(state.task.train, x => this.#embedder.embed(state.model.embedder, x))
    await this.#generator.memorize(codes, state.recall)
    return withMeasurements(state, this.#generator.measure?.() ?? [])
  }
}

export const memorize = definePlugin({
  point: Phase,
  name: 'memorize',
  summary: 'fits the generator to the codes of the task and to recall',
  options: z.strictObject({}),
  class: Memorize,
  requires: [Generator],
  calls: [Generator],
})
