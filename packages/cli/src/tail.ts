import { type FileHandle, open } from 'node:fs/promises'

/** So many bytes before the place read to are looked at again, to see whether the file is still the same. */
const remembered = 256
const mostAtOnce = 4 << 20
/** A line that is longer is none. */
const longestLine = 16 << 20

/** Reads a file of lines as it grows. One that was cut, or replaced, is read again from its beginning; a last line without its end waits for it. */
export class Tail {
  readonly #path: string
  #read = 0
  #before: Buffer = Buffer.alloc(0)
  #rest: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Reads what is new.
   * @param line told each whole line
   * @param again told before the first line, if the file has begun anew
   * @returns whether anything was new
   */
  async poll(line: (text: string) => void, again: () => void): Promise<boolean> {
    const file = await open(this.#path).catch(() => undefined)
    if (!file) return this.#startAgain(again)
    try {
      const news = !(await this.#same(file)) && this.#startAgain(again)
      return (await this.#readOn(file, line)) || news
    } finally {
      await file.close()
    }
  }

  #startAgain(again: () => void): boolean {
    if (this.#read === 0) return false
    this.#read = 0
    this.#before = this.#rest = Buffer.alloc(0)
    again()
    return true
  }

  async #same(file: FileHandle): Promise<boolean> {
    const there = Buffer.alloc(this.#before.length)
    const { bytesRead } = await file.read(there, 0, there.length, this.#read - there.length)
    return bytesRead === there.length && there.equals(this.#before)
  }

  async #readOn(file: FileHandle, line: (text: string) => void): Promise<boolean> {
    let any = false
    for (;;) {
      const { size } = await file.stat()
      const buffer = Buffer.alloc(Math.max(0, Math.min(mostAtOnce, size - this.#read)))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#read)
      if (bytesRead === 0) return any
      any = true
      this.#read += bytesRead
      const fresh = buffer.subarray(0, bytesRead)
      this.#before = Buffer.from(Buffer.concat([this.#before, fresh.subarray(-remembered)]).subarray(-remembered))
      const whole = Buffer.concat([this.#rest, fresh])
      const end = whole.lastIndexOf(10) + 1
      this.#rest = whole.length - end > longestLine ? Buffer.alloc(0) : Buffer.from(whole.subarray(end))
      for (const text of end > 0 ? whole.toString('utf8', 0, end - 1).split('\n') : []) line(text)
    }
  }
}
