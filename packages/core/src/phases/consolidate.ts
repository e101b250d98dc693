import { inject } from '../container.js'
import { Phase, Regularizer, type TaskState } from '../contracts.js'
import { definePlugin, z } from '../point.js'

/** Lets every regularizer take note of the finished task, in the order listed. */
class Consolidate implements Phase {
  readonly #regularizers: readonly Regularizer[]

  constructor(@inject(Regularizer) regularizers: readonly Regularizer[]) {
    this.#regularizers = regularizers
  }

  async run(state: TaskState): Promise<TaskState> {
    for (const regularizer of this.#regularizers) await regularizer.consolidate(state)
    return state
  }
}

export const consolidate = definePlugin({
  point: Phase,
  name: 'consolidate',
  summary: 'lets the regularizers take note of the finished task',
  options: z.strictObject({}),
  class: Consolidate,
  calls: [Regularizer],
})
