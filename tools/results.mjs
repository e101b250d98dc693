// Writes docs/results.md from the reports of runs in docs/results/<study>/ and the study.json beside them; see docs/results/README.md.
//
//   node tools/results.mjs                       writes the page
//   node tools/results.mjs --check               writes nothing; fails if the page is not what it would be, or a report fits no row
//   node tools/results.mjs --add STUDY FOLDER…   takes over the runs that `lgm run --out FOLDER` left, then writes the page
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { table } from './points.mjs'
import { isMain, root } from './steps.mjs'

/** @typedef {import('@lgm/core').Report} Report */
/** @typedef {{ value: number, deviation?: number, source: string }} Published in %, with the standard deviation where there is one */
/** @typedef {{ within?: number, atLeast?: number, because?: string }} Target points around the published value, or a bound in % */
/**
 * @typedef {object} Row
 * @property {string} method
 * @property {string} name of the recipe, and so of its reports
 * @property {string} recipe path from the root
 * @property {Report['scenario']} scenario
 * @property {string} [readout] the one that is compared; `head`
 * @property {Published} [published]
 * @property {Target} [target]
 */
/**
 * @typedef {object} Study
 * @property {string} title
 * @property {number} order of the study on the page
 * @property {string} protocol Markdown
 * @property {string} machine
 * @property {string} command with {recipe}, {seeds} and {name}
 * @property {Readonly<Record<string, { text: string, tag: 'P' | 'S' }>>} sources
 * @property {Row[]} rows
 * @property {{ method: string, values: Partial<Record<Report['scenario'], { value: number, deviation?: number }>>, source: string }[]} [others]
 * @property {string[]} [notes] Markdown
 */
/** @typedef {{ mean: number, deviation: number | undefined, count: number }} Figure */

/**
 * Mean and standard deviation (of a sample, n − 1; none of one value).
 * @param {readonly number[]} values
 * @returns {Figure | undefined} of no values, nothing
 */
export function figure(values) {
  const count = values.length
  if (count === 0) return undefined
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : undefined, count }
}

/** @param {number} value */
export const fixed = (value, digits = 2) => value.toFixed(digits).replace('-', '−')
/**
 * `97.90 ± 0.08`, of one run `97.90`.
 * @param {{ mean: number, deviation: number | undefined } | undefined} found
 */
export const shown = (found, digits = 2) =>
  found
    ? `${fixed(found.mean, digits)}${found.deviation === undefined ? '' : ` ± ${fixed(found.deviation, digits)}`}`
    : '–'
export const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/**
 * A figure of the summary in % or points.
 * @param {Report} report
 * @param {string} name
 * @returns {number | undefined}
 */
function percent(report, name) {
  const value = report.summary.find(measurement => measurement.name === name)?.value
  return typeof value === 'number' ? 100 * value : undefined
}
/** @param {readonly Report[]} reports @param {string} name */
const over = (reports, name) =>
  figure(reports.map(report => percent(report, name)).filter(value => value !== undefined))
/** @param {Report} report */
const kept = report => Object.values(report.kept).reduce((sum, { numbers }) => sum + numbers, 0)
/** Seconds of all phases, without the evaluation. @param {Report} report */
const training = report =>
  report.seconds.reduce(
    (sum, phases) => sum + Object.entries(phases).reduce((of, [name, s]) => of + (name === 'evaluate' ? 0 : s), 0),
    0,
  )

/**
 * What does not fit between a study and its reports.
 * @param {Study} study
 * @param {readonly Report[]} reports
 * @returns {string[]}
 */
export function problemsOf(study, reports) {
  const problems = []
  const met = new Set()
  for (const report of reports) {
    const where = `${study.title}: the report of "${report.name}", seed ${report.seed}`
    const row = study.rows.find(({ name }) => name === report.name)
    if (report.version !== 1) problems.push(`${where}: expected version 1, got ${report.version}; run it again`)
    if (!row) problems.push(`${where}: expected a row of study.json with its name, got none; add the row`)
    else if (row.scenario !== report.scenario)
      problems.push(`${where}: expected the scenario ${row.scenario}, got ${report.scenario}; correct the row`)
    else if (percent(report, `ACC/${row.readout ?? 'head'}`) === undefined)
      problems.push(`${where}: expected the figure ACC/${row.readout ?? 'head'}, got none; correct the row's readout`)
    const key = `${report.name} ${report.seed}`
    if (met.has(key)) problems.push(`${where}: expected one report a seed, got two; remove one`)
    met.add(key)
  }
  for (const { name } of study.rows) {
    const sizes = new Set(reports.filter(report => report.name === name).map(({ tasks }) => JSON.stringify(tasks)))
    if (sizes.size > 1)
      problems.push(
        `${study.title}: "${name}": expected the same tasks for all seeds, got ${sizes.size}; run them alike`,
      )
  }
  return problems
}

/**
 * Whether a target is met, and how that reads.
 * @param {Row} row
 * @param {Figure | undefined} found in %
 */
function verdict({ method, scenario, published, target, readout = 'head' }, found) {
  if (!target) return undefined
  const reasons = target.because ? ` (${target.because})` : ''
  const bound =
    target.within !== undefined && published
      ? `within ${target.within} ${target.within === 1 ? 'point' : 'points'} of the published ${fixed(published.value)} %`
      : `at least ${fixed(target.atLeast ?? 0)} %`
  const wanted = `${method}, ${scenario}-incremental, read-out ${readout}: ${bound}${reasons}`
  if (!found) return { met: undefined, text: `${wanted}: not run yet` }
  const met =
    target.within !== undefined && published
      ? Math.abs(found.mean - published.value) <= target.within
      : found.mean >= (target.atLeast ?? 0)
  const runs = found.count === 1 ? 'one run' : `${found.count} runs`
  return { met, text: `${wanted}: ${met ? 'met' : '**not met**'}, ${shown(found)} % in ${runs}` }
}

/** @param {readonly number[]} seeds ascending; `0..4`, or `0,2` where some are missing */
export function seedRange(seeds) {
  const [first = 0, last = first] = [seeds[0], seeds.at(-1)]
  if (seeds.length <= 1) return String(first)
  return last - first === seeds.length - 1 ? `${first}..${last}` : seeds.join(',')
}

/** @param {string[]} values */
const distinct = values => [...new Set(values)]

/**
 * The section of a study.
 * @param {Study} study
 * @param {readonly Report[]} reports
 */
export function renderStudy(study, reports) {
  const rows = study.rows.map(row => {
    const own = reports.filter(({ name }) => name === row.name).sort((a, b) => a.seed - b.seed)
    const found = over(own, `ACC/${row.readout ?? 'head'}`)
    return { row, own, found, verdict: verdict(row, found) }
  })
  const readouts = ['head', 'bayes', 'ensemble'].filter(
    readout => readout === 'head' || reports.some(report => report.readouts.includes(readout)),
  )
  const head = [
    'method',
    'recipe',
    'scenario',
    'runs',
    ...readouts.map(readout => `${readout}, %`),
    'forgetting, points',
    'numbers kept',
    'training, s',
    'published, %',
    'difference',
  ]
  const body = rows.map(({ row, own, found }) => {
    const { published, readout = 'head' } = row
    const numbers = own.map(kept)
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
    return [
      row.method,
      `[${row.name}](../${row.recipe})`,
      row.scenario,
      own.length,
      ...readouts.map(name => {
        const text = shown(over(own, `ACC/${name}`))
        return name === readout && text !== '–' ? `**${text}**` : text
      }),
      shown(over(own, `forgetting/${readout}`)),
      own.length === 0 ? '–' : least === most ? whole.format(most) : `${whole.format(least)} to ${whole.format(most)}`,
      shown(figure(own.map(training)), 0),
      published
        ? `${shown({ mean: published.value, deviation: published.deviation })} (${study.sources[published.source]?.tag})`
        : '–',
      published && found ? `${found.mean >= published.value ? '+' : ''}${fixed(found.mean - published.value)}` : '–',
    ]
  })
  const targets = rows.flatMap(({ verdict }) => (verdict ? [verdict] : []))
  const missed = targets.filter(({ met }) => met === false)
  return [
    `## ${study.title}`,
    study.protocol,
    targets.length === 0
      ? ''
      : missed.length > 0
        ? `**${missed.length} of ${targets.length} targets are not met:**\n\n${missed.map(({ text }) => `- ${text}`).join('\n')}`
        : targets.some(({ met }) => met === undefined)
          ? 'Not all rows have been run yet.'
          : 'All targets are met.',
    table(head, body),
    ...(targets.length > 0 ? ['### Targets', targets.map(({ text }) => `- ${text}`).join('\n')] : []),
    ...othersOf(study),
    sourcesOf(study),
    ...(study.notes ?? []),
    '### How to repeat it',
    conditions(study, reports),
    `\`\`\`sh\n${[...new Set(rows.map(({ row, own }) => commandOf(study, row, own)))].join('\n')}\n\`\`\``,
    ...eachRun(rows, readouts),
  ]
    .filter(Boolean)
    .join('\n\n')
}

/** @param {Study} study */
function othersOf({ others = [], sources }) {
  if (others.length === 0) return []
  const scenarios = /** @type {const} */ (['task', 'domain', 'class'])
  const rows = others.map(({ method, values, source }) => [
    `${method} (${sources[source]?.tag})`,
    ...scenarios.map(scenario => {
      const value = values[scenario]
      return value ? shown({ mean: value.value, deviation: value.deviation }) : '–'
    }),
  ])
  return [
    '### Published beside it',
    'In %, of methods and scenarios that have no recipe here:',
    table(['method', ...scenarios.map(scenario => `${scenario}-incremental`)], rows),
  ]
}

/** @param {Study} study */
function sourcesOf({ sources }) {
  const list = Object.values(sources)
  return list.length === 0 ? '' : `Sources: ${list.map(({ text, tag }) => `(${tag}) ${text}`).join('; ')}.`
}

/** @param {Study} study @param {readonly Report[]} reports */
function conditions({ machine }, reports) {
  if (reports.length === 0) return `Machine: ${machine}. No report is there yet.`
  return `Machine: ${machine}. ${enginesAndVersions(reports)}`
}

/** With what runs were made, as a sentence of each. @param {readonly Pick<Report, 'engine' | 'versions'>[]} reports */
export function enginesAndVersions(reports) {
  const engines = distinct(
    reports.map(({ engine }) => `${engine.name} (${engine.version}), threads: ${engine.threads}`),
  )
  const versions = reports.flatMap(report => Object.entries(report.versions))
  const ours = distinct(versions.filter(([name]) => name.startsWith('@lgm/')).map(([, version]) => version))
  const theirs = distinct(versions.filter(([name]) => !name.startsWith('@lgm/')).map(pair => pair.join(' ')))
  return `Engine: ${engines.join('; ')}. Versions: ${[`LGM ${ours.join(', ')}`, ...theirs].join(', ')}.`
}

/** @param {Study} study @param {Row} row @param {readonly Report[]} own */
function commandOf({ command }, row, own) {
  const seeds = seedRange(own.length > 0 ? own.map(({ seed }) => seed) : [0])
  return command.replaceAll('{recipe}', row.recipe).replaceAll('{seeds}', seeds).replaceAll('{name}', row.name)
}

/**
 * @param {{ row: Row, own: Report[] }[]} rows
 * @param {string[]} readouts
 */
function eachRun(rows, readouts) {
  const runs = rows.flatMap(({ row, own }) =>
    own.map(report => [
      row.name,
      report.seed,
      ...readouts.map(readout => {
        const value = percent(report, `ACC/${readout}`)
        return value === undefined ? '–' : fixed(value)
      }),
      fixed(training(report), 0),
      `${report.engine.name}, ${report.engine.threads}`,
    ]),
  )
  if (runs.length === 0) return []
  const head = ['recipe', 'seed', ...readouts.map(readout => `${readout}, %`), 'training, s', 'engine, threads']
  return [`<details>\n<summary>Each run</summary>\n\n${table(head, runs)}\n\n</details>`]
}

/**
 * The whole page.
 * @param {readonly { study: Study, reports: readonly Report[] }[]} studies
 */
export function renderPage(studies) {
  return `${[
    '<!-- Written by tools/results.mjs from docs/results; do not edit. -->',
    '# Results',
    'What our recipes reach, beside published numbers of the same protocol. Every number of ours is computed from the reports in [results](results); published ones are marked **P** where they were read in the paper or its authors’ code, and **S** where a third party quotes them.',
    `Accuracy is the mean over tasks after the last (ACC), in bold that of the read-out which is compared; forgetting is of the same read-out. Values are means ± standard deviations over runs with different seeds. "Numbers kept" is all that is kept between tasks: networks, memory, anchors. Training is the sum of all phases, without evaluation.`,
    ...studies.map(({ study, reports }) => renderStudy(study, reports)),
  ].join('\n\n')}\n`
}

/** The parser of YAML is the command line's. @returns {(text: string) => unknown} */
const yamlParser = () => createRequire(join(root, 'packages', 'cli', 'package.json'))('yaml').parse

/**
 * The settings that a recipe states and a run did not have, as `phases.0.iterations: 2000, but it ran with 20`. What a run may choose for
 * itself (seed, backend, observers) does not count.
 * @param {unknown} stated
 * @param {unknown} ran the resolved recipe of the run
 * @param {string} [path]
 * @returns {string[]}
 */
export function differences(stated, ran, path = '') {
  if (typeof ran === 'object' && ran !== null && typeof stated === 'string' && 'use' in ran)
    return differences({ use: stated }, ran, path)
  if (typeof stated !== 'object' || stated === null)
    return stated === ran ? [] : [`${path}: ${JSON.stringify(stated)}, but it ran with ${JSON.stringify(ran)}`]
  const inner = /** @type {Record<string, unknown>} */ (ran ?? {})
  const free = path === '' ? ['seed', 'backend', 'observers', 'description', '$schema'] : []
  const longer = Array.isArray(stated) && Array.isArray(ran) && ran.length !== stated.length
  return [
    ...(longer ? [`${path}: ${stated.length} entries, but it ran with ${ran.length}`] : []),
    ...Object.entries(stated)
      .filter(([key]) => !free.includes(key))
      .flatMap(([key, value]) => differences(value, inner[key], `${path}${path && '.'}${key}`)),
  ]
}

/** @typedef {{ file: string, report: Report, recipe: string | undefined }} Run `recipe` is the text of the resolved one */

/** The studies in docs/results with their runs, in their order. */
export function readStudies(folder = join(root, 'docs', 'results')) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(join(folder, entry.name, 'study.json')))
    .map(({ name }) => {
      /** @param {string} file */
      const read = file => readFileSync(join(folder, name, file), 'utf8')
      const files = readdirSync(join(folder, name)).filter(file => file.endsWith('.json') && file !== 'study.json')
      const runs = files.sort().map(file => {
        const recipe = file.replace(/json$/, 'yaml')
        const isThere = existsSync(join(folder, name, recipe))
        return { file: `${name}/${file}`, report: JSON.parse(read(file)), recipe: isThere ? read(recipe) : undefined }
      })
      return { study: /** @type {Study} */ (JSON.parse(read('study.json'))), runs: /** @type {Run[]} */ (runs) }
    })
    .sort((a, b) => a.study.order - b.study.order)
}

/**
 * What does not fit between a study and its recipes: their names, and the settings under which the reports came about.
 * @param {Study} study
 * @param {readonly Run[]} runs
 * @param {string} [base] where the paths of recipes begin
 */
export function recipeProblems(study, runs, base = root) {
  const parse = yamlParser()
  return study.rows.flatMap(({ name, recipe }) => {
    const path = join(base, recipe)
    const stated = /** @type {{ name?: string }} */ (existsSync(path) ? parse(readFileSync(path, 'utf8')) : {})
    if (stated.name !== name)
      return [`${study.title}: expected the name ${name} in ${recipe}, got ${stated.name}; correct study.json`]
    return runs
      .filter(({ report }) => report.name === name)
      .flatMap(({ file, recipe: ran }) => {
        const where = `docs/results/${file}`
        if (ran === undefined)
          return [
            `${where}: expected the run's recipe.resolved.yaml beside it, got none; copy it, as .yaml in place of .json`,
          ]
        const [first, ...others] = differences(stated, parse(ran))
        const more = others.length > 0 ? `, and ${others.length} more` : ''
        return first ? [`${where}: expected a run of ${recipe}, got another at ${first}${more}; run it again`] : []
      })
  })
}

/**
 * Copies reports and resolved recipes from folders of runs into a study.
 * @param {string} study name of its folder
 * @param {readonly string[]} folders
 * @param {string} [base] the folder of all studies
 */
export function addRuns(study, folders, base = join(root, 'docs', 'results')) {
  for (const folder of folders)
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      if (!/(^|[\\/])report\.json$/.test(file)) continue
      const path = join(folder, file)
      const { name, seed } = JSON.parse(readFileSync(path, 'utf8'))
      copyFileSync(path, join(base, study, `${name}-${seed}.json`))
      copyFileSync(join(dirname(path), 'recipe.resolved.yaml'), join(base, study, `${name}-${seed}.yaml`))
    }
}

if (isMain(import.meta.url)) {
  const [command, name = '', ...folders] = process.argv.slice(2)
  if (command === '--add') addRuns(name, folders)
  const studies = readStudies().map(({ study, runs }) => ({ study, runs, reports: runs.map(({ report }) => report) }))
  const problems = studies.flatMap(({ study, runs, reports }) => [
    ...problemsOf(study, reports),
    ...recipeProblems(study, runs),
  ])
  const path = join(root, 'docs', 'results.md')
  const page = problems.length > 0 ? '' : renderPage(studies)
  const stale = problems.length === 0 && (!existsSync(path) || readFileSync(path, 'utf8') !== page)
  if (stale && command === '--check')
    problems.push('docs/results.md: expected it to follow from the reports, got another text; run: npm run generate')
  else if (stale) writeFileSync(path, page)
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length > 0 ? 1 : 0
}
