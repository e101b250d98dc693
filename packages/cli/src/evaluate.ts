import { join, resolve } from 'node:path'
import { type Evaluation, evaluateAnswers, evaluationSchema } from '@lgm/answers'
import { Evaluator, expected, type Measurement } from '@lgm/core'
import { summaryTable } from '@lgm/observer-console'
import { findRuns, type SavedRun } from '@lgm/runs'
import { AnswerFiles } from './answers.js'
import { type Document, isDocument } from './document.js'
import type { Surroundings } from './main.js'
import { writeOutput } from './out-folder.js'
import { patiently } from './patiently.js'
import { type Ingredient, ingredientsAt } from './recipe.js'
import { withSetting } from './settings.js'

/** The options of `lgm evaluate`. */
export interface EvaluateOptions {
  readonly evaluators?: readonly string[]
  readonly set?: readonly string[]
  readonly out?: string
}

const evaluationFile = 'evaluation.json'
const key = 'evaluators'

/**
 * Evaluates the saved answers of runs, prints what was found, and writes `evaluation.json` into the folder of each.
 * @throws LgmError for a folder without finished runs or answers, for damaged files, and for evaluators that answers do not suffice for, if
 * there are no others.
 */
export async function evaluateRuns(
  folders: readonly string[],
  options: EvaluateOptions,
  { cwd, out, err }: Surroundings,
): Promise<void> {
  const { runs, unfinished } = await findRuns(folders.map(folder => resolve(cwd, folder)))
  for (const folder of unfinished) err(`${folder} is not finished, and left out; lgm run --resume goes on with it`)
  if (options.out !== undefined && runs.length > 1)
    throw expected('--out', 'one run', `${runs.length}`, `leave it out: each gets its own ${evaluationFile}`, 'output')
  const orders = []
  for (const run of runs) orders.push({ run, ingredients: await evaluatorsOf(run, options, cwd) })
  for (const { run, ingredients } of orders) {
    const evaluation = await evaluateRun(run, ingredients, patiently(err))
    for (const { evaluator, why } of evaluation.leftOut) err(leftOutLine(evaluator, why))
    const path = options.out === undefined ? join(run.folder, evaluationFile) : resolve(cwd, options.out)
    write(path, run, ingredients, evaluation)
    const { name = 'run', seed } = run.report
    const figures = summaryTable(evaluation.summary as readonly Measurement[])
    out([`${name}, seed ${seed}, from saved answers`, ...(figures === '' ? [] : [figures])].join('\n'))
    err(`results are in ${path}`)
  }
}

/** The evaluators of the run's recipe, or those named, as the settings change them. */
async function evaluatorsOf(
  { recipe, folder }: SavedRun,
  { evaluators, set = [] }: EvaluateOptions,
  cwd: string,
): Promise<readonly Ingredient[]> {
  for (const setting of set)
    if (!/^evaluators[.=]/.test(setting))
      throw expected(`--set ${setting}`, 'a change of evaluators', 'another', 'the run itself is over', 'recipe')
  const given = (recipe as Document)[key]
  const entries = Array.isArray(given) ? given : []
  const named = evaluators?.map(name => entries.find(entry => isDocument(entry) && entry.use === name) ?? name)
  const document = set.reduce(withSetting, { [key]: named ?? entries } as Document)
  const ingredients = await ingredientsAt(document, Evaluator, folder, [cwd, folder])
  if (ingredients.length === 0)
    throw expected(folder, 'evaluators', 'a recipe without any', 'name some: --evaluators accuracy', 'recipe')
  return ingredients
}

async function evaluateRun(
  { report, folder }: SavedRun,
  ingredients: readonly Ingredient[],
  say: (text: string) => void,
): Promise<Evaluation> {
  const tasks = report.tasks.length
  const saved = counted(new AnswerFiles(folder).read(tasks), task => say(`${folder}: task ${task} of ${tasks}`))
  const plugins = ingredients.map(({ plugin }) => plugin)
  const evaluation = await evaluateAnswers(plugins, saved, report.seed)
  if (evaluation.leftOut.length === ingredients.length)
    throw expected(
      folder,
      'an evaluator that works from answers, as accuracy does',
      evaluation.leftOut.map(({ evaluator, why }) => `${evaluator}: ${why}`).join('; '),
      'run the recipe again with those that do not',
      'answers',
    )
  return evaluation
}

const leftOutLine = (evaluator: string, why: string) =>
  `${evaluator} is left out: ${why}; name it in the recipe of a run`

function* counted<Value>(values: Iterable<Value>, tell: (count: number) => void): Generator<Value> {
  let count = 0
  for (const value of values) {
    tell(++count)
    yield value
  }
}

function write(path: string, { report }: SavedRun, ingredients: readonly Ingredient[], evaluation: Evaluation): void {
  const document = evaluationSchema.parse({
    version: 1,
    ...(report.name !== undefined && { name: report.name }),
    seed: report.seed,
    evaluators: ingredients.map(({ use, plugin }) => ({ use, ...plugin.options })),
    ...evaluation,
  })
  writeOutput(path, `${JSON.stringify(document, null, 2)}\n`)
}
