import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { definePlugin, expected, inject, type LearnerEvent, Observer, Options, writeRemedy, z } from '@lgm/core'

const options = z.strictObject({
  path: z.string().min(1).default('events.jsonl').describe('file that the lines are appended to; its folder is made'),
})

class Jsonl implements Observer {
  readonly #path: string
  #file: number | undefined

  constructor(@inject(Options) { path }: z.output<typeof options>) {
    this.#path = path
  }

  notice(event: LearnerEvent): void {
    const line = `${JSON.stringify({ time: new Date().toISOString(), ...withoutBytes(event) })}\n`
    this.#attempt(() => {
      this.#file ??= this.#open()
      appendWhole(this.#file, Buffer.from(line))
    })
  }

  /** How many bytes the file has. */
  mark(): number {
    return this.#attempt(() => {
      this.#file ??= this.#open()
      fsyncSync(this.#file)
      return fstatSync(this.#file).size
    })
  }

  /** Cuts the file to as many bytes. @throws LgmError `write` when it has fewer. */
  rewind(mark: unknown): void {
    this.#file ??= this.#open()
    const { size } = fstatSync(this.#file)
    if (typeof mark !== 'number' || size < mark)
      throw expected(
        'observer "jsonl"',
        `at least ${mark} bytes in ${this.#path}`,
        `${size}`,
        'give it the file of the run',
        'write',
      )
    ftruncateSync(this.#file, mark)
  }

  close(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    this.#attempt(() => {
      try {
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
    })
  }

  #attempt<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw expected(
        `observer "jsonl"`,
        `to append to ${this.#path}`,
        (error as Error).message,
        writeRemedy(error, 'free some space or choose another path'),
        'write',
      )
    }
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true })
    return openSync(this.#path, 'a')
  }
}

/** Appends a line, or nothing: of one that does not fit on the disk no part stays. */
function appendWhole(file: number, line: Uint8Array): void {
  let written = 0
  try {
    while (written < line.length) written += writeSync(file, line, written)
  } catch (error) {
    if (written > 0) ftruncateSync(file, fstatSync(file).size - written)
    throw error
  }
}

/** The event as JSON can hold it: of a picture, how many bytes it has. */
function withoutBytes(event: LearnerEvent): object {
  if (event.type !== 'picture') return event
  const { png, ...rest } = event
  return { ...rest, bytes: png.length }
}

/**
 * Appends every event to a file as one line: the event's JSON with `time`, the moment in ISO 8601, before it. Numbers that JSON has
 * not (NaN, ∞) become `null`, and of a picture stands only how many bytes it has. A line is handed to the system before the run goes on, so a run that dies loses none.
 *
 * @throws LgmError `write` when the file cannot be written.
 * @example
 * createLearner([jsonl({ path: 'runs/1/events.jsonl' }), stream, embedder, head])
 */
export const jsonl = definePlugin({
  point: Observer,
  name: 'jsonl',
  summary: 'every event as a line of JSON in a file',
  options,
  class: Jsonl,
})
