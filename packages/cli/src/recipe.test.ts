import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { corePoints } from '@lgm/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDocument } from './document.js'
import { installedPlugins } from './packages.js'
import { type Recipe, readRecipe, recipeFrom } from './recipe.js'

/** A project of a user with plugins of several kinds in its node_modules. */
let project: string

/** A module that exports plugins as `definePlugin` makes them. */
const module = (...plugins: readonly (readonly [point: string, name: string])[]) =>
  plugins
    .map(
      ([point, name], k) => `
        const definition${k} = { point: { name: '${point}', arity: 'many', token: Symbol.for('lgm/${point}') }, name: '${name}', summary: '', class: class {} }
        export const plugin${k} = Object.assign((options = {}) => ({ definition: definition${k}, options }), { definition: definition${k} })`,
    )
    .join('\n')

function writePackage(name: string, manifest: object, files: Readonly<Record<string, string>>): void {
  const folder = join(project, 'node_modules', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.2.3', type: 'module', ...manifest }))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
}

beforeAll(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'lgm-recipe-')))
  writePackage(
    'lgm-regularizer-spring',
    { exports: { import: './lib/index.js' } },
    { 'lib/index.js': module(['regularizer', 'spring']) },
  )
  writePackage(
    '@acme/methods',
    { exports: { '.': './a.js', './more': { node: { default: './b.js' } } } },
    {
      'a.js': module(['regularizer', 'one'], ['regularizer', 'two'], ['observer', 'three']),
      'b.js': module(['regularizer', 'four']),
    },
  )
  writePackage('lgm-regularizer-broken', { main: 'index.js' }, { 'index.js': 'throw new TypeError("on\\nload")' })
  writePackage('lgm-regularizer-empty', { main: 'index.js' }, { 'index.js': 'export const nothing = 1' })
  writePackage('lgm-regularizer-unbuilt', { main: 'dist/index.js' }, {})
  writePackage(
    'lgm-regularizer-foreign',
    { main: 'index.js' },
    {
      'index.js': module(['regularizer', 'foreign']),
      'node_modules/@lgm/core/package.json': '{}',
    },
  )
  writeFileSync(join(project, 'mine.mjs'), module(['regularizer', 'mine']))
  writeFileSync(join(project, 'further.mjs'), module(['sandwich', 'blt']))
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

const read = (text: string): Promise<Recipe> => recipeFrom(parseDocument(text, 'r.yaml'), 'r.yaml', [project], 'r')
const regularizersOf = async (text: string) =>
  (await read(`regularizers: ${text}`)).ingredients
    .filter(({ key }) => key === 'regularizers')
    .map(({ plugin, found }) => [plugin.definition.name, plugin.options, found.from])

describe('a recipe', () => {
  test('is read with its settings, and has a backend and an observer where none is named', async () => {
    const recipe = await read('seed: 5\ntemperature: 2\nphases: [ { use: learn, iterations: 3 } ]')
    expect(recipe.settings).toEqual({ seed: 5, readout: 'head', temperature: 2 })
    expect(recipe.name).toBe('r')
    expect(recipe.ingredients.map(({ plugin }) => `${plugin.definition.point.name}/${plugin.definition.name}`)).toEqual(
      ['phase/learn', 'observer/console', 'backend/auto'],
    )
    expect(recipe.ingredients[0]!.plugin.options).toMatchObject({ iterations: 3, batchSize: 128 })
  })

  test("takes a third party's plugin by its short name, as one of ours", async () => {
    expect(await regularizersOf('[ { use: spring, strength: 2 } ]')).toEqual([
      ['spring', { strength: 2 }, 'lgm-regularizer-spring'],
    ])
  })

  test('takes a package or a file in full', async () => {
    expect(await regularizersOf("[ '@acme/methods#two', '@acme/methods/more', ./mine.mjs ]")).toEqual([
      ['two', {}, '@acme/methods'],
      ['four', {}, '@acme/methods'],
      ['mine', {}, join(project, 'mine.mjs')],
    ])
  })

  test('takes plugins of points that core does not know, in full', async () => {
    const recipe = await read('plugins: [ ./further.mjs ]')
    expect(recipe.ingredients.at(-1)!.plugin.definition.point.name).toBe('sandwich')
  })

  test('two of one kind stand side by side, each with its options', async () => {
    expect(
      (await regularizersOf('[ { use: spring, strength: 1 }, { use: spring, strength: 2 } ]')).map(
        ([, options]) => options,
      ),
    ).toEqual([{ strength: 1 }, { strength: 2 }])
  })

  test.each([
    ['regularizer: ewc', 'r.yaml: expected a key of a recipe, got "regularizer"; did you mean "regularizers"?'],
    ['sed: 1', 'r.yaml: expected a key of a recipe, got "sed"; did you mean "seed"?'],
    [
      'quux: 1',
      /^r\.yaml: expected a key of a recipe, got "quux"; known are name, description, seed, .*, backend, plugins$/,
    ],
    ['seed: -1', /^r\.yaml: seed: expected .*, got -1; /],
    ['seed: 1.5', /^r\.yaml: seed: expected .*, got 1\.5; /],
    ['readout: heads', /^r\.yaml: readout: expected .*"head"\|"bayes"\|"ensemble".*, got "heads"; /],
    [
      'phases: [ { use: learn, iterrations: 3 } ]',
      'phase "learn": expected a known option, got "iterrations"; did you mean "iterations"?',
    ],
    ['phases: [ { use: learn, iterations: many } ]', /^phase "learn": iterations: expected .*, got "many"; /],
    ['phases: [ { use: learn, optimizer: { rate: -1 } } ]', /^phase "learn": optimizer\.rate: expected .*, got -1; /],
    ['phases: learn', 'r.yaml: phases: expected a list of plugins, got a string; write phases: [ learn ]'],
    ['head: [ mlp ]', 'r.yaml: head: expected one head, got a list; write head: NAME, or { use: NAME, ... }'],
    [
      'head: { widths: [ 4 ] }',
      /^r\.yaml: head: expected the name of a plugin, or a mapping with the key use, got \{"widths":\[4\]\}; /,
    ],
    ['head: 3', /^r\.yaml: head: expected the name of a plugin, .*, got 3; /],
    ['regularizers: [ spri ]', 'regularizer "spri" is not installed; add it with: pnpm add @lgm/regularizer-spri'],
    ['regularizers: [ sprign ]', 'regularizer "sprign" is not installed; did you mean "spring"?'],
    ['phases: [ lern ]', 'phase "lern" is not installed; did you mean "learn"?'],
    [
      'regularizers: [ Ewc! ]',
      /^regularizer: expected the name of a plugin, or a path or package in full, got "Ewc!"; /,
    ],
    [
      'regularizers: [ "@nobody/nothing" ]',
      'package "@nobody/nothing" is not installed; add it with: pnpm add @nobody/nothing',
    ],
    ['regularizers: [ ./none.mjs ]', /^plugin "\.\/none\.mjs": expected a file or folder, got none at .*none\.mjs; /],
    [
      'regularizers: [ "@acme/methods" ]',
      /expected one regularizer among the exports of .*, got regularizer "one", regularizer "two", observer "three"; add #name to say which$/,
    ],
    ['regularizers: [ "@acme/methods/less" ]', /expected ".\/less" among the exports of .*, got none; /],
    [
      'regularizers: [ broken ]',
      /^regularizer "broken": expected a module that loads from .*, got TypeError: on; repair or reinstall it$/,
    ],
    [
      'regularizers: [ empty ]',
      /^regularizer "empty": expected one regularizer "empty" among the exports of .*, got no plugin; /,
    ],
    [
      'regularizers: [ unbuilt ]',
      /^regularizer "unbuilt": expected the file .*dist\/index\.js, got none; build or reinstall/,
    ],
    [
      'regularizers: [ foreign ]',
      /^regularizer "foreign": expected the @lgm\/core of this command .*; install @lgm\/cli in the same project/,
    ],
    ['observers: [ ./mine.mjs ]', /expected one observer among the exports of .*, got regularizer "mine"; /],
  ])('with %s is refused', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message)
  })

  test('keeps what a broken plugin threw, for --debug', async () => {
    await expect(read('regularizers: [ broken ]')).rejects.toMatchObject({
      code: 'plugin',
      cause: expect.any(TypeError),
    })
  })

  test('that is not there is refused; one that is has the name of its file', async () => {
    await expect(readRecipe('none.yaml', project)).rejects.toThrow(
      'none.yaml: expected a recipe, got no such file; correct the path',
    )
    await expect(readRecipe('node_modules', project)).rejects.toThrow(/^node_modules: expected a recipe, got EISDIR/)
    writeFileSync(join(project, 'my run.recipe.yaml'), 'seed: 1')
    const recipe = await readRecipe('my run.recipe.yaml', project, { set: ['seed=2'], seed: 3, backend: 'wasm' })
    expect(recipe).toMatchObject({ name: 'my-run', settings: { seed: 3 } })
    expect(recipe.ingredients.at(-1)!.plugin.definition.name).toBe('wasm')
  })
})

test('installed plugins are found by their names, ours and others, from the project and from the command', () => {
  const names = installedPlugins(corePoints, [project]).map(({ point, name }) => `${point}/${name}`)
  expect(names).toEqual(
    expect.arrayContaining(['regularizer/spring', 'regularizer/broken', 'observer/jsonl', 'backend/auto']),
  )
  expect(new Set(names).size).toBe(names.length)
  const linked = join(project, 'linked')
  symlinkSync(fileURLToPath(new URL('..', import.meta.url)), linked)
  expect(installedPlugins(corePoints, [linked]).length).toBeGreaterThan(0)
})
