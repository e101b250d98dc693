import type { Answers, Evaluator, Measurement, RunFacts, TaskState } from './contracts.js'
import { expected } from './errors.js'
import type { z } from './point.js'
import type { measurementSchema } from './report.js'

/** A figure as a report has it. */
export type Measured = z.output<typeof measurementSchema>

/** What evaluators find after one task: `[k]` are the figures of the k-th. */
export async function evaluate(
  evaluators: readonly Evaluator[],
  state: TaskState,
  answers: readonly Answers[],
  facts?: RunFacts,
): Promise<Measured[][]> {
  const found: Measured[][] = []
  for (const evaluator of evaluators) found.push((await evaluator.evaluate(state, answers, facts)).map(copy))
  return found
}

/** The row of a report: what phases and regularizers had to say of the task, then the evaluators. */
export function rowOf(
  { measurements = [] }: { readonly measurements?: readonly (Measurement | Measured)[] },
  found: readonly (readonly Measured[])[],
): Measured[] {
  return [...measurements.map(copy), ...found.flat()]
}

/** What evaluators say over all tasks, from what they found after each: `[t][k]` are the figures of the k-th after task t. */
export function summarize(
  evaluators: readonly Evaluator[],
  found: readonly (readonly (readonly Measured[])[])[],
): Measured[] {
  return evaluators.flatMap((evaluator, k) =>
    (evaluator.summarize?.(found.map(row => row[k]! as readonly Measurement[])) ?? []).map(copy),
  )
}

/**
 * A measurement whose arrays can be changed by nobody else.
 * @throws LgmError `plugin` where a report could not hold it: better after the first task than when all is learned
 */
function copy(measurement: Measurement | Measured): Measured {
  const { value, axis, ...rest } = measurement
  const empty = (['name', 'unit', 'aggregation'] as const).find(what => !rest[what])
  const lacks = empty ?? (axis || (axis === undefined && typeof value === 'number') ? undefined : 'axis')
  if (lacks !== undefined)
    throw expected(
      `figure "${rest.name}"`,
      'name, unit, aggregation and, of a list, axis',
      `no ${lacks}`,
      'let the plugin that measures it give one',
      'plugin',
    )
  return { ...rest, ...(axis !== undefined && { axis }), value: typeof value === 'number' ? value : [...value] }
}
