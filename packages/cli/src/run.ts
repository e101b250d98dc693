import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expected, Interrupted, type Plugin, type Report } from '@lgm/core'
import { jsonl } from '@lgm/observer-jsonl'
import { AnswerFiles } from './answers.js'
import { composeOnly } from './compose.js'
import { interruption } from './interruption.js'
import { lockFolder, refuseLocked } from './lock.js'
import type { Surroundings } from './main.js'
import { discard, makeOutFolder } from './out-folder.js'
import { pictures } from './pictures.js'
import { type Recipe, readRecipe } from './recipe.js'
import { comparisonTable, resultTable } from './results.js'
import {
  eventsFile,
  finished,
  type Place,
  picturesFolder,
  reportFile,
  resolvedFile,
  runAlone,
  runIn,
} from './run-folder.js'

/** The options of `lgm run`. */
export interface RunOptions {
  readonly set?: readonly string[]
  readonly seed?: number
  readonly seeds?: readonly number[]
  readonly out?: string
  readonly resume?: boolean
  readonly saveAnswers?: boolean
  readonly checkpointMinutes?: number
  readonly backend?: string
  readonly quiet?: boolean
  readonly json?: boolean
}

/** One run that is to be done, and the folder for its results. */
interface Order {
  readonly recipe: Recipe
  readonly folder: string | undefined
}

/**
 * Runs recipes one after the other, each with every seed, and prints what they found. All recipes and the folder for results are checked
 * before the first run.
 * @throws LgmError for what is wrong with a recipe, the data or the folder; Interrupted after Ctrl-C.
 */
export async function runRecipes(
  files: readonly string[],
  options: RunOptions,
  surroundings: Surroundings,
): Promise<void> {
  const { cwd, out, err } = surroundings
  const recipes: Recipe[] = []
  for (const file of files) recipes.push(await readRecipe(file, cwd, options))
  const orders = ordersOf(recipes, options, cwd)
  for (const recipe of recipes) await (await composeOnly(recipe)).dispose()
  for (const option of ['resume', 'saveAnswers'] as const)
    if (options[option] && options.out === undefined)
      throw expected(
        option === 'resume' ? '--resume' : '--save-answers',
        '--out with the folder of the run',
        'none',
        'add --out FOLDER',
        'output',
      )
  if (options.out !== undefined && !options.resume) {
    refuseLocked(resolve(cwd, options.out))
    makeOutFolder(resolve(cwd, options.out))
  }
  const { signal, release } = interruption(err)
  const reports: Report[] = []
  try {
    for (const order of orders) {
      if (orders.length > 1 && !options.quiet) err(`${order.recipe.name}, seed ${order.recipe.settings.seed}`)
      reports.push(await runOne(order, options, surroundings, signal))
      if (!options.json && !options.quiet && recipes.length > 1) out(resultTable([reports.at(-1)!]))
    }
  } catch (error) {
    if (error instanceof Interrupted && options.out !== undefined && !options.quiet)
      err('stopped; the same command with --resume goes on from here')
    throw error
  } finally {
    release()
  }
  if (options.json) out(JSON.stringify(orders.length === 1 ? reports[0] : { runs: reports }))
  else if (recipes.length === 1) out(resultTable(reports))
  else
    out(
      comparisonTable(
        recipes.map(recipe => ({
          readout: recipe.settings.readout,
          reports: reports.filter(({ name }) => name === recipe.name),
        })),
      ),
    )
  if (options.out !== undefined && !options.json && !options.quiet) err(`results are in ${options.out}`)
}

/** A run for each recipe and seed, with folders `recipe/seed-N` as far as there are several. */
function ordersOf(recipes: readonly Recipe[], options: RunOptions, cwd: string): readonly Order[] {
  const names = recipes.map(({ name }) => name)
  const doubled = names.find((name, index) => names.indexOf(name) !== index)
  if (doubled !== undefined)
    throw expected('recipes', 'a name for each', `"${doubled}" twice`, 'change the key name of one', 'recipe')
  return recipes.flatMap(recipe => {
    const seeds = options.seeds ?? [recipe.settings.seed]
    return seeds.map(seed => {
      const parts = [...(recipes.length > 1 ? [recipe.name] : []), ...(seeds.length > 1 ? [`seed-${seed}`] : [])]
      const folder = options.out === undefined ? undefined : join(resolve(cwd, options.out), ...parts)
      return { recipe: { ...recipe, settings: { ...recipe.settings, seed } }, folder }
    })
  })
}

async function runOne(order: Order, options: RunOptions, to: Surroundings, signal: AbortSignal): Promise<Report> {
  const { recipe, folder } = order
  if (signal.aborted) throw new Interrupted()
  const plugins = pluginsOf(recipe, folder, options)
  if (folder === undefined) return runAlone(recipe, plugins, to, signal)
  const { saveAnswers = false, checkpointMinutes = 5 } = options
  const place: Place = { folder, answers: saveAnswers, minutes: checkpointMinutes, resumes: false }
  const report = join(folder, reportFile)
  if (options.resume && existsSync(report)) return finished(report, place)
  const release = lockFolder(folder)
  try {
    // another run may have ended there since
    if (options.resume && existsSync(report)) return finished(report, place)
    if (options.resume && existsSync(join(folder, resolvedFile)))
      return await runIn({ ...place, resumes: true }, recipe, plugins, to, signal)
    makeOutFolder(folder)
    return await runIn(place, recipe, plugins, to, signal).catch((error: unknown) => {
      release()
      if (!existsSync(join(folder, eventsFile)))
        discard(folder, [resolvedFile, AnswerFiles.folder], folder === resolve(to.cwd, options.out!))
      throw error
    })
  } finally {
    release()
  }
}

/** The recipe's plugins; the command itself prints results, so the console is only for progress, and `--out` keeps all events and pictures. */
function pluginsOf(
  { ingredients }: Recipe,
  folder: string | undefined,
  { quiet, json }: RunOptions,
): readonly Plugin[] {
  const plugins = ingredients.flatMap(({ plugin, found }) => {
    if (found.from !== '@lgm/observer-console') return [plugin]
    return quiet ? [] : [found.factory({ ...plugin.options, table: plugin.options.table === true && json === true })]
  })
  if (folder === undefined) return plugins
  return [...plugins, jsonl({ path: join(folder, eventsFile) }), pictures({ folder: join(folder, picturesFolder) })]
}
