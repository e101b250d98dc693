import type { Measurement, TaskState } from './contracts.js'

/** The state with figures added, in the place of earlier ones of the same name. */
export function withMeasurements(state: TaskState, figures: readonly Measurement[]): TaskState {
  const names = new Set(figures.map(({ name }) => name))
  const others = (state.measurements ?? []).filter(({ name }) => !names.has(name))
  return { ...state, measurements: [...others, ...figures] }
}
