import * as tf from '@tensorflow/tfjs'
import { createBreath } from '../breath.js'
import type { Measurement, Params, TaskState } from '../contracts.js'
import { labelsAt, range, upload } from '../examples.js'
import { classMask } from '../ops/losses.js'

/**
 * Accuracy on the task's own test data after each of the first steps of a fit, and before them: what the area under the learning curve
 * (LCA) is made of. Chaudhry et al. 2019, arXiv:1812.00420.
 */
export class EarlyAccuracy {
  readonly #steps: number
  readonly #state: TaskState
  readonly #classify: (params: Params, x: tf.Tensor) => tf.Tensor2D
  readonly #found: number[] = []

  /** Looks `steps` steps far; `classify` gives logits over all seen classes. */
  constructor(steps: number, state: TaskState, classify: (params: Params, x: tf.Tensor) => tf.Tensor2D) {
    this.#steps = steps
    this.#state = state
    this.#classify = classify
  }

  async watch(params: Params, step: number): Promise<void> {
    const { task, seen } = this.#state
    const { test } = task
    if (this.#steps === 0 || step > this.#steps || test.count === 0) return
    const breathe = createBreath()
    let right = 0
    for (let from = 0; from < test.count; from += 1000) {
      const indices = range(from, Math.min(from + 1000, test.count))
      const labels = labelsAt(test, indices)
      const x = await upload(test, indices)
      const guesses = tf.tidy(() => {
        const logits = this.#classify(params, x)
        const mask = classMask(labels, seen)
        return (mask ? logits.add(mask) : logits).argMax(1)
      })
      const guessed = await guesses.data()
      for (const [i, label] of labels.entries()) if (guessed[i] === label) right++
      tf.dispose([x, guesses])
      await breathe()
    }
    this.#found.push(right / test.count)
  }

  /** What was found so far. */
  get found(): readonly number[] {
    return this.#found
  }

  /** Goes on from what was found before. */
  goOn(found: readonly number[]): void {
    this.#found.splice(0, this.#found.length, ...found)
  }

  measurements(): readonly Measurement[] {
    if (this.#found.length === 0) return []
    return [
      {
        name: 'phase/learn/early-accuracy',
        value: [...this.#found],
        unit: 'fraction',
        axis: 'steps',
        aggregation: 'accuracy of the head on test data of the task after as many training steps',
      },
    ]
  }
}
