import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { expected, LgmError, writeRemedy } from '@lgm/core'

/** What a log file is made with. */
export interface LogFileSettings {
  /** Who writes, for errors: `observer "csv"`. */
  readonly where: string
  /** The file; it and its folder are made when something is first appended. */
  readonly path: string
  /** Seconds after which what was appended is written, when something more is. */
  readonly interval: number
  /** What the file begins with: written to a new one, and demanded of one that is there. */
  readonly head: Uint8Array
  /** What a file that is there must end with, if anything: one that was cut off is not gone on with. */
  readonly end?: Uint8Array
}

/** As many bytes are written at once, however little time has passed. */
const piece = 1 << 16

/**
 * A file that is appended to, in pieces of 64 KiB or of some seconds, so that a log of every step costs a run next to nothing. What was
 * not written when the process is killed is lost; `flush` where that must not be. After an error nothing more is written.
 * Errors are LgmErrors `write`.
 */
export class LogFile {
  readonly #settings: LogFileSettings
  #file: number | undefined
  #failure: LgmError | undefined
  #pending: Uint8Array[] = []
  #bytes = 0
  #written = 0

  constructor(settings: LogFileSettings) {
    this.#settings = settings
  }

  get path(): string {
    return this.#settings.path
  }

  /** Adds `bytes` to the end; they must not change afterwards. @throws LgmError `write`, from then on every time. */
  append(bytes: Uint8Array): void {
    if (this.#failure) throw this.#failure
    this.#attempt(() => this.#open())
    this.#pending.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes >= piece || performance.now() - this.#written >= 1000 * this.#settings.interval) this.flush()
  }

  /** Hands what was appended to the system. @throws LgmError `write` when that fails. */
  flush(): void {
    if (this.#bytes === 0) return
    const all = Buffer.concat(this.#pending)
    this.#pending = []
    this.#bytes = 0
    this.#attempt(() => writeWhole(this.#open(), all))
    this.#written = performance.now()
  }

  /** How many bytes the file has, all of them on the disk. */
  mark(): number {
    this.flush()
    return this.#attempt(() => {
      const file = this.#open()
      fsyncSync(file)
      return fstatSync(file).size
    })
  }

  /** Goes back to a mark; of the bytes after it stays what `keep` gives back, nothing unless told. @throws LgmError `write` when there are fewer. */
  rewind(mark: number, keep: (after: Buffer) => Uint8Array = () => new Uint8Array()): void {
    this.#attempt(() => {
      const { where, path } = this.#settings
      const size = existsSync(path) ? fstatSync(this.#open(false)).size : 0
      if (size < mark)
        throw expected(where, `at least ${mark} bytes in ${path}`, `${size}`, 'give it the file of the run', 'write')
      const file = this.#open(false)
      const kept = keep(readWhole(file, mark, size - mark))
      ftruncateSync(file, mark)
      writeWhole(file, kept)
    })
  }

  /** Writes what is left, down to the disk. Appending after it opens the file again. */
  close(): void {
    try {
      this.flush()
    } finally {
      const file = this.#file
      this.#file = undefined
      if (file !== undefined)
        this.#attempt(() => {
          try {
            fsyncSync(file)
          } finally {
            closeSync(file)
          }
        })
    }
  }

  #open(whole = true): number {
    if (this.#file !== undefined) return this.#file
    const { path, head, end = new Uint8Array() } = this.#settings
    mkdirSync(dirname(path), { recursive: true })
    const file = openSync(path, 'a+')
    try {
      const { size } = fstatSync(file)
      if (size === 0) writeWhole(file, head)
      else this.#check(readWhole(file, 0, head.length), head, 'begins')
      if (size > 0 && whole) this.#check(readWhole(file, Math.max(0, size - end.length), end.length), end, 'ends')
    } catch (error) {
      closeSync(file)
      throw error
    }
    this.#file = file
    this.#written = performance.now()
    return file
  }

  #check(found: Buffer, wanted: Uint8Array, verb: 'begins' | 'ends'): void {
    if (found.equals(wanted)) return
    const { where, path } = this.#settings
    const words = (bytes: Uint8Array) => JSON.stringify(Buffer.from(bytes).toString())
    throw expected(
      where,
      `that ${path} ${verb} with ${words(wanted)}, as a log of this kind`,
      words(found),
      'name another file, or mend this one',
      'write',
    )
  }

  #attempt<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      const { where, path } = this.#settings
      this.#failure =
        error instanceof LgmError
          ? error
          : expected(
              where,
              `to append to ${path}`,
              (error as Error).message,
              writeRemedy(error, 'free some space or name another'),
              'write',
            )
      this.#pending = []
      this.#bytes = 0
      throw this.#failure
    }
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from)
}

function readWhole(file: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let read = 0
  for (let got = -1; read < length && got !== 0; read += got)
    got = readSync(file, bytes, read, length - read, from + read)
  return bytes.subarray(0, read)
}
