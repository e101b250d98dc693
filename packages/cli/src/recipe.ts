import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  corePoints,
  expected,
  type LearnerSettings,
  nearest,
  type Plugin,
  type Point,
  parseOptions,
  show,
  z,
} from '@lgm/core'
import { type Document, isDocument, kindOf, parseDocument, type Value } from './document.js'
import { type Found, findPlugin } from './packages.js'
import { withSetting } from './settings.js'

/** The keys of a recipe that are no points. */
export const settingsSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'letters, digits, ".", "_" and "-" only')
    .optional()
    .describe('name of the recipe in tables and folders; that of the file if absent'),
  description: z.string().optional().describe('what the recipe is for'),
  seed: z.int().min(0).default(0).describe('seed of all randomness'),
  readout: z
    .enum(['head', 'bayes', 'ensemble'])
    .default('head')
    .describe('how predictions are made; bayes and ensemble need a generator with a density'),
  temperature: z.number().positive().default(4).describe('temperature of the ensemble read-out'),
})

/** The key of a point in a recipe: its name, or its plural where it takes many. */
export function keyOf(point: Point<unknown>): string {
  return point.arity === 'many' ? `${point.name}s` : point.name
}

/** Key of plugins at points that core does not know, each named in full. */
export const furtherKey = 'plugins'

/** A plugin of a recipe, loaded, with its options checked. */
export interface Ingredient {
  readonly key: string
  readonly use: string
  readonly plugin: Plugin
  readonly found: Found
}

/** A recipe whose plugins are loaded and whose options are checked. */
export interface Recipe {
  readonly name: string
  readonly description: string | undefined
  readonly settings: Required<Omit<LearnerSettings, 'signal'>>
  readonly ingredients: readonly Ingredient[]
}

/** What the command line changes in a recipe. */
export interface Changes {
  readonly set?: readonly string[] | undefined
  readonly seed?: number | undefined
  readonly backend?: string | undefined
}

/**
 * Reads a recipe from a file, with changes.
 * @throws LgmError `recipe`, `plugin` or `options`, naming the place in the recipe.
 */
export async function readRecipe(file: string, cwd: string, changes: Changes = {}): Promise<Recipe> {
  const path = resolve(cwd, file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw expected(file, 'a recipe', code === 'ENOENT' ? 'no such file' : message, 'correct the path', 'recipe')
  }
  const document = (changes.set ?? []).reduce(withSetting, parseDocument(text, file))
  const stem = path.replace(/^.*[\\/]/, '').replace(/(\.recipe|\.resolved)?\.(ya?ml|json)$/, '')
  return recipeFrom(
    withCommandLine(document, changes),
    file,
    [dirname(path), cwd],
    stem.replace(/[^\w.-]/g, '-') || 'recipe',
  )
}

function withCommandLine(document: Document, { seed, backend }: Changes): Document {
  const given = document.backend
  const chosen = isDocument(given) && given.use === backend ? given : backend
  return { ...document, ...(seed !== undefined && { seed }), ...(backend !== undefined && { backend: chosen! }) }
}

/**
 * A recipe from plain data; packages are looked for from `bases`, and paths count from the first of them.
 * The backend is `auto` where none is given, and the observer `console`.
 */
export async function recipeFrom(
  document: Document,
  file: string,
  bases: readonly string[],
  stem: string,
): Promise<Recipe> {
  checkKeys(document, file)
  const given = Object.fromEntries(Object.entries(document).filter(([key]) => key in settingsSchema.shape))
  const { name, description, ...settings } = parseOptions(file, settingsSchema, given)
  const complete: Document = {
    ...document,
    backend: document.backend ?? 'auto',
    observers: document.observers ?? ['console'],
  }
  const ingredients: Ingredient[] = []
  for (const point of corePoints) ingredients.push(...(await ingredientsAt(complete, point, file, bases)))
  for (const [where, entry] of listAt(complete, furtherKey, file))
    ingredients.push(await ingredient(undefined, furtherKey, entry, where, bases))
  return { name: name ?? stem, description, settings, ingredients }
}

/** The plugins that a recipe has at a point, as `recipeFrom` loads them. */
export async function ingredientsAt(
  document: Document,
  point: Point<unknown>,
  file: string,
  bases: readonly string[],
): Promise<readonly Ingredient[]> {
  const ingredients: Ingredient[] = []
  for (const [where, entry] of entriesAt(document, point, file))
    ingredients.push(await ingredient(point, keyOf(point), entry, where, bases))
  return ingredients
}

function checkKeys(document: Document, file: string): void {
  const known = ['$schema', ...Object.keys(settingsSchema.shape), ...corePoints.map(keyOf), furtherKey]
  for (const key of Object.keys(document))
    if (!known.includes(key)) {
      const near = nearest(key, known)
      throw expected(
        file,
        'a key of a recipe',
        `"${key}"`,
        near ? `did you mean "${near}"?` : `known are ${known.slice(1).join(', ')}`,
        'recipe',
      )
    }
}

/** The plugins given at a point, each with its place in words. */
function entriesAt(document: Document, point: Point<unknown>, file: string): [string, Value][] {
  const key = keyOf(point)
  if (point.arity === 'many') return listAt(document, key, file)
  const entry = document[key]
  if (entry === undefined || entry === null) return []
  if (Array.isArray(entry))
    throw expected(
      `${file}: ${key}`,
      `one ${point.name}`,
      'a list',
      `write ${key}: NAME, or { use: NAME, ... }`,
      'recipe',
    )
  return [[`${file}: ${key}`, entry]]
}

function listAt(document: Document, key: string, file: string): [string, Value][] {
  const list = document[key]
  if (list === undefined || list === null) return []
  if (!Array.isArray(list))
    throw expected(
      `${file}: ${key}`,
      'a list of plugins',
      kindOf(list),
      `write ${key}: [ ${typeof list === 'string' ? list : '{ use: NAME, ... }'} ]`,
      'recipe',
    )
  return (list as readonly Value[]).map((entry, index) => [`${file}: ${key}.${index}`, entry])
}

async function ingredient(
  point: Point<unknown> | undefined,
  key: string,
  entry: Value,
  where: string,
  bases: readonly string[],
): Promise<Ingredient> {
  const { use, ...options } = isDocument(entry) ? entry : { use: entry }
  if (typeof use !== 'string' || use === '')
    throw expected(
      where,
      'the name of a plugin, or a mapping with the key use',
      use === undefined ? show(entry) : show(use),
      'write NAME, or { use: NAME, ... }',
      'recipe',
    )
  const found = await findPlugin(point, use, bases)
  return { key, use, plugin: found.factory(options), found }
}
