/** What is longer is not read, and comes out of a file. */
const longestMessage = 2000

/** The user's mistake, or something the user can mend: shown as one line, without a stack trace. */
export class LgmError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(escaped(message.slice(0, longestMessage), /[^\P{Cc}\n]/gu))
    this.name = 'LgmError'
    this.code = code
  }
}

/** `<where>: expected <what>, got <what>; <remedy>`. What comes out of a file may stand in it: it is cut short, and kept on one line. */
export function expected(where: string, what: string, got: string, remedy: string, code = 'input'): LgmError {
  const [place, wanted, found] = [where, what, got].map(oneLine)
  return new LgmError(code, `${place}: expected ${wanted}, got ${found}; ${remedy}`)
}

/** What helps where the system refuses to write, by the code of its error. */
const remedies = new Map([
  ['EACCES', 'allow writing there, or choose another place'],
  ['EPERM', 'allow writing there, or choose another place'],
  ['EROFS', 'choose another place: that disk is read-only'],
  ['EMFILE', 'raise the limit of open files: ulimit -n'],
  ['ENFILE', 'end other programs, or raise the limit of open files'],
  ['EFBIG', 'raise the limit of the size of files: ulimit -f'],
])

/** What to do about an error of the system on writing. @param otherwise what to do about a place without space, or that is not to be written to */
export function writeRemedy(error: unknown, otherwise: string): string {
  return remedies.get(String((error as { readonly code?: unknown } | null)?.code)) ?? otherwise
}

/** Longer parts of a message are data, not words. */
const longest = 600

function oneLine(text: string): string {
  const line = escaped(text.slice(0, longest + 1), /[\p{Cc}\u2028\u2029]/gu)
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line
}

/** Messages stand in terminals, where control characters out of a file would move the cursor, or worse. */
function escaped(text: string, characters: RegExp): string {
  return text.replace(characters, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
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
    if (Math.abs(word.length - candidate.length) >= least) continue
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
  const text =
    typeof value === 'string' ? `"${value.slice(0, 60)}"` : (JSON.stringify(abridged(value, 0)) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** What lies deeper or further behind would not be seen; spelling out 47 million pixels would exhaust the longest string there can be. */
const most = { levels: 6, entries: 30, characters: 60 }

function abridged(value: unknown, level: number): unknown {
  if (typeof value === 'string') return value.slice(0, most.characters)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  if (level === most.levels) return Array.isArray(value) ? '[…]' : '{…}'
  if (Array.isArray(value)) return value.slice(0, most.entries).map(entry => abridged(entry, level + 1))
  const entries = Object.entries(value).slice(0, most.entries)
  return Object.fromEntries(entries.map(([key, entry]) => [key.slice(0, most.characters), abridged(entry, level + 1)]))
}
