import { orRefused, refused } from './check-restored.js'
import type { Rng, State, Stateful } from './contracts.js'
import { disposeParams } from './params.js'

/** A part of a learner with its state out of a file. */
export interface Restored {
  readonly part: Stateful
  readonly state: State
}

/**
 * Restores all parts, or none: where one refuses its state, or `check` what has come of them together, all get back what they had.
 * `check` may ask the parts what changes them, such as a generator for samples.
 * @throws LgmError `checkpoint` in the name of the part that refused.
 */
export function restoreAll(
  parts: ReadonlyMap<string, Restored>,
  rngs: ReadonlyMap<Rng, readonly number[]>,
  check: () => void,
): void {
  const before = [...parts.values()].map(({ part }) => ({ part, state: part.state() }))
  const drawn = [...rngs.keys()].map(rng => [rng, rng.state()] as const)
  const restore = () => {
    for (const [name, { part, state }] of parts) orRefused(name, () => part.restore(state))
    for (const [rng, words] of rngs) rng.restore(words)
  }
  try {
    restore()
    check()
    restore()
  } catch (error) {
    for (const { part, state } of before) part.restore(state)
    for (const [rng, words] of drawn) rng.restore(words)
    throw refused('checkpoint', error)
  } finally {
    for (const { state } of before) disposeParams(state.tensors)
  }
}
