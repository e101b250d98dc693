import { corePlugins, corePoints, type Definition, type Point, z } from '@lgm/core'
import { installedPlugins, loadInstalled } from './packages.js'
import { furtherKey, keyOf, settingsSchema } from './recipe.js'

/** A JSON schema, or a part of one. */
export interface JsonSchema {
  readonly [key: string]: unknown
}

/** The JSON schema of a plugin's options, as they may be given: defaults make keys optional. */
export function optionsSchema(definition: Definition): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(definition.options, { io: 'input', unrepresentable: 'any' })
  return schema
}

/** What can stand at every point, by the key in a recipe: core's plugins and the installed ones that load. */
export async function definitionsAt(point: Point<unknown>, bases: readonly string[]): Promise<readonly Definition[]> {
  const builtIn = corePlugins
    .map(({ definition }) => definition)
    .filter(definition => definition.point.token === point.token)
  const loaded = await Promise.allSettled(
    installedPlugins([point], bases).map(installed => loadInstalled(installed, point)),
  )
  return [
    ...builtIn,
    ...loaded.flatMap(result => (result.status === 'fulfilled' ? [result.value.factory.definition] : [])),
  ]
}

/**
 * The JSON schema (2020-12) of recipes, for completion and checks in editors, with the options of all plugins that are installed as
 * seen from `bases`.
 */
export async function recipeSchema(bases: readonly string[]): Promise<JsonSchema> {
  const { $schema: dialect, properties: settings } = z.toJSONSchema(settingsSchema, { io: 'input' })
  const properties: Record<string, unknown> = { $schema: { type: 'string' }, ...settings }
  const $defs: Record<string, unknown> = {}
  for (const point of corePoints) {
    const definitions = await definitionsAt(point, bases)
    for (const definition of definitions) $defs[`${point.name}-${definition.name}`] = pluginSchema(definition)
    const one = {
      anyOf: [
        namesSchema(definitions),
        ...definitions.map(definition => ({ $ref: `#/$defs/${point.name}-${definition.name}` })),
        inFull,
      ],
    }
    properties[keyOf(point)] = point.arity === 'many' ? { type: 'array', items: one } : one
  }
  properties[furtherKey] = {
    type: 'array',
    items: inFull,
    description: 'plugins of further points, each named in full',
  }
  return { $schema: dialect, title: 'Recipe of LGM', type: 'object', properties, additionalProperties: false, $defs }
}

function pluginSchema(definition: Definition): JsonSchema {
  const { properties, required = [], ...rest } = optionsSchema(definition)
  const use = { const: definition.name, description: definition.summary }
  return {
    ...rest,
    title: definition.name,
    description: definition.summary,
    properties: { use, ...(properties as object) },
    required: ['use', ...(required as string[])],
  }
}

/** The plugins that need no option, by their names alone. */
function namesSchema(definitions: readonly Definition[]): JsonSchema {
  const names = definitions.filter(
    definition => ((optionsSchema(definition).required as string[] | undefined) ?? []).length === 0,
  )
  return { oneOf: names.map(({ name, summary }) => ({ const: name, description: summary })) }
}

/** A plugin named by a path or a package in full, whose options are not known here. */
const inFull: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: '^[./@]|/' },
    { type: 'object', properties: { use: { type: 'string', pattern: '^[./@]|/' } }, required: ['use'] },
  ],
}
