/** Where text goes: a terminal, or a file or pipe. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Lines that stay, and under them, on a terminal, one line that is rewritten. */
export class Screen {
  readonly #output: Output
  #shown = false

  constructor(output: Output) {
    this.#output = output
  }

  /** Whether a line can be rewritten. */
  get live(): boolean {
    return this.#output.isTTY === true
  }

  /** Writes a line that stays. */
  print(line: string): void {
    this.clear()
    this.#output.write(`${line}\n`)
  }

  /** Rewrites the last line; it is cut to the width of the terminal, since a wrapped line cannot be taken back. */
  show(line: string): void {
    const width = (this.#output.columns ?? 80) - 1
    this.#output.write(`\r\u001b[2K${line.length > width ? `${line.slice(0, width - 1).trimEnd()}…` : line}`)
    this.#shown = true
  }

  /** Takes the rewritten line away. */
  clear(): void {
    if (this.#shown) this.#output.write('\r\u001b[2K')
    this.#shown = false
  }
}
