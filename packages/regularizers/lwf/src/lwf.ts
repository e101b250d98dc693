import {
  type Batch,
  cloneParams,
  definePlugin,
  disposeParams,
  Embedder,
  emptyState,
  flatten,
  Head,
  inject,
  Options,
  type Params,
  Regularizer,
  type State,
  subset,
  type TaskState,
  taskMask,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { distillation } from './distillation.js'

const options = z.strictObject({
  strength: z
    .union([z.literal('tasks'), z.number().min(0)])
    .default('tasks')
    .describe(
      'λ, weight of the distillation; tasks: N − 1 with N tasks so far, so that loss and distillation are mixed as 1/N to 1 − 1/N',
    ),
  temperature: z.number().positive().default(2).describe('T; the loss is multiplied by its square'),
})

/** What there is from `begin` to `consolidate`: E_{t−1} and C_{t−1}, λ of this task, and one mask for each old task, or none. */
interface Lesson {
  readonly teacher: Params
  readonly strength: number
  readonly masks: tf.Tensor2D | undefined
}

/** λ T² · meanₙ KL(teacher ‖ student) between softened answers on the batch. Nothing is kept between tasks. */
class Lwf implements Regularizer {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #head: Head
  #lesson: Lesson | undefined

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Head) head: Head,
  ) {
    this.#options = parsed
    this.#embedder = embedder
    this.#head = head
  }

  begin({ task, before, previous }: TaskState): void {
    this.dispose()
    if (!previous) return
    const { strength } = this.#options
    const old = Array.from(new Set(before.taskOf))
    this.#lesson = {
      teacher: cloneParams(flatten({ embedder: previous.embedder, head: previous.head })),
      strength: strength === 'tasks' ? task.index : strength,
      masks: before.scenario === 'task' ? taskMask(old, before) : undefined,
    }
  }

  penalty(params: Params, batch: Batch): tf.Scalar {
    if (!this.#lesson) return tf.scalar(0)
    const { teacher, strength, masks } = this.#lesson
    const { temperature } = this.#options
    return tf.tidy(
      () =>
        distillation(this.#classify(params, batch), this.#classify(teacher, batch), temperature, masks).mul(
          strength * temperature ** 2,
        ) as tf.Scalar,
    )
  }

  #classify(params: Params, { x, embedded }: Batch): tf.Tensor2D {
    const codes = embedded ? x : this.#embedder.embed(subset(params, 'embedder'), x)
    return this.#head.classify(subset(params, 'head'), codes)
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
    if (!this.#lesson) return
    disposeParams(this.#lesson.teacher)
    this.#lesson.masks?.dispose()
    this.#lesson = undefined
  }
}

/**
 * Learning without forgetting: λ T² · meanₙ KL( softmax(C_{t−1}(E_{t−1}(xₙ)) / T) ‖ softmax(C_t(E_t(xₙ)) / T) ) over the current
 * examples of a step. The last model runs in the loop; no example is stored, and no generator is needed.
 *
 * Which classes share a softmax follows van de Ven & Tolias (2019, arXiv:1904.07734) and their code. Class- and domain-incremental: the
 * old classes for the teacher, all seen ones for the student, so that the targets of new classes are zeros. Task-incremental: the classes
 * of each old task by themselves, averaged over the old tasks. With `strength: tasks`, loss and distillation are mixed as
 * 1/N to 1 − 1/N, as there.
 *
 * Li & Hoiem 2016, arXiv:1606.09282. **Deviation:** the entropy of the teacher is taken off their cross-entropy, so that it is zero where
 * nothing is forgotten; the gradient is the same. Training starts without a warm-up of the new classes.
 *
 * @example
 * lwf({ strength: 'tasks', temperature: 2 })
 */
export const lwf = definePlugin({
  point: Regularizer,
  name: 'lwf',
  summary: 'learning without forgetting: the soft labels of the last model on current data',
  options,
  class: Lwf,
})
