import {
  compose,
  createRng,
  createTrainer,
  type Definition,
  Evaluator,
  Events,
  evaluate,
  type Measured,
  measurementSchema,
  nameOf,
  needsOf,
  Options,
  type Plugin,
  Rng,
  rowOf,
  type Stateful,
  summarize,
  Trainer,
  z,
} from '@lgm/core'
import type { SavedAnswers } from './answers.js'
import { asTold, NotSaved } from './as-told.js'

/** What evaluators found in saved answers. */
export interface Evaluation {
  /** `[t]`: what phases and regularizers reported of task t, and what the evaluators find after it; as `rows` of a report. */
  readonly rows: readonly (readonly Measured[])[]
  /** What the evaluators say over all tasks; as `summary` of a report. */
  readonly summary: readonly Measured[]
  /** The evaluators that answers do not suffice for. */
  readonly leftOut: readonly LeftOut[]
}

/** An evaluator that found nothing, and the reason. */
export interface LeftOut {
  readonly evaluator: string
  readonly why: string
}

/** The shape of `evaluation.json`. */
export const evaluationSchema = z.object({
  version: z.literal(1).describe('version of this schema'),
  name: z.string().optional().describe('name of the recipe of the run'),
  seed: z.int().min(0).describe('seed of the run'),
  evaluators: z.array(z.looseObject({ use: z.string() })).describe('the evaluators, with all their options'),
  leftOut: z
    .array(z.object({ evaluator: z.string(), why: z.string() }))
    .describe('the evaluators that answers do not suffice for'),
  rows: z.array(z.array(measurementSchema)).describe('as in `report.json`'),
  summary: z.array(measurementSchema).describe('as in `report.json`'),
})

/** Services that do not lead to the learner. */
const offered = new Set([Options, Rng, Trainer, Events].map(({ token }) => token))

/**
 * Why answers do not suffice for an evaluator, as far as its definition tells: it asks for parts of a learner. `undefined` where it does not.
 */
export function whyNotFromAnswers(definition: Definition): string | undefined {
  const parts = needsOf(definition).filter(({ token }) => !offered.has(token))
  if (parts.length === 0) return undefined
  return `it works on the model itself (${parts.map(({ name }) => name).join(', ')})`
}

/**
 * Evaluates saved answers, in the order of tasks, as a run does: the figures are those that the run would have found, to the bit. An
 * evaluator is left out that asks for parts of a learner, or reads what is not saved: model, examples, recall, seconds.
 *
 * @throws LgmError what evaluators throw, for instance for options that do not fit the answers.
 * @example
 * const { summary } = await evaluateAnswers([accuracy(), calibration({ bins: 10 })], files.map(file => decodeAnswers(file)))
 */
export async function evaluateAnswers(
  plugins: readonly Plugin[],
  saved: Iterable<SavedAnswers> | AsyncIterable<SavedAnswers>,
  seed = 0,
): Promise<Evaluation> {
  const leftOut: LeftOut[] = plugins.flatMap(({ definition }) => {
    const why = whyNotFromAnswers(definition)
    return why === undefined ? [] : [{ evaluator: definition.name, why }]
  })
  const events: Events = { emit: () => {} }
  const services = { rng: createRng(seed), trainer: createTrainer(events), events }
  const parts = compose(
    plugins.filter(({ definition }) => whyNotFromAnswers(definition) === undefined),
    [],
    [Evaluator],
    services,
  )
  let evaluators = parts.all(Evaluator)
  const moments: (Pick<SavedAnswers, 'measurements'> & { found: Map<Evaluator, Measured[]> })[] = []
  try {
    for await (const moment of saved) {
      const { state, answers, facts } = asTold(moment)
      const found = new Map<Evaluator, Measured[]>()
      for (const evaluator of evaluators)
        try {
          found.set(evaluator, (await evaluate([evaluator], state, answers, facts))[0]!)
        } catch (error) {
          if (!(error instanceof NotSaved)) throw error
          evaluators = evaluators.filter(other => other !== evaluator)
          const why = `it reads what is not saved (${error.message})`
          leftOut.push({ evaluator: nameOf(evaluator).replace(`${Evaluator.name}/`, ''), why })
        }
      moments.push({ measurements: moment.measurements, found })
    }
    const found = moments.map(moment => evaluators.map(evaluator => moment.found.get(evaluator)!))
    return {
      rows: moments.map((moment, t) => rowOf(moment, found[t]!)),
      summary: summarize(evaluators, found),
      leftOut,
    }
  } finally {
    for (const part of parts.all(Evaluator)) (part as Partial<Stateful>).dispose?.()
  }
}
