/** The user's mistake, or something the user can mend: shown as one line, without a stack trace. */
export class LgmError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'LgmError'
    this.code = code
  }
}

/** `<where>: expected <what>, got <what>; <remedy>`. */
export function expected(where: string, what: string, got: string, remedy: string, code = 'input'): LgmError {
  return new LgmError(code, `${where}: expected ${what}, got ${got}; ${remedy}`)
}

/** The run was stopped by its signal. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted')
    this.name = 'Interrupted'
  }
}

/** The candidate nearest to `word` by edit distance, if near enough to be a slip of the keys. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate)
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** Insertions, deletions, substitutions and swaps of neighbours from one word to the other. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? rows[i - 2]![j - 2]! + 1 : substitution
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, substitution, swap))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/** A value as it should stand in an error message: short, and on one line. Typed arrays are named by kind and length. */
export function show(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value, abridge) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** Keeps data sets out of messages: spelling out 47 million pixels would exhaust the longest string there can be. */
function abridge(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  return Array.isArray(value) && value.length > 30 ? value.slice(0, 30) : value
}
