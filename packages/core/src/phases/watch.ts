import { nameOf } from '../container.js'
import type { Measurement, Regularizer, StepEvent, TaskState } from '../contracts.js'
import { expected } from '../errors.js'

/** The regularizers that have a verb, with their names. */
export function having<Verb extends 'penalty' | 'project'>(regularizers: readonly Regularizer[], verb: Verb) {
  return regularizers
    .filter((regularizer): regularizer is Regularizer & Required<Pick<Regularizer, Verb>> => verb in regularizer)
    .map(regularizer => [nameOf(regularizer), regularizer] as const)
}

/** After so many steps of a later task a penalty must have shown itself. */
const patience = 100

/** Watches what the regularizers do in one fit: sizes of penalties, shares of the gradient, and penalties that do nothing. */
export class Watch {
  readonly #regularizers: readonly Regularizer[]
  readonly #state: TaskState
  readonly #trains: boolean
  readonly #sizes = new Map<string, number>()
  readonly #shares = new Map<string, number[]>()
  #steps = 0

  constructor(regularizers: readonly Regularizer[], state: TaskState, trains: boolean) {
    this.#regularizers = regularizers
    this.#state = state
    this.#trains = trains
    for (const [name] of having(regularizers, 'penalty')) this.#sizes.set(name, 0)
  }

  notice({ step, of, terms, shares }: StepEvent): void {
    for (const [name, size] of this.#sizes) this.#sizes.set(name, size + terms[name]! * (step - this.#steps))
    for (const [name, share] of Object.entries(shares))
      this.#shares.set(name, [...(this.#shares.get(name) ?? []), share])
    this.#steps = step
    if (this.#state.before.names.length > 1 && step > 1 && (step === of || step >= patience)) this.#refuseIdle()
  }

  /** @throws LgmError `composition` when a penalty was zero at every step although a task was consolidated before. */
  #refuseIdle(): void {
    for (const [name, size] of this.#sizes)
      if (size === 0)
        throw expected(
          name.replace('/', ' "').concat('"'),
          'a penalty above 0 after the first task',
          `0 at each of ${this.#steps} steps`,
          this.#trains
            ? 'raise its strength if that is 0, list the phase consolidate (and recall, if it needs samples), or leave it out'
            : 'the embedder is frozen, so let it hold the head too, let the embedder learn, or leave it out',
          'composition',
        )
  }

  measurements(): readonly Measurement[] {
    const sizes = Array.from(this.#sizes, ([name, size]) => ({
      name: `${name}/penalty`,
      value: size / this.#steps,
      unit: 'loss',
      aggregation: 'mean over the steps of learn',
    }))
    const shares = Array.from(this.#shares, ([name, values]) => ({
      name: name.endsWith('/projection') ? `${name}-share` : `${name}/share`,
      value: values.reduce((sum, value) => sum + value, 0) / values.length,
      unit: 'fraction',
      aggregation: 'share of the gradient, mean over one of 20 steps of learn',
    }))
    return [...sizes, ...shares, ...this.#regularizers.flatMap(regularizer => regularizer.measure?.() ?? [])]
  }
}
