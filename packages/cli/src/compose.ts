import { Backend, corePlugins, createLearner, definePlugin, type Learner, Phase, type Plugin, z } from '@lgm/core'
import type { Recipe } from './recipe.js'

/** Stands in for an engine where only the composition is checked. */
class NoEngine implements Backend {
  async start() {
    return { name: 'none', version: '0', threads: 0 }
  }
}

const noEngine = definePlugin({
  point: Backend,
  name: 'none',
  summary: 'no engine: to check a composition without starting one',
  options: z.strictObject({}),
  class: NoEngine,
})

/**
 * Composes a recipe without starting an engine.
 * @throws LgmError `composition` when the plugins do not fit together.
 */
export async function composeOnly(recipe: Recipe): Promise<Learner> {
  const others = recipe.ingredients.filter(({ key }) => key !== 'backend').map(({ plugin }) => plugin)
  return createLearner([...others, noEngine()], recipe.settings)
}

/** The phases of core that a learner runs because the recipe names none, by name, with their options. */
export function defaultPhases(recipe: Recipe, learner: Learner): readonly (readonly [string, Plugin])[] {
  if (recipe.ingredients.some(({ key }) => key === 'phases')) return []
  const names = [...learner.parts.parts.keys()]
    .filter(name => name.startsWith(`${Phase.name}/`))
    .map(name => name.slice(Phase.name.length + 1))
  return corePlugins
    .filter(({ definition }) => definition.point.token === Phase.token && names.includes(definition.name))
    .sort((a, b) => names.indexOf(a.definition.name) - names.indexOf(b.definition.name))
    .map(factory => [factory.definition.name, factory()] as const)
}
