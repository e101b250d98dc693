import { expected } from '@lgm/core'
import { plainYaml } from '@lgm/runs'

/** Plain data, as YAML and JSON have it. */
export type Value = null | boolean | number | string | readonly Value[] | Document

/** A mapping of plain data. */
export interface Document {
  readonly [key: string]: Value
}

/**
 * Parses YAML 1.2 to plain data: one document, a mapping; see `plainYaml` for what it refuses.
 * @throws LgmError `recipe` with file, line and column.
 */
export function parseDocument(text: string, file: string): Document {
  const value = plain(text, file)
  if (!isDocument(value))
    throw expected(
      file,
      'a mapping of keys to values',
      value === null ? 'an empty file' : kindOf(value),
      'write lines such as head: linear',
      'recipe',
    )
  return value
}

/** Parses one value as YAML, as it stands after `=` in `--set`. */
export function parseValue(text: string, where: string): Value {
  return plain(text, where, 'quote it')
}

function plain(text: string, where: string, remedy = 'correct it there'): Value {
  const found = plainYaml(text)
  if ('value' in found) return found.value as Value
  const { problem, line, column } = found
  const place = line === undefined ? where : `${where}:${line}:${column}`
  throw expected(place, 'plain data as YAML', problem, remedy, 'recipe')
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
