import { expected, show } from './errors.js'
import { z } from './point.js'

export const measurementSchema = z.object({
  name: z.string().describe('what was measured; of a read-out, with its name behind a slash: `ACC/head`'),
  value: z
    .union([z.number(), z.array(z.number().nullable())])
    .describe('one number, or a list along `axis`; null where there is nothing to measure'),
  unit: z.string().describe('unit of the value: `fraction`, `nats`, …'),
  axis: z.string().optional().describe('what the index of a list counts'),
  aggregation: z.string().describe('over what the value is a mean, or how else it came about'),
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
        numbers: z.int().describe('numbers kept'),
        bytes: z.int().describe('their size in memory'),
      }),
    )
    .describe(
      'what the learner keeps after the last task, by owner: `embedder`, `head`, `decoder`, and plugins such as `generator/vae`',
    ),
  seconds: z.array(z.record(z.string(), z.number())).describe('seconds[t]: seconds by phase of task t, and `evaluate`'),
  totalSeconds: z.number().describe('seconds of the whole run, reading of data excepted'),
  versions: z
    .record(z.string(), z.string())
    .describe('versions of Node, TensorFlow.js and every package that took part'),
})

/** What a run found. */
export type Report = z.output<typeof reportSchema>

/** The version of the schema that is written. */
const written = 1

/**
 * `migrations[n]` makes of a report of version n one of version n + 1. Whoever raises `written` adds the step from the version before
 * here, and a report of that version to the files that the tests read.
 */
const migrations: Readonly<Record<number, (report: object) => object>> = {}

/**
 * A report from the JSON of a `report.json`, checked; one of an older version of the schema is brought to today's.
 * @param json what `JSON.parse` gave
 * @param where the file, for messages
 * @throws LgmError `report` when it is none, or of a version that is not known here.
 * @example
 * const report = readReport(JSON.parse(readFileSync('results/report.json', 'utf8')), 'results/report.json')
 */
export function readReport(json: unknown, where = 'report'): Report {
  const version = typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined
  if (typeof version !== 'number')
    throw expected(where, 'a report with its version', show(json), 'name a report.json that lgm run wrote', 'report')
  const result = reportSchema.safeParse(upToDate(json as object, version, where))
  if (result.success) return result.data
  const [issue] = result.error.issues
  const what = `a report of version ${written}`
  const got = `one whose ${issue!.path.join('.') || 'value'} is wrong (${issue!.message})`
  throw expected(where, what, got, 'run the recipe again', 'report')
}

function upToDate(report: object, version: number, where: string): object {
  let current = report
  for (let from = version; from !== written; from++) {
    const migrate = migrations[from]
    if (from > written || migrate === undefined)
      throw expected(
        where,
        `a report of version ${written} or one before`,
        `one of version ${version}`,
        version > written ? 'read it with the newer @lgm/core that wrote it' : 'run the recipe again',
        'report',
      )
    current = migrate(current)
  }
  return current
}
