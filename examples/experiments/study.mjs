// Runs a study: every row on every data set and seed, each an ordinary `lgm run` in a process of its own with one engine thread, after
// the strengths have been chosen on validation data. What is finished is never run again; Ctrl-C, and the same command goes on.
//
//   node examples/experiments/study.mjs embedder-drift [--jobs 2] [--seeds 0..2] [--rows a,b] [--datasets a,b] [--only tuning|final] [--out DIR] [--collect]
//
// A study is a folder with `rows.mjs`, which exports `study`. Results go to docs/results/<study>/: runs.json, and the page and pictures
// that tools/experiments.mjs makes of it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')

/** @typedef {Record<string, unknown>} Recipe */
/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {(strength: number, given: number) => Recipe} recipe what stands in the place of the shared recipe's keys, with the strength
 *   (0 where there is none) and with the one that was chosen for the row `after`
 * @property {readonly number[]} [strengths] to choose from on validation data
 * @property {string} [after] a row whose choice comes before, and goes into this one
 * @property {readonly string[]} [best] names of rows with strengths: the recipe is that of the one that was best on validation data, as
 *   `change` makes it; `recipe` is not asked
 * @property {(recipe: Recipe) => Recipe} [change]
 * @property {string} [family] rows of one have one colour, or are one curve of a study of trade-offs; else regularizers have colours
 * @property {string} [panel] of a study of trade-offs: the picture it is in, beside the data set
 * @property {boolean} [everywhere] all strengths are tried on every data set, whatever `near` of the study says
 */
/** @typedef {(run: import('../../tools/experiments.mjs').Done) => number | undefined} Measure see columns.mjs */
/** @typedef {{ title: string, of: Measure, show: 'percents' | 'significant' | 'counts' | 'seconds' }} Column */
/** @typedef {{ title: string, of: Measure }} Axis */
/** @typedef {{ file: string, alt: string, says: string, x: Axis, y: Axis }} Scatter x is logarithmic; rows without x are levels */
/**
 * @typedef {object} Study
 * @property {string} name
 * @property {readonly string[]} datasets
 * @property {Record<string, string>} [near] data sets on which only the strength that was best on another one, earlier in the list, and
 *   its two neighbours are tried
 * @property {Record<string, string>} [same] data sets on which nothing is tried: the choice made on another one holds there too
 * @property {readonly Column[]} [columns] of the table of final runs
 * @property {string} [explanation] of the columns, Markdown
 * @property {Scatter} [scatter] a picture of all rows
 * @property {boolean} [tradeOff] its page shows bytes of memory against accuracy, in the place of drift and strengths
 * @property {string} figure by which strengths are chosen, of the summary: `ACC/head`
 * @property {number} tuningSeed
 * @property {(recipe: Recipe) => Recipe} forTuning the recipe on validation data, at the budget of tuning
 * @property {Recipe} shared what all rows have in common
 * @property {readonly Row[]} rows
 */
/** @typedef {{ stage: 'tuning' | 'final', row: string, dataset: string, strength: number, seed: number, recipe: Recipe, folder: string }} Run */

/** `0..2` or `0,2`. @param {string} text */
export function seedsOf(text) {
  const range = /^(\d+)\.\.(\d+)$/.exec(text)
  if (range) return Array.from({ length: Number(range[2]) - Number(range[1]) + 1 }, (_, i) => Number(range[1]) + i)
  return text.split(',').map(Number)
}

/** @typedef {{ out: string, seeds: readonly number[], rows?: readonly string[] | undefined }} Settings */

/**
 * The runs by which strengths are chosen on a data set, of the rows that wait for no other row's choice, or of those that do.
 * @param {Study} study @param {Settings} settings @param {string} dataset @param {boolean} waiting
 * @returns {Run[]}
 */
export function tuningRuns(study, { out, rows }, dataset, waiting) {
  if (study.same?.[dataset]) return []
  return study.rows
    .filter(row => Boolean(row.after) === waiting && (!rows || rows.includes(row.name)))
    .flatMap(row => tuningOf(study, row, dataset, out))
}

/** @param {Study} study @param {Row} row @param {string} dataset @param {string} out @returns {Run[]} */
function tuningOf(study, row, dataset, out) {
  return strengthsOf(study, row, dataset, out).map(strength => ({
    stage: /** @type {const} */ ('tuning'),
    row: row.name,
    dataset,
    strength,
    seed: study.tuningSeed,
    recipe: study.forTuning(recipeOf(study, row, dataset, strength, out)),
    folder: join(out, 'tuning', dataset, row.name, String(strength)),
  }))
}

/** The strengths that are tried on a data set. @param {Study} study @param {Row} row @param {string} dataset @param {string} out */
function strengthsOf(study, row, dataset, out) {
  const { strengths = [], everywhere } = row
  const other = study.near?.[dataset]
  if (!other || everywhere || strengths.length === 0) return strengths
  return neighbours(strengths, strengths.indexOf(chosenStrength(study, row, other, out)))
}

/** The number at an index and those beside it. @param {readonly number[]} numbers @param {number} index */
export const neighbours = (numbers, index) => numbers.slice(Math.max(index - 1, 0), index + 2)

/**
 * The runs on test data, seed by seed, with the strengths that were chosen.
 * @param {Study} study @param {Settings} settings
 * @returns {Run[]}
 */
export function finalRuns(study, { out, seeds, rows }) {
  return seeds.flatMap(seed =>
    study.datasets.flatMap(dataset =>
      study.rows
        .filter(row => !rows || rows.includes(row.name))
        .map(row => {
          const strength = chosenStrength(study, row, dataset, out)
          return {
            stage: /** @type {const} */ ('final'),
            row: row.name,
            dataset,
            strength,
            seed,
            recipe: recipeOf(study, row, dataset, strength, out),
            folder: join(out, 'final', dataset, row.name, `s${seed}`),
          }
        }),
    ),
  )
}

/** @param {Study} study @param {Row} row @param {string} dataset @param {number} strength @param {string} out @returns {Recipe} */
function recipeOf(study, row, dataset, strength, out) {
  if (row.best) {
    const { best, change = recipe => recipe } = row
    const found = study.rows
      .filter(({ name }) => best.includes(name))
      .map(one => ({ one, ...choiceOf(study, one, dataset, out) }))
    const top = found.reduce((top, one) => (one.value > top.value ? one : top))
    return { ...change(recipeOf(study, top.one, dataset, top.strength, out)), name: row.name }
  }
  const before = study.rows.find(({ name }) => name === row.after)
  const given = before ? chosenStrength(study, before, dataset, out) : 0
  return { ...study.shared, ...row.recipe(strength, given), name: row.name, dataset }
}

/** The strength that was chosen, 0 where there is none to choose. @param {Study} study @param {Row} row @param {string} dataset @param {string} out */
const chosenStrength = (study, row, dataset, out) => (row.strengths ? choiceOf(study, row, dataset, out).strength : 0)

/**
 * The strength with the best figure on validation data, of equal ones the smallest, and that figure.
 * @param {Study} study @param {Row} row @param {string} dataset @param {string} out
 */
function choiceOf(study, row, dataset, out) {
  const where = study.same?.[dataset] ?? dataset
  const found = tuningOf(study, row, where, out).map(run => {
    const { strength, folder } = run
    if (!isDone(run))
      throw new Error(`${row.name}, ${where}: strength ${strength} has not been tried yet; run without --only final`)
    const report = reportIn(folder)
    return { strength, value: report.failed ? -1 : /** @type {number} */ (summaryOf(report, study.figure)) }
  })
  return found.reduce((best, one) => (one.value > best.value ? one : best))
}

/** @param {string} folder */
export function reportIn(folder) {
  const report = join(folder, 'report.json')
  if (existsSync(report)) return JSON.parse(readFileSync(report, 'utf8'))
  const failed = join(folder, 'failed.json')
  return existsSync(failed) ? JSON.parse(readFileSync(failed, 'utf8')) : undefined
}

/** @param {{ summary: { name: string, value: unknown }[] }} report @param {string} name */
const summaryOf = (report, name) => report.summary.find(measurement => measurement.name === name)?.value

/** The recipe of a run as it is written beside its folder. @param {Run} run */
export const textOf = ({ recipe }) =>
  JSON.stringify({ ...recipe, backend: { use: 'native', threads: 1 } }, undefined, 2)

/** Whether there is a report, of this very recipe and no earlier one, such as before another choice that it builds on. @param {Run} run */
export function isDone(run) {
  const recipe = `${run.folder}.yaml`
  return Boolean(reportIn(run.folder)) && existsSync(recipe) && readFileSync(recipe, 'utf8') === textOf(run)
}

/**
 * Runs one child process; a method that diverges is a result too, and is kept as `failed.json`.
 * @param {Run} run @param {Set<import('node:child_process').ChildProcess>} children
 */
function start(run, children) {
  rmSync(run.folder, { recursive: true, force: true })
  mkdirSync(dirname(run.folder), { recursive: true })
  const recipe = `${run.folder}.yaml`
  const log = `${run.folder}.log`
  writeFileSync(recipe, textOf(run))
  const main = join(root, 'packages', 'cli', 'bin', 'lgm.mjs')
  const output = openSync(log, 'w')
  const child = spawn(process.execPath, [main, 'run', recipe, '--seed', String(run.seed), '--out', run.folder], {
    stdio: ['ignore', output, output],
    cwd: root,
  })
  children.add(child)
  return /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        children.delete(child)
        if (code === 0) return resolve()
        const said = readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? ''
        if (code === 130 || signal) return reject(new Error('interrupted'))
        if (!said.includes('expected finite losses'))
          return reject(new Error(`${run.folder}: exit code ${code}: ${said}`))
        mkdirSync(run.folder, { recursive: true })
        writeFileSync(join(run.folder, 'failed.json'), JSON.stringify({ failed: said }))
        resolve()
      })
    })
  )
}

/** @param {Run[]} runs @param {number} jobs @param {string} name */
async function runAll(runs, jobs, name) {
  const open = runs.filter(run => !isDone(run))
  const done = runs.length - open.length
  console.log(`${name}: ${runs.length} runs, ${done} of them done before, ${jobs} at a time`)
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const children = new Set()
  const begun = performance.now()
  let ended = 0
  const stop = () => {
    open.length = 0
    for (const child of children) child.kill('SIGINT')
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const worker = async () => {
    for (let run = open.shift(); run; run = open.shift()) {
      await start(run, children)
      ended += 1
      const minutes = (performance.now() - begun) / 60_000
      const left = (minutes / ended) * (open.length + children.size)
      console.log(
        `${done + ended}/${runs.length} · ${run.stage} ${run.dataset} ${run.row} ${run.strength || ''} seed ${run.seed}: ${said(run)} · about ${left.toFixed(0)} min left`,
      )
    }
  }
  try {
    await Promise.all(Array.from({ length: jobs }, worker))
  } finally {
    stop()
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

/** @param {Run} run */
function said(run) {
  const report = reportIn(run.folder)
  if (!report || report.failed) return report?.failed ?? 'no report'
  const parts = ['head', 'bayes', 'ensemble'].map(readout => summaryOf(report, `ACC/${readout}`))
  return parts.map(value => (typeof value === 'number' ? `${(100 * value).toFixed(2)} %` : '–')).join(' / ')
}

/**
 * What is kept of a run: every single figure of the summary, and of the last task.
 * @param {Run} run
 * @returns {Record<string, unknown>[]}
 */
function recordOf(run) {
  if (!isDone(run)) return []
  const { stage, row, dataset, strength, seed, folder } = run
  const report = reportIn(folder)
  const which = { stage, row, dataset, strength, seed }
  if (report.failed) return [{ ...which, failed: report.failed }]
  /** @type {Record<string, number>} */
  const figures = {}
  for (const { name, value } of [...report.rows.at(-1), ...report.summary])
    if (typeof value === 'number') figures[name] = Number(value.toPrecision(6))
  const kept = Object.fromEntries(Object.entries(report.kept).map(([owner, { numbers }]) => [owner, numbers]))
  return [
    {
      ...which,
      figures,
      kept,
      seconds: Math.round(report.totalSeconds),
      phases: secondsByPhase(report),
      engine: report.engine,
      versions: report.versions,
    },
  ]
}

/** Whole seconds of each phase, over all tasks. @param {import('@lgm/core').Report} report */
function secondsByPhase({ seconds }) {
  /** @type {Record<string, number>} */
  const sums = {}
  for (const [phase, duration] of seconds.flatMap(Object.entries)) sums[phase] = (sums[phase] ?? 0) + duration
  return Object.fromEntries(Object.entries(sums).map(([phase, sum]) => [phase, Math.round(sum)]))
}

/** The seeds of final runs that there are. @param {string} out */
function seedsIn(out) {
  const folder = join(out, 'final')
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { recursive: true }).map(name => /[\\/]s(\d+)$/.exec(String(name))?.[1])
  return [...new Set(names.filter(name => name !== undefined).map(Number))].sort((a, b) => a - b)
}

/** The runs of a stage; none while choices that it builds on are still open. @param {() => Run[]} stage */
function existing(stage) {
  try {
    return stage()
  } catch {
    return []
  }
}

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      jobs: { type: 'string', default: String(availableParallelism()) },
      seeds: { type: 'string', default: '0..2' },
      rows: { type: 'string' },
      datasets: { type: 'string' },
      only: { type: 'string' },
      out: { type: 'string' },
      collect: { type: 'boolean', default: false },
    },
  })
  const name = positionals[0]
  if (!name || !existsSync(join(here, name, 'rows.mjs')))
    throw new Error(`expected the name of a study beside ${here}, got ${name ?? 'none'}`)
  const { study: whole } = /** @type {{ study: Study }} */ (await import(join(here, name, 'rows.mjs')))
  const study = { ...whole, datasets: values.datasets?.split(',') ?? whole.datasets }
  const settings = {
    out: values.out ?? join(root, 'runs', name),
    seeds: seedsOf(values.seeds),
    rows: values.rows?.split(','),
  }
  const jobs = Number(values.jobs)
  const stages = (/** @type {Study} */ of, /** @type {Settings} */ given) => {
    const choosing = of.datasets.flatMap(dataset =>
      [false, true].map(waiting => () => tuningRuns(of, given, dataset, waiting)),
    )
    return { choosing, final: () => finalRuns(of, given) }
  }
  const { choosing, final } = stages(study, settings)
  if (!values.collect && values.only !== 'final')
    for (const stage of choosing) await runAll(stage(), jobs, 'choosing on validation data')
  if (!values.collect && values.only !== 'tuning') await runAll(final(), jobs, 'final runs on test data')
  const all = stages(whole, { out: settings.out, seeds: seedsIn(settings.out) })
  const runs = [...all.choosing, all.final].flatMap(existing).flatMap(recordOf)
  const file = join(root, 'docs', 'results', name, 'runs.json')
  mkdirSync(dirname(file), { recursive: true })
  const lines = runs.map(run => `    ${JSON.stringify(run)}`).join(',\n')
  writeFileSync(`${file}.new`, `{\n  "study": ${JSON.stringify(name)},\n  "runs": [\n${lines}\n  ]\n}\n`)
  renameSync(`${file}.new`, file)
  console.log(`${runs.length} runs in ${file}`)
  spawnSync(process.execPath, [join(root, 'tools', 'experiments.mjs')], { stdio: 'inherit' })
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main().catch(error => {
    const said = error instanceof Error ? error.message : error
    console.error(said === 'interrupted' ? 'interrupted; the same command goes on' : said)
    process.exitCode = said === 'interrupted' ? 130 : 1
  })
