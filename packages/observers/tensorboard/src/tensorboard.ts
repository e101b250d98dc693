import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { definePlugin, expected, inject, type LearnerEvent, Observer, Options, z } from '@lgm/core'
import { LogFile, positionSchema, RunPosition } from '@lgm/log-file'
import { record } from './record.js'
import { summaryEvent, versionEvent } from './summary.js'
import { valuesOf } from './values.js'

const options = z.strictObject({
  folder: z
    .string()
    .min(1)
    .default('tensorboard')
    .describe('folder for TensorBoard; each run has one of its own in it'),
  curves: z
    .int()
    .min(0)
    .default(20)
    .describe('how many tasks have curves of their own of figures that are lists by task'),
  interval: z.number().min(0).default(5).describe('seconds between two writes within a task'),
})

const where = 'observer "tensorboard"'
const markSchema = z.object({ position: positionSchema, folder: z.string(), file: z.string(), bytes: z.int() })

class Tensorboard implements Observer {
  readonly #options: z.output<typeof options>
  readonly #position = new RunPosition()
  readonly #described = new Set<string>()
  #log: LogFile | undefined

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  notice(event: LearnerEvent): void {
    const now = new Date()
    this.#position.notice(event, now)
    if (event.type === 'run-start') this.close()
    const values = valuesOf(event, { curves: this.#options.curves, described: this.#described })
    if (values.length > 0) {
      this.#log ??= this.#begin()
      this.#log.append(record(summaryEvent(now.getTime() / 1000, this.#position.step, values)))
    }
    if (event.type === 'task-end' || event.type === 'run-end' || event.type === 'run-failed') this.#log?.flush()
  }

  mark(): z.output<typeof markSchema> {
    this.#log ??= this.#begin()
    const { path } = this.#log
    return { position: this.#position.mark(), ...placeOf(path), bytes: this.#log.mark() }
  }

  rewind(mark: unknown): void {
    const { success, data } = markSchema.safeParse(mark)
    if (!success)
      throw expected(where, 'a mark of its own', JSON.stringify(mark), 'resume with the same recipe', 'write')
    this.close()
    this.#position.rewind(data.position)
    this.#log = this.#file(data.folder, data.file)
    this.#log.rewind(data.bytes)
  }

  close(): void {
    const log = this.#log
    this.#log = undefined
    this.#described.clear()
    log?.close()
  }

  /** A new file in a new folder. */
  #begin(): LogFile {
    const { run, seed } = this.#position
    const began = run.slice(0, 19).replaceAll(':', '-')
    const folder = newFolder(this.#options.folder, seed === undefined ? began : `${began}-seed-${seed}`)
    const seconds = Math.floor(Date.parse(run) / 1000)
    return this.#file(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.lgm`)
  }

  #file(folder: string, name: string): LogFile {
    const { interval } = this.#options
    const head = record(versionEvent(Date.parse(this.#position.run) / 1000))
    return new LogFile({ where, path: join(this.#options.folder, folder, name), interval, head })
  }
}

function placeOf(path: string): { folder: string; file: string } {
  return { folder: basename(join(path, '..')), file: basename(path) }
}

/** Makes a folder that was not there, of this name or with a number after it; returns its name. */
function newFolder(parent: string, name: string): string {
  try {
    mkdirSync(parent, { recursive: true })
    for (let n = 1; ; n++) {
      const unique = n === 1 ? name : `${name}-${n}`
      try {
        mkdirSync(join(parent, unique))
        return unique
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
  } catch (error) {
    throw expected(where, `to make a folder in ${parent}`, (error as Error).message, 'name another folder', 'write')
  }
}

/**
 * Writes event files that TensorBoard reads: losses and shares of the gradient by fit, figures after each task and of the summary, lists
 * as histograms, pictures. The step of everything is that of training: over all tasks and fits since the run began. Each run has a new
 * folder, `<when it began>-seed-<seed>`; one that is taken up again goes on in its own. Events are written every few seconds, and after
 * each task.
 *
 * @throws LgmError `write` when a file cannot be written.
 * @example
 * createLearner([tensorboard({ folder: 'runs' }), stream, embedder, head])
 */
export const tensorboard = definePlugin({
  point: Observer,
  name: 'tensorboard',
  summary: 'losses, figures and pictures as event files of TensorBoard',
  options,
  class: Tensorboard,
})
