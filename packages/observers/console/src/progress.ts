import type { LearnerEvent, StepEvent } from '@lgm/core'
import { number, seconds } from './figures.js'

/** Loss terms by name, and the shares of the gradient that come from regularizers. */
type Losses = Pick<StepEvent, 'terms' | 'shares'>

const none: Losses = { terms: {}, shares: {} }

/** What is being counted now: a fit or another long work, `done` of `of`, of which `from` at the moment `start`, with its latest loss terms. */
interface Work extends Losses {
  readonly name: string
  readonly start: number
  readonly from: number
  readonly done: number
  readonly of: number
}

/** How far a run is, from its events. Times are milliseconds of one clock. */
export class Progress {
  #tasks = 0
  #task = 0
  #name = ''
  #phase = ''
  #taskStart = 0
  #finished: number[] = []
  #work: Work | undefined

  notice(event: LearnerEvent, now: number): void {
    if (event.type === 'run-start' || event.type === 'run-resume') this.#tasks = event.tasks.length
    else if (event.type === 'task-start') {
      this.#task = event.task
      this.#name = event.name
      this.#taskStart = now
    } else if (event.type === 'task-end') this.#finished.push(event.seconds)
    else if (event.type === 'step') this.#advance(event.fit, event.step, event.of, now, event)
    else if (event.type === 'progress') this.#advance(event.what, event.done, event.of, now)
    if (event.type === 'phase-start') this.#phase = event.phase
    if (event.type === 'phase-start' || event.type === 'phase-end' || event.type === 'task-end') this.#work = undefined
    if (event.type === 'phase-end' || event.type === 'task-end') this.#phase = ''
  }

  #advance(name: string, done: number, of: number, now: number, losses: Losses = none): void {
    const goesOn = this.#work?.name === name && this.#work.done < done
    const { start, from } = goesOn ? this.#work! : { start: now, from: done }
    this.#work = { name, done, of, start, from, terms: losses.terms, shares: losses.shares }
  }

  /** Milliseconds since the work at hand began. */
  lasting(now: number): number {
    return this.#work ? now - this.#work.start : 0
  }

  /** The task in words, as `task 2/5 (2, 3)`. */
  get task(): string {
    const of = this.#tasks > 0 ? `/${this.#tasks}` : ''
    return `task ${this.#task + 1}${of}${this.#name ? ` (${this.#name})` : ''}`
  }

  /** One line: task, phase, work with a bar if `width` is given, time left of it and of the run, losses by name. */
  line(now: number, width = 0): string {
    const work = this.#work
    const parts = [this.#name || this.#tasks > 0 ? this.task : 'starting']
    if (!work) return [...parts, ...(this.#phase ? [this.#phase] : []), ...this.#runLeft(now, 0)].join(' · ')
    const name = this.#phase && this.#phase !== work.name ? `${this.#phase}: ${work.name}` : work.name
    const filled = Math.round((width * work.done) / work.of)
    const bar = width > 0 ? ` ${'█'.repeat(filled)}${'░'.repeat(width - filled)}` : ''
    parts.push(`${name}${bar} ${number(work.done)}/${number(work.of)}`)
    const elapsed = (now - work.start) / 1000
    const left = work.done > work.from ? (elapsed / (work.done - work.from)) * (work.of - work.done) : 0
    if (elapsed > 0.5) parts.push(`${seconds(left)} left`)
    const losses = Object.entries({ ...work.terms, ...work.shares }).map(([name]) => {
      const size = name in work.terms ? ` ${work.terms[name]!.toPrecision(3)}` : ''
      const share = work.shares[name]
      return `${name.replace('regularizer/', '')}${size}${share === undefined ? '' : ` (${Math.round(100 * share)} % of the gradient)`}`
    })
    return [...parts, ...this.#runLeft(now, left), ...(losses.length > 0 ? [losses.join(', ')] : [])].join(' · ')
  }

  /** The rest of the run, if every task takes as long as the finished ones did on average, but at least that of the work at hand. */
  #runLeft(now: number, atLeast: number): string[] {
    if (this.#finished.length === 0 || this.#finished.length >= this.#tasks) return []
    const mean = this.#finished.reduce((sum, duration) => sum + duration, 0) / this.#finished.length
    const left = mean * (this.#tasks - this.#finished.length) - (now - this.#taskStart) / 1000
    return [`run ${seconds(Math.max(atLeast, left))} left`]
  }
}
