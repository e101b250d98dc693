import { expected, show } from './errors.js'
import { z } from './point.js'

/** One figure of a report: none is without a name, a unit and an aggregation, and no list without an axis. */
export const measurementSchema = z
  .object({
    name: z.string().min(1).describe('what was measured; of a read-out, with its name behind a slash: `ACC/head`'),
    value: z
      .union([z.number(), z.array(z.number().nullable())])
      .describe('one number, or a list along `axis`; null where there is nothing to measure'),
    unit: z.string().min(1).describe('unit of the value: `fraction`, `nats`, …'),
    axis: z.string().min(1).optional().describe('what the index of a list counts; every list has one'),
    aggregation: z.string().min(1).describe('over what the value is a mean, or how else it came about'),
  })
  .refine(({ value, axis }) => typeof value === 'number' || axis !== undefined, {
    path: ['axis'],
    error: 'a list needs the name of its axis',
  })

/** What a run found, as data; the shape of `report.json`. Fields are described where they stand. */
export const reportSchema = z.object({
  version: z.literal(1).describe('version of this schema'),
  name: z.string().optional().describe('name of the recipe, if there was one'),
  seed: z.int().min(0).describe('seed of all randomness'),
  engine: z
    .object({
      name: z.string().describe('`native`, `wasm`, …'),
      version: z.string().describe('version of the library behind it'),
      threads: z.number().describe('threads of one operation'),
      note: z.string().optional().describe('why this engine and no other'),
    })
    .describe('the tensor engine'),
  scenario: z.enum(['class', 'task', 'domain']).describe('which labels shared one softmax'),
  readouts: z.array(z.string()).describe('the read-outs of the model; each has figures of its own'),
  tasks: z
    .array(
      z.object({
        name: z.string().describe('name of the task'),
        classes: z.array(z.string()).describe('names of its classes'),
        train: z.int().describe('training examples'),
        test: z.int().describe('test examples'),
      }),
    )
    .describe('the tasks, in the order learned'),
  rows: z
    .array(z.array(measurementSchema))
    .describe(
      'rows[t]: what phases and regularizers report of task t, counted from 0, and what the evaluators measured after it',
    ),
  summary: z.array(measurementSchema).describe('what the evaluators say over all tasks'),
  kept: z
    .record(
      z.string(),
      z.object({
        numbers: z.int().meta({ description: 'numbers kept', unit: 'numbers' }),
        bytes: z.int().meta({ description: 'their size in memory', unit: 'bytes' }),
      }),
    )
    .describe(
      'what the learner keeps after the last task, by owner: `embedder`, `head`, `decoder`, and plugins such as `generator/vae`',
    ),
  seconds: z
    .array(z.record(z.string(), z.number().meta({ description: 'how long the phase took', unit: 'seconds' })))
    .describe('seconds[t]: times by phase of task t, and `evaluate`'),
  totalSeconds: z.number().meta({ description: 'the whole run, reading of data excepted', unit: 'seconds' }),
  versions: z
    .record(z.string(), z.string())
    .describe('versions of Node, TensorFlow.js and every package that took part'),
})

/** What a run found. */
export type Report = z.output<typeof reportSchema>

/** Makes of a report of one version of the schema one of the next. */
export type Migration = (report: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>

/**
 * The steps from version 1 of the schema to today's: the first makes version 2 of version 1. Whoever changes the meaning of a field raises
 * `version` above, adds the step here, and keeps a report of the version before among the files that the tests read.
 */
const migrations: readonly Migration[] = []

/**
 * A report from the JSON of a `report.json`, checked; one of an older version of the schema is brought to today's.
 * @param json what `JSON.parse` gave
 * @param where the file, for messages
 * @throws LgmError `report` when it is none, or of a version that is not known here.
 * @example
 * const report = readReport(JSON.parse(readFileSync('results/report.json', 'utf8')), 'results/report.json')
 */
export function readReport(json: unknown, where = 'report'): Report {
  const current = migrate(json, migrations, where)
  const result = reportSchema.safeParse(current)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const got = `${path.join('.')} that is ${show(path.reduce<unknown>(valueAt, current))} (${message})`
  throw expected(where, 'a report as lgm run writes it', got, 'run the recipe again', 'report')
}

function valueAt(value: unknown, key: PropertyKey): unknown {
  return (value as Record<PropertyKey, unknown> | null | undefined)?.[key]
}

/**
 * Brings data with a `version` from 1 up to the version after the last of the steps.
 * @throws LgmError `report` when there is no version, or one that is not known.
 */
export function migrate(json: unknown, steps: readonly Migration[], where: string): unknown {
  const newest = steps.length + 1
  const version = valueAt(json, 'version')
  if (typeof version !== 'number')
    throw expected(where, 'a report with its version', show(json), 'name a report.json that lgm run wrote', 'report')
  if (!Number.isInteger(version) || version < 1 || version > newest)
    throw expected(
      where,
      `a report of version ${newest}${newest > 1 ? ' or before' : ''}`,
      `one of version ${version}`,
      'read it with the version of @lgm/core that wrote it, or run the recipe again',
      'report',
    )
  const report = json as Readonly<Record<string, unknown>>
  return steps.slice(version - 1).reduce((current, step) => step(current), report)
}
