import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  createLearner,
  expected,
  Interrupted,
  type Learner,
  type Plugin,
  type Progress,
  type Report,
  readReport,
  reportSchema,
  run,
} from '@lgm/core'
import { folderStore } from '@lgm/store-folder'
import { accuracyMatrices, accuracySvg } from './accuracy-svg.js'
import { AnswerFiles } from './answers.js'
import { Checkpoints } from './checkpoints.js'
import type { Surroundings } from './main.js'
import { changing, writeAtomically } from './out-folder.js'
import { packageVersion } from './packages.js'
import type { Recipe } from './recipe.js'
import { resolvedRecipe } from './resolved.js'

/** Files and folders that a run leaves. */
export const resolvedFile = 'recipe.resolved.yaml'
export const eventsFile = 'events.jsonl'
export const picturesFolder = 'pictures'
export const reportFile = 'report.json'
const checkpointsFolder = 'checkpoints'

/** Where a run leaves its results, and which. */
export interface Place {
  readonly folder: string
  /** Whether answers are saved; a run that began so goes on so. */
  readonly answers: boolean
  /** Minutes after which it is saved how far a task has come. */
  readonly minutes: number
  /** Whether an earlier run stopped there, with which to go on. */
  readonly resumes: boolean
}

/** The report of a run that is finished; checkpoints go that a process left which was killed just then. @throws LgmError `output` where its answers are asked for, and were not saved. */
export function finished(path: string, { folder, answers }: Place): Report {
  const report = readReport(JSON.parse(readFileSync(path, 'utf8')), path)
  if (answers) new AnswerFiles(folder).checkFirst(report.tasks.length)
  checkpointsIn(folder).clear()
  return report
}

function checkpointsIn(folder: string): Checkpoints {
  return new Checkpoints(join(folder, checkpointsFolder), () => checkThere(folder))
}

/** Runs a recipe without leaving anything. */
export async function runAlone(
  recipe: Recipe,
  plugins: readonly Plugin[],
  { cwd }: Surroundings,
  signal: AbortSignal,
): Promise<Report> {
  const learner = await createLearner(plugins, { ...recipe.settings, signal })
  return using(learner, async () => complete(await run(learner), recipe, cwd, signal))
}

/** Works with a learner, then disposes it. What fails first is told. */
async function using<Result>(learner: Learner, work: () => Promise<Result>): Promise<Result> {
  const result = await work().catch(async (error: unknown) => {
    await learner.dispose().catch(() => {})
    throw error
  })
  await learner.dispose()
  return result
}

/** Runs a recipe, or goes on with a run, and leaves the results in a folder. */
export async function runIn(
  place: Place,
  recipe: Recipe,
  plugins: readonly Plugin[],
  { cwd, err }: Surroundings,
  signal: AbortSignal,
): Promise<Report> {
  const { folder, resumes } = place
  const learner = await createLearner(plugins, { ...recipe.settings, signal })
  return using(learner, async () => {
    const resolved = resolvedRecipe(recipe, learner)
    if (resumes) checkSame(join(folder, resolvedFile), resolved)
    else write(join(folder, resolvedFile), resolved)
    const checkpoints = checkpointsIn(folder)
    const answers = new AnswerFiles(folder)
    const saves = place.answers || (resumes && answers.exist)
    if (saves && !resumes) answers.begin()
    const resume = async (): Promise<Progress | undefined> => {
      const progress = await checkpoints.load(learner, err)
      if (!progress) startOver(folder)
      if (saves && progress) answers.goOn(progress.tasks)
      else if (saves) answers.begin()
      return progress
    }
    const left = resumes ? await checkpoints.loadUnderway(err) : undefined
    const found = await run(learner, {
      underway: () => checkpoints.underway(place.minutes, left),
      afterTask: progress => checkpoints.save(learner, progress),
      ...(saves && { answered: answers.save }),
      ...(resumes && { resume }),
    })
    const report = complete(found, recipe, cwd, signal)
    await keep(folder, recipe, learner, report)
    checkpoints.clear()
    return report
  })
}

/** @throws LgmError `write` when the folder of a run vanished while the run went on: none is made again with only a part of it. */
function checkThere(folder: string): void {
  if (existsSync(join(folder, resolvedFile))) return
  throw expected(
    folder,
    'the folder in which the run began',
    'none',
    'it was removed or renamed while the run went on: run the recipe again',
    'write',
  )
}

function write(path: string, content: string): void {
  changing(path, () => writeAtomically(path, content))
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
function startOver(folder: string): void {
  changing(folder, () => {
    rmSync(join(folder, eventsFile), { force: true })
    rmSync(join(folder, picturesFolder), { recursive: true, force: true })
  })
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

/** Writes what a run leaves: checkpoint, a picture where accuracy was measured, and last the report, with which it counts as finished. */
async function keep(folder: string, recipe: Recipe, learner: Learner, report: Report): Promise<void> {
  checkThere(folder)
  await learner.save(folderStore(join(folder, 'checkpoint')))
  const matrices = accuracyMatrices(report, recipe.settings.readout)
  const tasks = report.tasks.map(({ name }) => name)
  const picture = accuracySvg(`${recipe.name}, seed ${report.seed}`, tasks, matrices)
  if (matrices.length > 0) write(join(folder, 'accuracy.svg'), picture)
  write(join(folder, reportFile), `${JSON.stringify(report, null, 2)}\n`)
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
