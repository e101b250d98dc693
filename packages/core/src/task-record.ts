import type { State, StepEvent } from './contracts.js'
import { expected } from './errors.js'
import { z } from './point.js'
import { decodeArrays, encodeArrays, type NamedArray } from './safetensors.js'

/** What a fit had come to: its parameters and slots after `step` steps, what it carries along, and the events of those steps. */
export interface FitRecord {
  readonly name: string
  readonly step: number
  readonly of: number
  readonly seconds: number
  readonly events: readonly StepEvent[]
  readonly values: State['values']
  /** `params/…`, `first/…`, `second/…`, `carried/…`; of a finished fit no slots. */
  readonly arrays: Readonly<Record<string, NamedArray>>
}

/** How far a task has come within: its fits so far, in order, the last of which may be unfinished. */
export interface TaskRecord {
  readonly task: number
  readonly fits: readonly FitRecord[]
}

const eventSchema = z.object({
  type: z.literal('step'),
  fit: z.string(),
  step: z.int(),
  of: z.int(),
  terms: z.record(z.string(), z.number()),
  shares: z.record(z.string(), z.number()),
})

const recordSchema = z.object({
  format: z.literal('lgm-underway'),
  version: z.literal(1),
  task: z.int().min(0),
  fits: z.array(
    z
      .object({
        name: z.string(),
        step: z.int().min(0),
        of: z.int().min(0),
        seconds: z.number(),
        events: z.array(eventSchema),
        values: z.record(z.string(), z.unknown()),
      })
      .refine(({ step, of }) => step <= of, 'no more steps than there are'),
  ),
})

export const recordFile = 'manifest.json'
const fitFile = (index: number) => `fit-${index + 1}.safetensors`

/** The files of a record: `manifest.json`, and `fit-<n>.safetensors` for each fit. */
export function encodeRecord({ task, fits }: TaskRecord): ReadonlyMap<string, Uint8Array> {
  const about = { format: 'lgm-underway', version: 1, task, fits: fits.map(({ arrays, ...rest }) => rest) }
  return new Map([
    [recordFile, new TextEncoder().encode(JSON.stringify(about))],
    ...fits.map(({ arrays }, i) => [fitFile(i), encodeArrays(arrays)] as const),
  ])
}

/**
 * Reads what `encodeRecord` wrote.
 * @param read gives a file by its name
 * @throws LgmError `checkpoint` when a file is damaged or of another version; what `read` throws.
 */
export async function readRecord(read: (name: string) => Promise<Uint8Array>): Promise<TaskRecord> {
  const about = parseRecord(await read(recordFile))
  const fits: FitRecord[] = []
  for (const [i, fit] of about.fits.entries())
    fits.push({ ...fit, arrays: decodeArrays(await read(fitFile(i)), fitFile(i)).arrays })
  return { task: about.task, fits }
}

function parseRecord(bytes: Uint8Array): z.output<typeof recordSchema> {
  try {
    return recordSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : []
    const got = issue ? `another (${issue.path.join('.')}: ${issue.message})` : 'no JSON'
    throw expected(recordFile, 'a record of a task, version 1', got, 'begin the task again', 'checkpoint')
  }
}
