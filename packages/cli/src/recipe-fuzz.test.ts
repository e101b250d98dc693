import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkParser, fuzzRuns, hostileYaml } from '@lgm/testing'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { type Document, parseDocument } from './document.js'
import { recipeFrom } from './recipe.js'
import { withSetting } from './settings.js'

/** An empty folder: what a recipe names by a path is not there. */
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lgm-fuzz-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const valid = [
  `# a recipe as people write it
name: mine
seed: 3
readout: head
temperature: 2.5
head: null
observers: []
phases: [ recall, { use: learn, iterations: 50, optimizer: { use: sgd, rate: 0.1 } }, memorize ]
`,
  JSON.stringify({
    name: 'lgm',
    description: 'all that core knows',
    seed: 0,
    phases: [
      { use: 'recall', perClass: 20 },
      { use: 'learn', iterations: 5, batchSize: 8, optimizer: { use: 'adam', rate: 0.001 } },
      { use: 'decode', iterations: 5 },
    ],
    observers: [],
  }),
]
const codes = ['recipe', 'plugin', 'options']

test('a damaged or hostile recipe is read or refused', async () => {
  const { read, refused } = await checkParser({
    async parse(text) {
      const { name, settings, ingredients } = await recipeFrom(parseDocument(text, 'r.yaml'), 'r.yaml', [folder], 'r')
      if (!/^[\w.-]+$/.test(name) || !Number.isInteger(settings.seed) || ingredients.length === 0)
        throw new Error('not what the schema says')
    },
    valid,
    codes,
    memory: 3000,
    more: hostileYaml(valid),
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})

test('a damaged or hostile --set changes the recipe or is refused', async () => {
  const recipe: Document = parseDocument(valid[0]!, 'r.yaml')
  const before = JSON.stringify(recipe)
  const keys = fc.constantFrom(
    'seed',
    'phases',
    'learn',
    '0',
    '1',
    'optimizer',
    'head',
    '__proto__',
    'toString',
    '',
    '-1',
  )
  const setting = fc
    .tuple(fc.array(keys, { maxLength: 4 }), hostileYaml(['[1, 2]', '{ use: mlp }', '0.5']))
    .map(([path, value]) => `${path.join('.')}=${value}`)
  const { read, refused } = await checkParser({
    parse(text) {
      withSetting(recipe, text)
      if (JSON.stringify(recipe) !== before) throw new Error('the recipe given was changed')
    },
    valid: ['seed=3', 'phases.learn.optimizer.rate=1e-3', 'phases.1={ use: recall }'],
    codes: ['recipe'],
    memory: 3000,
    more: setting,
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})
