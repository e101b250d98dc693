import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { composeOnly, readRecipe, recipeSchema } from '@lgm/cli'
import { expect, test } from 'vitest'

const examples = fileURLToPath(new URL('..', import.meta.url))
const recipes = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter(
  file => /^[\w-]+[\\/][\w.-]+\.yaml$/.test(file) && !file.includes('node_modules'),
)

test.each(recipes)('%s names plugins and options that there are, and they fit together', async file => {
  const recipe = await readRecipe(file, examples)
  const learner = await composeOnly(recipe)
  expect([...learner.parts.parts.keys()]).toEqual(expect.arrayContaining(['backend/none']))
  await learner.dispose()
})

test('the JSON schema beside the recipes is that of the plugins in this repository', async () => {
  const kept = readFileSync(join(examples, 'recipe.schema.json'), 'utf8')
  const made = `${JSON.stringify(await recipeSchema([examples]), null, 2)}\n`
  expect(kept, 'stale; run: npm run schema').toBe(made)
})
