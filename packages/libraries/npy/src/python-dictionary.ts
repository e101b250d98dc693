/** What the header of an array consists of. */
export type PythonValue = string | boolean | readonly number[]

/** Texts, truth values, whole numbers (with the L of Python 2) of at most 17 digits, which no safe one exceeds, marks, and the end. */
const token = /\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|(True|False)\b|(\d{1,17})L?(?![\w.])|([{}(),:])|($))/y
type Kind = 'text' | 'truth' | 'number' | 'mark' | 'end'

/** Takes the next token if it is of the kind asked for and, where told, this text. */
type Take = (kind: Kind, text?: string) => string | undefined

function tokensOf(source: string): Take {
  let at = 0
  return (kind, text) => {
    token.lastIndex = at
    const [, single, double, truth, number, mark, end] = token.exec(source) ?? []
    const found = { text: single ?? double, truth, number, mark, end }[kind]
    if (found === undefined || (text !== undefined && found !== text)) return undefined
    at = token.lastIndex
    return found
  }
}

/**
 * A Python dictionary as NumPy writes it before an array: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. Keys are
 * texts; values are texts, truth values, and tuples of whole numbers. Nothing is evaluated; whatever else Python would understand is
 * `undefined`, and so is a key that stands there twice.
 */
export function readDictionary(source: string): ReadonlyMap<string, PythonValue> | undefined {
  const take = tokensOf(source)
  const entries = new Map<string, PythonValue>()
  const readEntry = (): boolean => {
    const key = take('text')
    if (key === undefined || entries.has(key) || take('mark', ':') === undefined) return false
    const value = readValue(take)
    if (value === undefined) return false
    entries.set(key, value)
    return true
  }
  if (!readList(take, '{', '}', readEntry) || take('end') === undefined) return undefined
  return entries
}

function readValue(take: Take): PythonValue | undefined {
  const text = take('text')
  if (text !== undefined) return text
  const truth = take('truth')
  if (truth !== undefined) return truth === 'True'
  const sides: number[] = []
  const readSide = (): boolean => {
    const side = take('number')
    if (side !== undefined) sides.push(Number(side))
    return side !== undefined
  }
  return readList(take, '(', ')', readSide) ? sides : undefined
}

/** Items between marks, with commas between them, and maybe one after the last. */
function readList(take: Take, open: string, close: string, readItem: () => boolean): boolean {
  if (take('mark', open) === undefined) return false
  while (take('mark', close) === undefined) {
    if (!readItem()) return false
    if (take('mark', ',') === undefined) return take('mark', close) !== undefined
  }
  return true
}
