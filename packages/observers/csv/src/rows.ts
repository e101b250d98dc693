/** What a cell holds; nothing where there is nothing to say. */
export type Cell = string | number | null | undefined

/**
 * One row of comma-separated values, with its line feed. Cells with commas, quotes or line breaks stand in quotes, and quotes in them are
 * doubled (RFC 4180). Numbers have as many digits as it takes to read the same number again.
 */
export function row(cells: readonly Cell[]): string {
  return `${cells.map(cell).join(',')}\n`
}

function cell(value: Cell): string {
  if (value === null || value === undefined) return ''
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The rows of a text as they stand there, each with its line feed; a last one without is left out. */
export function rowsOf(text: string): readonly string[] {
  return text.match(/(?:"(?:[^"]|"")*"|[^"\n])*\n/gy) ?? []
}
