import { expected, Stream } from '@lgm/core'
import { number, table } from '@lgm/observer-console'
import { composeOnly } from './compose.js'
import type { Surroundings } from './main.js'
import { readRecipe } from './recipe.js'

/**
 * Checks recipes without starting an engine: keys, plugins, options, and whether they fit together; with `data` also that the data can be
 * read and cut into tasks.
 */
export async function validate(
  files: readonly string[],
  options: { readonly set?: readonly string[]; readonly data?: boolean },
  { cwd, out }: Surroundings,
): Promise<void> {
  for (const file of files) {
    const recipe = await readRecipe(file, cwd, { set: options.set })
    const learner = await composeOnly(recipe)
    try {
      const stream = learner.parts.one(Stream)
      if (!stream) throw expected(file, 'a stream', 'none', 'add one, as stream: split', 'composition')
      const parts = recipe.ingredients.map(
        ({ plugin: { definition } }) => `${definition.point.name}/${definition.name}`,
      )
      out(`${file}: fine (${parts.join(', ')})`)
      if (!options.data) continue
      const tasks = await stream.tasks()
      const rows = tasks.map(task => [
        `${task.index + 1}`,
        task.name,
        task.names.join(' '),
        number(task.train.count),
        number(task.validation?.count ?? 0),
        number(task.test.count),
      ])
      out(table(['task', 'name', 'classes', 'train', 'validation', 'test'], rows))
    } finally {
      await learner.dispose()
    }
  }
}
