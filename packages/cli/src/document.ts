import { expected } from '@lgm/core'
import { parseDocument as parseYaml } from 'yaml'

/** Plain data, as YAML and JSON have it. */
export type Value = null | boolean | number | string | readonly Value[] | Document

/** A mapping of plain data. */
export interface Document {
  readonly [key: string]: Value
}

/** Recipes are short; what is longer than this many characters is another file. */
const longest = 1_000_000

/**
 * Parses YAML 1.2 to plain data: one document, a mapping, without custom tags, doubled keys, or keys that JavaScript gives a meaning of
 * its own.
 * @throws LgmError `recipe` with file, line and column.
 */
export function parseDocument(text: string, file: string): Document {
  if (text.length > longest)
    throw expected(file, `a recipe of at most ${longest} characters`, `${text.length}`, 'name a recipe', 'recipe')
  const parsed = parseYaml(text, { uniqueKeys: true, prettyErrors: true, version: '1.2', schema: 'core' })
  const problem = parsed.errors[0] ?? parsed.warnings[0]
  if (problem) {
    const [at] = problem.linePos ?? []
    const where = at ? `${file}:${at.line}:${at.col}` : file
    throw expected(
      where,
      'valid YAML',
      decapitalize(problem.message.split(/ at line |\n/)[0]!),
      'correct it there',
      'recipe',
    )
  }
  const value = toData(parsed, file)
  if (!isDocument(value))
    throw expected(
      file,
      'a mapping of keys to values',
      value === null ? 'an empty file' : kindOf(value),
      'write lines such as head: linear',
      'recipe',
    )
  refuseSpecialKeys(value, file)
  return value
}

function toData(parsed: ReturnType<typeof parseYaml>, file: string): Value {
  try {
    return parsed.toJS({ maxAliasCount: 100 }) as Value
  } catch (error) {
    throw expected(file, 'few aliases', (error as Error).message, 'write the values out', 'recipe')
  }
}

/** Parses one value as YAML, as it stands after `=` in `--set`. */
export function parseValue(text: string, where: string): Value {
  const parsed = parseYaml(text, { schema: 'core' })
  if (parsed.errors.length > 0 || parsed.warnings.length > 0)
    throw expected(where, 'a YAML value', `"${text}"`, 'quote it', 'recipe')
  const value = toData(parsed, where)
  refuseSpecialKeys(value, where)
  return value
}

/** Whether a value is a mapping. */
export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The kind of a value, in YAML's words. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  return Array.isArray(value) ? 'a list' : isDocument(value) ? 'a mapping' : `a ${typeof value}`
}

/** Keys through which a mapping could reach the prototype of all objects. */
export const specialKeys: readonly string[] = ['__proto__', 'constructor', 'prototype']

function refuseSpecialKeys(value: Value, where: string): void {
  if (Array.isArray(value)) for (const entry of value as readonly Value[]) refuseSpecialKeys(entry, where)
  else if (isDocument(value))
    for (const [key, entry] of Object.entries(value)) {
      if (specialKeys.includes(key)) throw expected(where, 'a key of a recipe', `"${key}"`, 'remove it', 'recipe')
      refuseSpecialKeys(entry, where)
    }
}

function decapitalize(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
