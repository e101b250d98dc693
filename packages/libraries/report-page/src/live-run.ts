import type { Report } from '@lgm/core'
import { CurveRecorder } from './curves.js'
import type { Picture } from './pictures.js'
import type { ReportedRun } from './section.js'

type Fields = Readonly<Record<string, unknown>>

/** Hears the events of a run that goes on, and says what its report would be so far: without summary, and without what is kept at the end. */
export class LiveRun {
  readonly #curves = new CurveRecorder()
  readonly #rows: Report['rows'] = []
  readonly #classes = new Map<number, readonly string[]>()
  readonly #seconds: Record<string, number>[] = []
  #names: readonly string[] = []
  #engine: Report['engine'] = { name: 'starting', version: '', threads: 1 }
  #seed = 0

  /** Tasks whose figures are known. */
  get tasks(): number {
    return this.#rows.length
  }

  /** @param event as it was logged */
  notice(event: unknown): void {
    this.#curves.notice(event)
    if (typeof event !== 'object' || event === null) return
    const fields = event as Fields
    if (Array.isArray(fields.tasks)) this.#begin(fields)
    else if (
      typeof fields.task === 'number' &&
      Number.isInteger(fields.task) &&
      fields.task >= 0 &&
      fields.task < this.#names.length
    )
      this.#note(fields.task, fields)
  }

  /** Counts a line that could not be read. */
  unreadable(): void {
    this.#curves.unreadable()
  }

  /** The run so far. */
  run(folder: string, recipe: ReportedRun['recipe'], pictures: readonly Picture[]): ReportedRun {
    const report: Report = {
      version: 1,
      seed: this.#seed,
      engine: this.#engine,
      scenario: 'class',
      readouts: [],
      tasks: this.#names.map((name, task) => ({
        name,
        classes: [...(this.#classes.get(task) ?? [])],
        train: 0,
        test: 0,
      })),
      rows: this.#rows,
      summary: [],
      kept: {},
      seconds: Array.from(this.#seconds, task => task ?? {}),
      totalSeconds: 0,
      versions: {},
    }
    return { folder, recipe, report, curves: this.#curves.curves(), pictures }
  }

  #begin({ tasks, engine, seed }: Fields): void {
    this.#names = (tasks as readonly unknown[]).map(String)
    if (typeof engine === 'object' && engine !== null) this.#engine = engine as Report['engine']
    if (typeof seed === 'number') this.#seed = seed
  }

  #note(task: number, { type, classes, phase, seconds, measurements }: Fields): void {
    if (type === 'task-start' && Array.isArray(classes)) this.#classes.set(task, classes.map(String))
    if (type === 'phase-end' && typeof seconds === 'number') {
      const all = this.#seconds[task] ?? {}
      this.#seconds[task] = { ...all, [String(phase)]: (all[String(phase)] ?? 0) + seconds }
    }
    if (type === 'task-end' && Array.isArray(measurements) && task <= this.#rows.length)
      this.#rows[task] = measurements as Report['rows'][number]
  }
}
