import { LineCounter, parseDocument } from 'yaml'

/** What is wrong with a text, and where, as far as that can be said; lines and columns count from 1. */
export interface YamlProblem {
  readonly problem: string
  readonly line?: number
  readonly column?: number
}

/** What a person writes, and what programs write for a run, has a tenth of it; the parser takes seconds for what is longer. */
const longest = 100_000

/** More levels than any options have. */
const deepest = 50

const tooDeep = `more than ${deepest} levels`

/** Keys through which a mapping could reach the prototype of all objects. */
export const specialKeys: readonly string[] = ['__proto__', 'constructor', 'prototype']

/**
 * Reads one document of YAML 1.2 as plain data: null, truth values, numbers, texts, lists and mappings, and nothing else. Tags, doubled
 * keys, keys that are no texts or numbers, keys that JavaScript gives a meaning of its own, aliases that multiply or lead back to
 * themselves, and what is too long or too deep are problems, so that a stranger's file does nothing but say what it says.
 */
export function plainYaml(text: string): { readonly value: unknown } | YamlProblem {
  if (text.length > longest) return { problem: `${text.length} characters, more than ${longest}` }
  if (openAtOnce(text) > 10 * deepest) return { problem: tooDeep }
  try {
    return parsed(text)
  } catch (error) {
    // too many aliases, or too deep for the parser
    return { problem: decapitalized((error as Error).message) }
  }
}

function parsed(text: string): { readonly value: unknown } | YamlProblem {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    resolveKnownTags: false,
    stringKeys: true,
    prettyErrors: false,
    lineCounter: lines,
    logLevel: 'error',
  })
  const first = document.errors[0] ?? document.warnings[0]
  if (first) {
    const { line, col } = lines.linePos(first.pos[0])
    return { problem: decapitalized(first.message), line, column: col }
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  const problem = unplain(value, 0)
  return problem === undefined ? { value } : { problem }
}

/** How many brackets stand open at most, those within texts as well. The parser takes long to give up where there are thousands. */
function openAtOnce(text: string): number {
  let [open, most] = [0, 0]
  for (const bracket of text.match(/[[\]{}]/g) ?? []) {
    open = bracket === '[' || bracket === '{' ? open + 1 : Math.max(0, open - 1)
    most = Math.max(most, open)
  }
  return most
}

/** Why a value is not plain data, if it is not. One that holds itself is too deep. */
function unplain(value: unknown, level: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (level === deepest) return tooDeep
  for (const [key, entry] of Object.entries(value)) {
    const problem = specialKeys.includes(key) ? `the key "${key}"` : unplain(entry, level + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

function decapitalized(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
