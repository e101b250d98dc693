import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  createLearner,
  expected,
  Interrupted,
  type Learner,
  type Plugin,
  type Report,
  reportSchema,
  run,
} from '@lgm/core'
import { jsonl } from '@lgm/observer-jsonl'
import { folderStore } from '@lgm/store-folder'
import { accuracyMatrices, accuracySvg } from './accuracy-svg.js'
import { Checkpoints } from './checkpoints.js'
import { composeOnly } from './compose.js'
import { interruption } from './interruption.js'
import type { Surroundings } from './main.js'
import { discard, makeOutFolder, writeAtomically } from './out-folder.js'
import { packageVersion } from './packages.js'
import { pictures } from './pictures.js'
import { type Recipe, readRecipe } from './recipe.js'
import { resolvedRecipe } from './resolved.js'
import { comparisonTable, resultTable } from './results.js'

/** The options of `lgm run`. */
export interface RunOptions {
  readonly set?: readonly string[]
  readonly seed?: number
  readonly seeds?: readonly number[]
  readonly out?: string
  readonly resume?: boolean
  readonly backend?: string
  readonly quiet?: boolean
  readonly json?: boolean
}

const resolvedFile = 'recipe.resolved.yaml'
const eventsFile = 'events.jsonl'
const picturesFolder = 'pictures'
const reportFile = 'report.json'
const checkpointsFolder = 'checkpoints'

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
  if (options.resume && options.out === undefined)
    throw expected('--resume', '--out with the folder of the run', 'none', 'add --out FOLDER', 'output')
  if (options.out !== undefined && !options.resume) makeOutFolder(resolve(cwd, options.out))
  const { signal, release } = interruption(err)
  const reports: Report[] = []
  try {
    for (const order of orders) {
      if (orders.length > 1 && !options.quiet) err(`${order.recipe.name}, seed ${order.recipe.settings.seed}`)
      reports.push(await runOne(order, options, surroundings, signal))
      if (!options.json && !options.quiet && recipes.length > 1) out(resultTable([reports.at(-1)!]))
    }
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
  if (folder === undefined) return runWith(recipe, plugins, folder, to, signal)
  if (options.resume) {
    const report = join(folder, reportFile)
    if (existsSync(report)) return reportSchema.parse(JSON.parse(readFileSync(report, 'utf8')))
    if (existsSync(join(folder, resolvedFile))) return runWith(recipe, plugins, folder, to, signal, true)
  }
  makeOutFolder(folder)
  try {
    return await runWith(recipe, plugins, folder, to, signal)
  } catch (error) {
    if (!existsSync(join(folder, eventsFile))) discard(folder, [resolvedFile], folder === resolve(to.cwd, options.out!))
    throw error
  }
}

async function runWith(
  recipe: Recipe,
  plugins: readonly Plugin[],
  folder: string | undefined,
  { cwd, err }: Surroundings,
  signal: AbortSignal,
  resumes = false,
): Promise<Report> {
  const learner = await createLearner(plugins, { ...recipe.settings, signal })
  try {
    if (folder === undefined) return complete(await run(learner), recipe, cwd, signal)
    const resolved = resolvedRecipe(recipe, learner)
    if (resumes) checkSame(join(folder, resolvedFile), resolved)
    else writeAtomically(join(folder, resolvedFile), resolved)
    const checkpoints = new Checkpoints(join(folder, checkpointsFolder))
    const found = await run(learner, {
      afterTask: progress => checkpoints.save(learner, progress),
      ...(resumes && { resume: async () => (await checkpoints.load(learner, err)) ?? startOver(folder) }),
    })
    const report = complete(found, recipe, cwd, signal)
    await keep(folder, recipe, learner, report)
    checkpoints.clear()
    return report
  } finally {
    await learner.dispose()
  }
}

/** @throws Interrupted where the run has ended because it was told to. */
function complete(found: Report, recipe: Recipe, cwd: string, signal: AbortSignal): Report {
  if (signal.aborted) throw new Interrupted()
  return reportSchema.parse({
    ...found,
    name: recipe.name,
    versions: { ...versionsOf(recipe, cwd), ...found.versions },
  })
}

/** A run that ended within its first task begins anew: its events go. */
function startOver(folder: string): undefined {
  rmSync(join(folder, eventsFile), { force: true })
  rmSync(join(folder, picturesFolder), { recursive: true, force: true })
}

/** @throws LgmError `output` when the recipe that a run began with is not the one it is to go on with; names the first line. */
function checkSame(path: string, now: string): void {
  const [then, lines] = [readFileSync(path, 'utf8').split('\n'), now.split('\n')]
  const at = then.findIndex((line, i) => line !== lines[i])
  if (at < 0 && then.length === lines.length) return
  throw expected(
    `--resume, ${path}`,
    `the recipe that the run began with, "${then[at]?.trim() ?? ''}" in line ${at + 1}`,
    `"${lines[at]?.trim() ?? ''}"`,
    'resume with the same recipe and settings, or start anew in another folder',
    'output',
  )
}

/** Writes what a run leaves: checkpoint, report, and a picture where accuracy was measured. */
async function keep(folder: string, recipe: Recipe, learner: Learner, report: Report): Promise<void> {
  await learner.save(folderStore(join(folder, 'checkpoint')))
  writeAtomically(join(folder, reportFile), `${JSON.stringify(report, null, 2)}\n`)
  const matrices = accuracyMatrices(report, recipe.settings.readout)
  const tasks = report.tasks.map(({ name }) => name)
  const picture = accuracySvg(`${recipe.name}, seed ${report.seed}`, tasks, matrices)
  if (matrices.length > 0) writeAtomically(join(folder, 'accuracy.svg'), picture)
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

function versionsOf({ ingredients }: Recipe, cwd: string): Record<string, string> {
  const packages = ingredients.flatMap(({ found }) =>
    found.version === undefined ? [] : [[found.from, found.version] as const],
  )
  const core = packageVersion('@lgm/core', [cwd])
  return {
    node: process.versions.node,
    ...(core !== undefined && { '@lgm/core': core }),
    ...Object.fromEntries(packages),
  }
}
