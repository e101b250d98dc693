import { checkParser, fuzzRuns, hostileYaml } from '@lgm/testing'
import { expect, test } from 'vitest'
import { groupRuns, recipeDifferences } from './groups.js'
import { recipeOf, type SavedRun } from './runs.js'

const yaml = `name: lgm
seed: 0
readout: ensemble
stream: { use: split, classes: [ [ 0, 1 ], [ 2, 3 ] ], validation: 0.2 }
embedder:
  use: mlp
  widths: [ 400 ]
regularizers: []
phases:
  - use: learn
    iterations: 500
    optimizer: { use: adam, rate: 1e-3 }
  - use: memorize
`
const valid = [yaml, '{"name":"lgm","seed":1,"phases":[{"use":"learn","iterations":5},"memorize"],"observers":[]}']

test('a damaged or hostile recipe of a run is read or refused, and can be compared with others', async () => {
  const standard = recipeOf(yaml, 'a.yaml')
  const { read, refused } = await checkParser({
    parse(text) {
      const recipe = recipeOf(text, 'recipe.resolved.yaml')
      if (JSON.stringify(recipe).length > 100 * text.length + 100) throw new Error('aliases that multiply')
      recipeDifferences(standard, recipe)
      groupRuns([{ recipe, report: {} } as unknown as SavedRun])
    },
    valid,
    codes: ['report'],
    // a text of nothing but brackets becomes a token and several errors a character
    memory: 3000,
    more: hostileYaml(valid),
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})
