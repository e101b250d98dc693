import { createReadStream } from 'node:fs'
import type { Point } from './sketch.js'
import { Sketch } from './sketch.js'

/** A loss term, or a regularizer's share, over the training steps. */
export interface Curve {
  readonly name: string
  readonly points: readonly Point[]
  /** Of each task: the last value, the least and the greatest, as they were logged. */
  readonly tasks: readonly Stretch[]
}

/** What a task left of a curve. */
export interface Stretch {
  readonly task: number
  readonly last: number
  readonly least: number
  readonly greatest: number
}

/** The curves of one fit: steps are counted over all tasks. */
export interface FitCurves {
  readonly name: string
  readonly steps: number
  /** The step at which each task begins. */
  readonly starts: readonly { readonly task: number; readonly step: number }[]
  readonly terms: readonly Curve[]
  readonly shares: readonly Curve[]
}

/** All curves of a run. */
export interface Curves {
  readonly fits: readonly FitCurves[]
  /** Steps that were logged. */
  readonly logged: number
  /** Lines that are no events, and values that are no numbers. */
  readonly unreadable: number
}

/** More names than this are not losses. */
const mostCurves = 200

class Recorder {
  readonly #sketch = new Sketch()
  readonly #tasks = new Map<number, { last: number; least: number; greatest: number }>()

  add(task: number, step: number, value: number): void {
    this.#sketch.add(step, value)
    const stretch = this.#tasks.get(task)
    if (!stretch) this.#tasks.set(task, { last: value, least: value, greatest: value })
    else {
      stretch.last = value
      stretch.least = Math.min(stretch.least, value)
      stretch.greatest = Math.max(stretch.greatest, value)
    }
  }

  curve(name: string): Curve {
    return { name, points: this.#sketch.points(), tasks: [...this.#tasks].map(([task, rest]) => ({ task, ...rest })) }
  }
}

class FitRecorder {
  readonly terms = new Map<string, Recorder>()
  readonly shares = new Map<string, Recorder>()
  readonly #starts: { task: number; step: number }[] = []
  #base = 0
  #step = 0

  /** The step over all tasks. */
  stepOf(task: number, step: number): number {
    if (this.#starts.at(-1)?.task !== task || step <= this.#step) {
      this.#base += this.#step
      if (this.#starts.at(-1)?.task !== task) this.#starts.push({ task, step: this.#base })
    }
    this.#step = step
    return this.#base + step
  }

  curves(name: string): FitCurves {
    const all = (recorders: Map<string, Recorder>) => [...recorders].map(([of, recorder]) => recorder.curve(of))
    return {
      name,
      steps: this.#base + this.#step,
      starts: this.#starts,
      terms: all(this.terms),
      shares: all(this.shares),
    }
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Hears the events of a run, and keeps of its losses what a chart can show: memory does not grow with the steps. */
export class CurveRecorder {
  readonly #fits = new Map<string, FitRecorder>()
  #task = 0
  #phase = ''
  #logged = 0
  #unreadable = 0
  #curves = 0

  /** @param event an event as it was logged; others than steps and beginnings are passed over */
  notice(event: unknown): void {
    if (!isFields(event)) this.unreadable()
    else if (event.type === 'task-start' && typeof event.task === 'number') this.#task = event.task
    else if (event.type === 'phase-start') this.#phase = String(event.phase)
    else if (event.type === 'step') this.#step(event)
  }

  /** Counts something that could not be read. */
  unreadable(): void {
    this.#unreadable++
  }

  /** What was heard so far. */
  curves(): Curves {
    const fits = [...this.#fits].map(([name, fit]) => fit.curves(name))
    return { fits, logged: this.#logged, unreadable: this.#unreadable }
  }

  #step({ fit, step, terms, shares }: Fields): void {
    if (typeof fit !== 'string' || typeof step !== 'number' || !(step >= 0)) {
      this.unreadable()
      return
    }
    this.#logged++
    // a phase that stands twice in a pipeline has two names, its fit has one
    const name = this.#phase === '' || this.#phase.startsWith(fit) ? this.#phase || fit : `${this.#phase}: ${fit}`
    const recorder = this.#fits.get(name) ?? new FitRecorder()
    this.#fits.set(name, recorder)
    const at = recorder.stepOf(this.#task, step)
    this.#add(recorder.terms, at, terms)
    this.#add(recorder.shares, at, shares)
  }

  #add(recorders: Map<string, Recorder>, step: number, values: unknown): void {
    for (const [name, value] of Object.entries(isFields(values) ? values : {})) {
      if (typeof value !== 'number') {
        this.unreadable()
        continue
      }
      const known = recorders.get(name)
      if (!known && this.#curves >= mostCurves) continue
      const recorder = known ?? new Recorder()
      if (!known) this.#curves += Number(recorders.set(name, recorder).size > 0)
      recorder.add(this.#task, step, value)
    }
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** The kinds of events that are looked at, as they stand near the beginning of a line. */
const wanted = /"type":"(?:step|task-start|phase-start)"/
/** A line that is longer holds no losses. */
const longest = 1 << 20

/**
 * The curves of a log of events, `events.jsonl`, line by line: memory is bounded, whatever the length of the log. A last line that was cut
 * off counts as unreadable.
 * @param progress told how many bytes were read
 */
export async function readCurves(path: string, progress: (bytes: number) => void = () => {}): Promise<Curves> {
  const recorder = new CurveRecorder()
  let rest = ''
  let bytes = 0
  for await (const chunk of createReadStream(path, {
    encoding: 'utf8',
    highWaterMark: 1 << 20,
  }) as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    if (rest.length > longest) rest = rest.slice(0, 200)
    for (const line of lines) noticeLine(recorder, line)
    bytes += chunk.length
    progress(bytes)
  }
  noticeLine(recorder, rest)
  return recorder.curves()
}

function noticeLine(recorder: CurveRecorder, line: string): void {
  if (!wanted.test(line.slice(0, 100))) return
  try {
    recorder.notice(JSON.parse(line))
  } catch {
    recorder.unreadable()
  }
}
