import { expected } from '@lgm/core'
import { specialKeys } from '@lgm/runs'
import { type Document, isDocument, parseValue, type Value } from './document.js'

/**
 * Applies `key.path=value` to a recipe. The value is YAML. In a list a step of the path is an index, or the name of the one plugin
 * in it: `regularizers.0.strength=5` or `regularizers.ewc.strength=5`. A plugin given by its name alone becomes a mapping.
 * @throws LgmError `recipe` when the path leads nowhere.
 */
export function withSetting(document: Document, setting: string): Document {
  const where = `--set ${setting}`
  const [, path, text] = /^([^=\s]+)=(.*)$/s.exec(setting) ?? []
  if (path === undefined || text === undefined)
    throw expected('--set', 'key.path=value', `"${setting}"`, 'for example --set seed=1', 'recipe')
  const keys = path.split('.')
  const bad = keys.find(key => key === '' || specialKeys.includes(key))
  if (bad !== undefined)
    throw expected(where, 'keys of a recipe, joined by dots', `"${path}"`, 'correct the path', 'recipe')
  return changed(document, keys, parseValue(text, where), where) as Document
}

function changed(value: Value | undefined, keys: readonly string[], to: Value, where: string): Value {
  const [key, ...rest] = keys
  if (key === undefined) return to
  if (Array.isArray(value)) {
    const list = value as readonly Value[]
    const index = indexIn(list, key, where)
    return list.map((entry, i) => (i === index ? changed(entry, rest, to, where) : entry))
  }
  if (typeof value === 'string') return changed({ use: value }, keys, to, where)
  if (value !== undefined && value !== null && !isDocument(value))
    throw expected(where, `a mapping or a list before "${key}"`, JSON.stringify(value), 'correct the path', 'recipe')
  const mapping = (value ?? {}) as Document
  return { ...mapping, [key]: changed(Object.hasOwn(mapping, key) ? mapping[key] : undefined, rest, to, where) }
}

function indexIn(list: readonly Value[], key: string, where: string): number {
  const names = list.map(entry => (isDocument(entry) ? entry.use : entry))
  if (/^\d+$/.test(key) && Number(key) < list.length) return Number(key)
  const found = names.flatMap((name, index) => (name === key ? [index] : []))
  if (found.length === 1) return found[0]!
  const got = found.length > 1 ? `"${key}", which is there ${found.length} times` : `"${key}"`
  const known = names.map((name, index) => `${index} (${String(name)})`).join(', ') || 'none: the list is empty'
  throw expected(where, 'the index or the name of one plugin in the list', got, `there are ${known}`, 'recipe')
}
