import { corePlugins, corePoints, type Definition, expected, nearest, type Point } from '@lgm/core'
import type { Surroundings } from './main.js'
import { findPlugin, installedPlugins, loadInstalled } from './packages.js'
import { keyOf } from './recipe.js'
import { type JsonSchema, optionsSchema } from './schema.js'

/** What each point of core is, in a few words. */
const meanings: Readonly<Record<string, string>> = {
  dataset: 'labelled examples, split into train and test',
  stream: 'cuts a data set into tasks, and states the scenario',
  embedder: 'E, examples → codes',
  head: 'C, codes → logits; grows with new classes',
  decoder: 'D, codes → examples',
  generator: 'G, a model of the codes of each class',
  regularizer: 'protects parameters from forgetting',
  phase: 'a step of learning a task; they run in the order listed',
  evaluator: 'measures the learner after each task',
  observer: 'hears what happens: progress, logs',
  backend: 'the tensor engine',
}

const arities: Readonly<Record<string, string>> = {
  one: 'one',
  optional: 'at most one',
  many: 'any number',
  service: '',
}

/**
 * Without a name lists the points and what is installed at each; of a point, `regularizer`, its plugins; of a plugin, `regularizer/ewc`, its options.
 * @throws LgmError `plugin` when there is no such point or plugin.
 */
export async function explainPlugins(which: string | undefined, { cwd, out }: Surroundings): Promise<void> {
  if (which === undefined) {
    const lists: string[] = []
    for (const point of corePoints) lists.push(await listPoint(point, cwd))
    out(lists.join('\n\n'))
    out('\nlgm plugins POINT/NAME explains one, with its options')
    return
  }
  const [pointName = '', name] = which.split('/')
  const known = corePoints.flatMap(point => [point.name, keyOf(point)])
  const point = corePoints.find(candidate => candidate.name === pointName || keyOf(candidate) === pointName)
  if (!point) {
    const near = nearest(pointName, known)
    throw expected(
      'lgm plugins',
      'a point',
      `"${pointName}"`,
      near ? `did you mean "${near}"?` : `points are ${corePoints.map(candidate => candidate.name).join(', ')}`,
      'plugin',
    )
  }
  if (name === undefined || name === '') out(await listPoint(point, cwd))
  else out(await explainPlugin(point, name, cwd))
}

async function listPoint(point: Point<unknown>, cwd: string): Promise<string> {
  const lines = corePlugins
    .filter(({ definition }) => definition.point.token === point.token)
    .map(({ definition }) => [definition.name, definition.summary])
  for (const installed of installedPlugins([point], [cwd])) {
    const [found] = await Promise.allSettled([loadInstalled(installed, point)])
    lines.push([
      installed.name,
      found.status === 'fulfilled'
        ? found.value.factory.definition.summary
        : `does not load: ${(found.reason as Error).message}`,
    ])
  }
  const width = Math.max(0, ...lines.map(([name]) => name!.length))
  const listed = lines.map(([name, summary]) => `  ${name!.padEnd(width)}  ${summary}`)
  return [
    `${point.name} (${arities[point.arity]}; key ${keyOf(point)}): ${meanings[point.name] ?? ''}`,
    ...(listed.length > 0 ? listed : ['  none installed']),
  ].join('\n')
}

async function explainPlugin(point: Point<unknown>, name: string, cwd: string): Promise<string> {
  const { factory, from, version } = await findPlugin(point, name, [cwd])
  const { definition } = factory
  const rows = optionRows(optionsSchema(definition))
  const needs = (definition.requires ?? []).map(need => need.name)
  return [
    `${point.name} ${definition.name}: ${definition.summary}`,
    `from ${from}${version === undefined ? '' : ` ${version}`}${needs.length > 0 ? `; needs beside it: ${needs.join(', ')}` : ''}`,
    rows.length > 0 ? listed(rows) : 'no options',
    inRecipe(point, definition),
  ].join('\n')
}

function inRecipe(point: Point<unknown>, { name }: Definition): string {
  return `in a recipe: ${keyOf(point)}: ${point.arity === 'many' ? `[ ${name} ]` : name}`
}

/** Options in two lines each: name, type and default in columns, then the meaning. */
function listed(rows: readonly string[][]): string {
  const width = (column: number) => Math.max(...rows.map(row => row[column]!.length))
  const [first, second] = [width(0), width(1)]
  return rows
    .map(([name = '', type = '', fallback = '', meaning = '']) => {
      const head = `  ${name.padEnd(first)}  ${type.padEnd(second)}  ${fallback}`
      return meaning === '' ? head : `${head}\n      ${meaning}`
    })
    .join('\n')
}

/** A row for each option: name (with dots for what is nested), type, default, meaning. */
export function optionRows(schema: JsonSchema, prefix = ''): string[][] {
  const required = (schema.required as readonly string[] | undefined) ?? []
  return Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).flatMap(([key, option]) => {
    const name = `${prefix}${key}`
    if (option.properties) return optionRows(option, `${name}.`)
    const fallback =
      'default' in option
        ? `default ${JSON.stringify(option.default)}`
        : required.includes(key)
          ? 'required'
          : 'optional'
    return [[name, typeOf(option), fallback, String(option.description ?? '')]]
  })
}

/** The type of an option in words, with its range: `number ≥ 0`, `adam | sgd`, `list of integer`. */
export function typeOf(schema: JsonSchema): string {
  if (Array.isArray(schema.enum)) return schema.enum.map(String).join(' | ')
  if ('const' in schema) return String(schema.const)
  const choices = (schema.anyOf ?? schema.oneOf) as readonly JsonSchema[] | undefined
  if (choices) return choices.map(typeOf).join(' | ')
  if (schema.type === 'array') return `list of ${typeOf((schema.items ?? {}) as JsonSchema)}`
  const limits = [
    ['≥', schema.minimum],
    ['>', schema.exclusiveMinimum],
    ['≤', schema.maximum],
    ['<', schema.exclusiveMaximum],
  ].filter(([, limit]) => typeof limit === 'number' && Math.abs(limit) < Number.MAX_SAFE_INTEGER)
  return [[schema.type ?? 'any'].flat().join(' or '), ...limits.map(([sign, limit]) => `${sign} ${limit}`)].join(' ')
}
