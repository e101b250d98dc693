import { z } from './point.js'

const measurement = z.object({
  name: z.string(),
  value: z.union([z.number(), z.array(z.number().nullable())]),
  unit: z.string(),
  axis: z.string().optional(),
  aggregation: z.string(),
})

/**
 * What a run found, as data; the shape of `report.json`. `rows[t]` are the evaluators' measurements after task t, `summary` those
 * over all tasks; `name` is that of the recipe, if there was one; `kept` counts what the learner keeps between tasks after the last one, by owner; `seconds[t]` is by phase.
 */
export const reportSchema = z.object({
  version: z.literal(1),
  name: z.string().optional(),
  seed: z.int().min(0),
  engine: z.object({ name: z.string(), version: z.string(), threads: z.number(), note: z.string().optional() }),
  scenario: z.enum(['class', 'task', 'domain']),
  readouts: z.array(z.string()),
  tasks: z.array(z.object({ name: z.string(), classes: z.array(z.string()), train: z.int(), test: z.int() })),
  rows: z.array(z.array(measurement)),
  summary: z.array(measurement),
  kept: z.record(z.string(), z.object({ numbers: z.int(), bytes: z.int() })),
  seconds: z.array(z.record(z.string(), z.number())),
  totalSeconds: z.number(),
  versions: z.record(z.string(), z.string()),
})

/** What a run found. */
export type Report = z.output<typeof reportSchema>
