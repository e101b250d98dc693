import {
  cloneParams,
  Decoder,
  definePlugin,
  Embedder,
  Generator,
  Head,
  inject,
  type Measurement,
  mapParams,
  nameOf,
  Options,
  type Params,
  Regularizer,
  Rng,
  type State,
  type TaskState,
  z,
} from '@lgm/core'
import { EpisodicMemory, innerProduct, memoryOptions } from '@lgm/episodic-memory'
import * as tf from '@tensorflow/tfjs'

const options = z.strictObject(memoryOptions)

/** Lets no step raise the mean loss on a memory of all tasks before, to first order. */
class AGem implements Regularizer {
  readonly #memory: EpisodicMemory
  #violations: tf.Scalar | undefined
  #steps = 0

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Head) head: Head,
    @inject(Generator) generator: Generator | undefined,
    @inject(Decoder) decoder: Decoder | undefined,
    @inject(Rng) rng: Rng,
  ) {
    this.#memory = new EpisodicMemory('regularizer "a-gem"', parsed, { embedder, head, generator, decoder, rng })
  }

  async begin(state: TaskState): Promise<void> {
    this.#forgetCounts()
    await this.#memory.open(state, 'together')
  }

  readonly underway = {
    state: () => ({
      tensors: cloneParams(this.#violations ? { violations: this.#violations } : {}),
      values: { steps: this.#steps },
    }),
    restore: ({ tensors, values }: State) => {
      this.#forgetCounts()
      this.#violations = cloneParams(tensors).violations as tf.Scalar | undefined
      this.#steps = values.steps as number
      this.#memory.passOver(this.#steps)
    },
  }

  project(gradients: Params, params: Params): Params {
    if (this.#memory.groups === 0) return gradients
    return tf.tidy(() => {
      const names = this.#memory.names(gradients)
      const { projected, violated } = projectAway(gradients, this.#memory.gradient(0, params, names))
      const before = this.#violations
      this.#violations = tf.keep(before ? before.add(violated) : violated)
      this.#steps += 1
      before?.dispose()
      return projected as Params & tf.TensorContainer
    })
  }

  measure(): readonly Measurement[] {
    if (!this.#violations) return []
    const projected = this.#violations.dataSync()[0]!
    const name = nameOf(this)
    return [
      {
        name: `${name}/violations`,
        value: projected / this.#steps,
        unit: 'fraction',
        aggregation: 'share of the steps of learn at which the gradient was projected',
      },
      { name: `${name}/projected`, value: projected, unit: 'steps', aggregation: 'sum over the steps of learn' },
    ]
  }

  async consolidate(state: TaskState): Promise<void> {
    this.#forgetCounts()
    this.#memory.close()
    await this.#memory.add(state)
  }

  state(): State {
    return this.#memory.state()
  }

  restore(state: State): void {
    this.dispose()
    this.#memory.restore(state)
  }

  dispose(): void {
    this.#forgetCounts()
    this.#memory.dispose()
  }

  #forgetCounts(): void {
    this.#violations?.dispose()
    this.#violations = undefined
    this.#steps = 0
  }
}

/**
 * g − min(g·r, 0) / (r·r) · r: the vector nearest to g that does not point against r (Chaudhry et al. 2019, eq. 11), and 1 where g did,
 * else 0. g and r are vectors over all tensors of `reference`; what it does not have stays as it is. Nothing is read from the engine.
 */
export function projectAway(gradients: Params, reference: Params): { projected: Params; violated: tf.Scalar } {
  const product = innerProduct(gradients, reference)
  const factor = tf.divNoNan(tf.minimum(product, 0), innerProduct(reference, reference))
  const projected = mapParams(gradients, (gradient, name) =>
    reference[name] ? gradient.sub(reference[name].mul(factor)) : gradient,
  )
  return { projected, violated: product.less(0).toFloat() as tf.Scalar }
}

/**
 * Averaged gradient episodic memory: where the gradient g of a step points against the gradient r of the mean cross-entropy on a
 * batch of memory, g·r < 0, the part that does is taken away, g ← g − (g·r / r·r) r, over all protected parameters as one vector.
 *
 * Chaudhry, Ranzato, Rohrbach & Elhoseiny 2019, arXiv:1812.00420, eq. 11. **Deviation:** batches of memory are passes over it in a
 * random order rather than independent draws; memory may be generated.
 *
 * @example
 * aGem({ perClass: 25, batchSize: 256 })
 */
export const aGem = definePlugin({
  point: Regularizer,
  name: 'a-gem',
  summary: 'averaged gradient episodic memory: no step may raise the mean loss on old tasks',
  options,
  class: AGem,
})
