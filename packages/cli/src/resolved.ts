import { isAbsolute } from 'node:path'
import { corePoints, type Learner, type Plugin } from '@lgm/core'
import { stringify } from 'yaml'
import { defaultPhases } from './compose.js'
import { furtherKey, type Ingredient, keyOf, type Recipe } from './recipe.js'

/** A recipe as YAML with every default filled in: what it takes to repeat a run. Files are named by their full paths. */
export function resolvedRecipe(recipe: Recipe, learner: Learner): string {
  const { name, description, ingredients } = recipe
  const at = (key: string) => ingredients.filter(ingredient => ingredient.key === key).map(entryOf)
  const document: Record<string, unknown> = {
    name,
    ...(description !== undefined && { description }),
    ...learner.settings,
  }
  for (const point of corePoints) {
    const key = keyOf(point)
    const entries = [
      ...at(key),
      ...(key === 'phases' ? defaultPhases(recipe, learner).map(([use, plugin]) => entry(use, plugin)) : []),
    ]
    if (point.arity === 'many') document[key] = entries
    else if (entries.length > 0) document[key] = entries[0]
  }
  if (at(furtherKey).length > 0) document[furtherKey] = at(furtherKey)
  return stringify(document, { lineWidth: 120 })
}

function entryOf({ use, plugin, found }: Ingredient): object {
  const [, name] = use.split('#')
  return entry(isAbsolute(found.from) ? `${found.from}${name === undefined ? '' : `#${name}`}` : use, plugin)
}

function entry(use: string, plugin: Plugin): object {
  return { use, ...plugin.options }
}
