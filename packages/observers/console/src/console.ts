import { definePlugin, inject, type LearnerEvent, Observer, Options, z } from '@lgm/core'
import { createColors } from 'picocolors'
import { figure, seconds } from './figures.js'
import { Progress } from './progress.js'
import { type Output, Screen } from './screen.js'
import { summaryTable } from './table.js'

const options = z.strictObject({
  interval: z.number().positive().default(5).describe('seconds between two lines where the output is no terminal'),
  table: z.boolean().default(true).describe('whether the final table is shown'),
})

/** What lasts no longer than this, in milliseconds, is done before it can be read. */
const brief = 2000

/** On a terminal a line is rewritten no more often than this, in milliseconds. */
const frame = 100

/** Turns events into lines on `output`; `now` is a clock in milliseconds. */
export class ConsoleLines {
  readonly #options: z.output<typeof options>
  readonly #screen: Screen
  readonly #colors: ReturnType<typeof createColors>
  readonly #now: () => number
  readonly #progress = new Progress()
  #last = 0

  constructor(given: z.output<typeof options>, output: Output, now: () => number = () => performance.now()) {
    this.#options = given
    this.#screen = new Screen(output)
    this.#colors = createColors(output.isTTY === true && !process.env.NO_COLOR)
    this.#now = now
  }

  notice(event: LearnerEvent): void {
    const now = this.#now()
    this.#progress.notice(event, now)
    if (event.type === 'run-start' || event.type === 'run-resume') {
      const { name, version, threads, note } = event.engine
      const engine = `${name} (${version}), ${threads} ${threads === 1 ? 'thread' : 'threads'}${note ? `; ${note}` : ''}`
      const about = event.type === 'run-start' ? `seed ${event.seed}` : `going on with task ${event.task + 1}`
      this.#screen.print(this.#colors.dim(`${event.tasks.length} tasks, ${about}, engine ${engine}`))
      this.#last = now
    } else if (event.type === 'task-end') {
      const figures = event.measurements.filter(
        ({ name, value }) => typeof value === 'number' && !/^(regularizer|phase|generator|footprint)\//.test(name),
      )
      const words = figures.map(measurement => `${measurement.name} ${figure(measurement)}`).join(', ')
      this.#screen.print(
        `${this.#colors.green('✔')} ${this.#progress.task}${words ? `: ${words}` : ''} · ${seconds(event.seconds)}`,
      )
      this.#last = now
    } else if (event.type === 'run-end') {
      this.#screen.clear()
      if (this.#options.table && event.summary.length > 0) this.#screen.print(summaryTable(event.summary))
    } else if (event.type === 'run-failed') this.#screen.clear()
    else this.#follow(now)
  }

  close(): void {
    this.#screen.clear()
  }

  #follow(now: number): void {
    if (this.#screen.live) {
      if (now - this.#last < frame) return
      this.#screen.show(this.#progress.line(now, 12))
    } else {
      if (now - this.#last < this.#options.interval * 1000 || this.#progress.lasting(now) < brief) return
      this.#screen.print(this.#progress.line(now))
    }
    this.#last = now
  }
}

class Console implements Observer {
  readonly #lines: ConsoleLines

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#lines = new ConsoleLines(given, process.stderr)
  }

  notice(event: LearnerEvent): void {
    this.#lines.notice(event)
  }

  close(): void {
    this.#lines.close()
  }
}

/**
 * Shows a run on the terminal, on the standard error output: progress with the time left, losses by name, one line a task, and
 * a table at the end. On a terminal the progress is one line that is rewritten; elsewhere a line every few seconds. Colours are left out
 * where there is no terminal or NO_COLOR is set.
 *
 * @example
 * createLearner([console(), stream, embedder, head])
 */
export const console = definePlugin({
  point: Observer,
  name: 'console',
  summary: 'progress, losses and results on the terminal',
  options,
  class: Console,
})
