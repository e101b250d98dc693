import { type LearnerEvent, z } from '@lgm/core'

/** What of a position is kept in a checkpoint. */
export const positionSchema = z.object({
  run: z.string(),
  seed: z.int().optional(),
  step: z.int(),
})
export type PositionMark = z.output<typeof positionSchema>

/**
 * Where a run stands, by the events so far. A run is known by the moment when it began. Its steps are those of training, over all tasks
 * and all fits: a fit that stands at step 40 adds 40 to the steps of the fits before it, and fits that take turns add up.
 */
export class RunPosition {
  #run: string | undefined
  #seed: number | undefined
  #task: number | undefined
  #phase: string | undefined
  #step = 0
  readonly #fits = new Map<string, number>()

  /** The moment when the run began, in ISO 8601: of its `run-start`, else of the first event heard. */
  get run(): string {
    this.#run ??= new Date().toISOString()
    return this.#run
  }
  /** The run's seed, once a `run-start` said it. */
  get seed(): number | undefined {
    return this.#seed
  }
  /** The task being learned or measured, counted from 0. */
  get task(): number | undefined {
    return this.#task
  }
  /** The phase at work; none while the learner is measured. */
  get phase(): string | undefined {
    return this.#phase
  }
  /** Steps of training since the run began. */
  get step(): number {
    return this.#step
  }

  notice(event: LearnerEvent, now: Date = new Date()): void {
    if (event.type === 'run-start') {
      this.#run = now.toISOString()
      this.#seed = event.seed
      this.#step = 0
    } else if (event.type === 'task-start') this.#task = event.task
    else if (event.type === 'step') {
      const before = this.#fits.get(event.fit) ?? 0
      // a fit that is not ahead of where it was has begun again
      this.#step += event.step > before ? event.step - before : event.step
      if (event.step < event.of) this.#fits.set(event.fit, event.step)
      else this.#fits.delete(event.fit)
    }
    this.#run ??= now.toISOString()
    if (event.type === 'step' || event.type === 'progress' || event.type === 'picture') return
    this.#phase = event.type === 'phase-start' ? event.phase : undefined
    this.#fits.clear()
    if (event.type !== 'task-start' && !event.type.startsWith('phase')) this.#task = undefined
  }

  /** What `rewind` needs to come back here, between two tasks, in another process. */
  mark(): PositionMark {
    return { run: this.run, ...(this.#seed !== undefined && { seed: this.#seed }), step: this.#step }
  }

  rewind({ run, seed, step }: PositionMark): void {
    this.#run = run
    this.#seed = seed
    this.#step = step
    this.#task = undefined
    this.#phase = undefined
    this.#fits.clear()
  }
}
