import { z } from 'zod'
import { expected, LgmError, nearest, show } from './errors.js'

export { z }

/** How many plugins a point takes; a `service` is provided by core itself. */
export type Arity = 'one' | 'optional' | 'many' | 'service'

/** A place where plugins can be put: interface (by its type), injection token and arity in one. */
export interface Point<Contract> {
  readonly name: string
  readonly arity: Arity
  readonly token: symbol
  /** Carries the contract's type; never set. */
  readonly contract?: Contract
}

/** Declares a point. Anyone may declare a further one. */
export function point<Contract>(name: string, arity: Arity): Point<Contract> {
  return { name, arity, token: Symbol.for(`lgm/${name}`) }
}

/** A class whose constructor parameters all carry `@inject`. */
// biome-ignore lint/suspicious/noExplicitAny: the parameters are the container's business
export type Constructor<Contract> = new (...parameters: any[]) => Contract

/** What `definePlugin` ties together. The schema is the only place where an option stands. */
export interface Definition<Contract = unknown, Schema extends z.ZodObject = z.ZodObject> {
  readonly point: Point<Contract>
  readonly name: string
  readonly summary: string
  readonly options: Schema
  readonly class: Constructor<Contract>
  /** Points whose verbs this plugin calls: a filled point that nobody calls is an error. */
  readonly calls?: readonly Point<unknown>[]
  /** Optional points that must be filled for this plugin to make sense. */
  readonly requires?: readonly Point<unknown>[]
}

/** A plugin with its options, ready to be composed. */
export interface Plugin {
  readonly definition: Definition
  readonly options: Readonly<Record<string, unknown>>
}

/** Makes plugins of one definition: `ewc({ strength: 100 })`. */
export interface PluginFactory<Schema extends z.ZodObject = z.ZodObject> {
  (options?: z.input<Schema>): Plugin
  readonly definition: Definition
}

/**
 * Ties a point, a name, a class and a schema of options together.
 *
 * @example
 * export const l2 = definePlugin({ point: Regularizer, name: 'l2', summary: '…', options: z.strictObject({ … }), class: L2 })
 */
export function definePlugin<Contract, Schema extends z.ZodObject>(
  definition: Definition<Contract, Schema>,
): PluginFactory<Schema> {
  const make = (options?: z.input<Schema>): Plugin => ({
    definition: definition as unknown as Definition,
    options: parseOptions(`${definition.point.name} "${definition.name}"`, definition.options, options ?? {}),
  })
  return Object.assign(make, { definition: definition as unknown as Definition })
}

/** Whether a value is what `definePlugin` returns. */
export function isPluginFactory(value: unknown): value is PluginFactory {
  return (
    typeof value === 'function' && typeof (value as { definition?: { point?: unknown } }).definition?.point === 'object'
  )
}

/** Nobody reads more at once, and a hostile file could have any number. */
const mostIssues = 10

/**
 * Validates options against a schema.
 * @throws LgmError `options` naming the key, what was expected and, for a mistyped key, the nearest one.
 */
export function parseOptions<Schema extends z.ZodType>(
  where: string,
  schema: Schema,
  options: unknown,
): z.output<Schema> {
  const result = schema.safeParse(options)
  if (result.success) return result.data
  throw new LgmError(
    'options',
    result.error.issues
      .slice(0, mostIssues)
      .map(issue => `${where}: ${explain(issue, schema, options)}`)
      .join('\n'),
  )
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, options: unknown): string {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path)
    const key = issue.keys[0]!
    const near = nearest(key, known)
    const remedy = near
      ? `did you mean "${near}"?`
      : known.length > 0
        ? `known are ${known.join(', ')}`
        : 'it takes no options'
    return `expected a known option, got ${show(`${path ? `${path}.` : ''}${key}`)}; ${remedy}`
  }
  const got = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    options,
  )
  const what = issue.message
    .replace(/^Invalid (input|option|value): expected /, '')
    .replace(/^Too (small|big): expected \S+ to be /, 'a value ')
    .replace(/, received \S+$/, '')
  return expected(path || 'options', what, show(got), 'correct it in the recipe or the call').message
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema
  for (const key of path) {
    current = unwrap(current)
    current = current instanceof z.ZodObject ? current.shape[String(key)] : undefined
  }
  current = unwrap(current)
  return current instanceof z.ZodObject ? Object.keys(current.shape) : []
}

function unwrap(schema: unknown): unknown {
  let current = schema
  while (current instanceof z.ZodDefault || current instanceof z.ZodOptional || current instanceof z.ZodPrefault)
    current = current.unwrap()
  return current
}
