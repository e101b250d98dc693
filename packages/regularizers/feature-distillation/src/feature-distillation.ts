import {
  type Batch,
  cloneParams,
  definePlugin,
  disposeParams,
  Embedder,
  emptyState,
  inject,
  Options,
  type Params,
  Regularizer,
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
})

/** λ · meanₙ ‖E_t(xₙ) − E_{t−1}(xₙ)‖² on the batch. The teacher lives from `begin` to `consolidate`; nothing is kept. */
class FeatureDistillation implements Regularizer {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  #teacher: Params | undefined

  constructor(@inject(Options) parsed: z.output<typeof options>, @inject(Embedder) embedder: Embedder) {
    this.#options = parsed
    this.#embedder = embedder
  }

  begin({ model, previous }: TaskState): void {
    this.dispose()
    requireEmbedder('regularizer "feature-distillation"', model)
    if (previous) this.#teacher = cloneParams(previous.embedder)
  }

  penalty(params: Params, { x, embedded }: Batch): tf.Scalar {
    const teacher = this.#teacher
    // codes of a frozen embedder are those of its teacher
    if (!teacher || embedded) return tf.scalar(0)
    return tf.tidy(() => {
      const distance = this.#embedder.embed(subset(params, 'embedder'), x).sub(this.#embedder.embed(teacher, x))
      return distance
        .square()
        .sum()
        .mul(this.#options.strength / x.shape[0]!) as tf.Scalar
    })
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
    if (this.#teacher) disposeParams(this.#teacher)
    this.#teacher = undefined
  }
}

/**
 * Feature distillation: λ · meanₙ ‖E_t(xₙ) − E_{t−1}(xₙ)‖² over the current examples of a step, summed over the numbers of a code. The
 * embedder keeps the codes that the last one gives, as far as new data can show; E_{t−1} runs in the loop.
 *
 * Jung et al. 2016, arXiv:1607.00122. **Deviation:** the head is not frozen.
 *
 * @throws LgmError `composition` in `begin`, for an embedder without parameters.
 * @example
 * featureDistillation({ strength: 0.2 })
 */
export const featureDistillation = definePlugin({
  point: Regularizer,
  name: 'feature-distillation',
  summary: 'the embedder keeps the codes that the last one gives to current data',
  options,
  class: FeatureDistillation,
})
