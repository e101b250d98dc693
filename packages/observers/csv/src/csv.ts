import { join } from 'node:path'
import { definePlugin, expected, inject, type LearnerEvent, type Measurement, Observer, Options, z } from '@lgm/core'
import { LogFile, positionSchema, RunPosition } from '@lgm/log-file'
import { type Cell, row, rowsOf } from './rows.js'

const options = z.strictObject({
  folder: z.string().min(1).default('csv').describe('where figures.csv and steps.csv are; made if absent'),
  steps: z.boolean().default(true).describe('whether losses are written, to steps.csv'),
  interval: z.number().min(0).default(5).describe('seconds between two writes within a task'),
})

const figureColumns = 'time run seed task step name axis index value unit aggregation'.split(' ')
const stepColumns = 'time run seed task phase fit step step_of_fit kind name value'.split(' ')

const markSchema = z.object({ position: positionSchema, figures: z.int(), steps: z.int().optional() })

class Csv implements Observer {
  readonly #figures: LogFile
  readonly #steps: LogFile | undefined
  readonly #position = new RunPosition()

  constructor(@inject(Options) { folder, steps, interval }: z.output<typeof options>) {
    const table = (name: string, columns: readonly string[]) =>
      new LogFile({
        where: 'observer "csv"',
        path: join(folder, name),
        interval,
        head: Buffer.from(row(columns)),
        end: Buffer.from('\n'),
      })
    this.#figures = table('figures.csv', figureColumns)
    this.#steps = steps ? table('steps.csv', stepColumns) : undefined
  }

  notice(event: LearnerEvent): void {
    const now = new Date()
    this.#position.notice(event, now)
    const { run, seed, step, task, phase } = this.#position
    const begin: readonly Cell[] = [now.toISOString(), run, seed]
    if (event.type === 'step') {
      const { fit, terms, shares } = event
      const rest = [task, phase, fit, step, event.step]
      const rows = [
        ...Object.entries(terms).map(([name, value]) => row([...begin, ...rest, 'loss', name, value])),
        ...Object.entries(shares).map(([name, value]) => row([...begin, ...rest, 'share', name, value])),
      ]
      if (rows.length > 0) this.#steps?.append(Buffer.from(rows.join('')))
      return
    }
    const rows = figuresOf(event).flatMap(figure =>
      cellsOf(figure).map(cells => row([...begin, ...placeOf(event), step, ...cells])),
    )
    if (rows.length > 0) this.#figures.append(Buffer.from(rows.join('')))
    if (event.type === 'task-end' || event.type === 'run-end' || event.type === 'run-failed') {
      this.#figures.flush()
      this.#steps?.flush()
    }
  }

  mark(): z.output<typeof markSchema> {
    const position = this.#position.mark()
    return { position, figures: this.#figures.mark(), ...(this.#steps && { steps: this.#steps.mark() }) }
  }

  rewind(mark: unknown): void {
    const { success, data } = markSchema.safeParse(mark)
    if (!success || (this.#steps && data.steps === undefined))
      throw expected(
        'observer "csv"',
        'a mark of its own',
        JSON.stringify(mark),
        'resume with the same options',
        'write',
      )
    this.#position.rewind(data.position)
    // other runs may have come after it in the same files
    const ofOthers = (after: Buffer) =>
      Buffer.from(
        rowsOf(after.toString())
          .filter(line => line.split(',', 2)[1] !== data.position.run)
          .join(''),
      )
    this.#figures.rewind(data.figures, ofOthers)
    if (data.steps !== undefined) this.#steps?.rewind(data.steps, ofOthers)
  }

  close(): void {
    this.#figures.close()
    this.#steps?.close()
  }
}

/** What an event measures: figures, and seconds of phases, tasks and the run. */
function figuresOf(event: LearnerEvent): readonly Measurement[] {
  const seconds = (name: string, value: number) => ({ name, value, unit: 'seconds', aggregation: 'sum' })
  if (event.type === 'phase-end') return [seconds(`seconds/${event.phase}`, event.seconds)]
  if (event.type === 'task-end') return [...event.measurements, seconds('seconds', event.seconds)]
  return event.type === 'run-end' ? [...event.summary, seconds('seconds', event.seconds)] : []
}

function placeOf(event: LearnerEvent): Cell[] {
  return ['task' in event ? event.task : undefined]
}

/** One row for a number, one an entry for a list. */
function cellsOf({ name, axis, value, unit, aggregation }: Measurement): readonly (readonly Cell[])[] {
  if (typeof value === 'number') return [[name, axis, undefined, value, unit, aggregation]]
  return value.map((entry, index) => [name, axis, index, entry, unit, aggregation])
}

/**
 * Writes a run as two tables of comma-separated values (RFC 4180, lines end with a line feed): `figures.csv` with a row a figure, a list
 * with a row an entry, and `steps.csv` with a row a loss term or share of the gradient. What is there is appended to; the column `run`,
 * the moment when a run began, tells runs apart. Rows are written every few seconds, and after each task.
 *
 * @throws LgmError `write` when a file cannot be written, or is another kind of table.
 * @example
 * createLearner([csv({ folder: 'runs/1' }), stream, embedder, head])
 */
export const csv = definePlugin({
  point: Observer,
  name: 'csv',
  summary: 'losses and figures as tables of comma-separated values',
  options,
  class: Csv,
})
