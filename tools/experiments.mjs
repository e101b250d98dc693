// Writes docs/results/<study>/README.md and its pictures from runs.json beside them, for each study of examples/experiments.
//
//   node tools/experiments.mjs           writes pages and pictures
//   node tools/experiments.mjs --check   writes nothing; fails if a file is not what it would be, or if runs do not fit their study
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { neighbours } from '../examples/experiments/study.mjs'
import { colours, drawScatter, drawSweeps, powerOfTen } from './pictures.mjs'
import { table } from './points.mjs'
import { enginesAndVersions, figure, fixed, seedRange, shown, whole } from './results.mjs'
import { isMain, root } from './steps.mjs'
import { renderTradeOff } from './trade-offs.mjs'

/** @typedef {import('@lgm/core').Report} Report */
/** @typedef {import('../examples/experiments/study.mjs').Study} Study */
/** @typedef {import('../examples/experiments/study.mjs').Row} Row */
/** @typedef {{ stage: 'tuning' | 'final', row: string, dataset: string, strength: number, seed: number }} Which */
/**
 * A finished run: figures of its summary and of its last task, numbers kept by owner.
 * @typedef {Which & Pick<Report, 'engine' | 'versions'> & { figures: Record<string, number>, kept: Record<string, number>, seconds: number, phases?: Record<string, number> }} Done
 */
/** @typedef {Which & { failed: string }} Failed */
/** @typedef {Done | Failed} Run */
/** @typedef {import('./pictures.mjs').Point} Point */

/** A share as %. @param {ReturnType<typeof figure>} found */
function percents(found, digits = 2) {
  return shown(found && { mean: 100 * found.mean, deviation: found.deviation && 100 * found.deviation }, digits)
}
/** Three digits of the mean, and as many decimals of the deviation. @param {ReturnType<typeof figure>} found */
function significant(found) {
  const size = found?.mean ? Math.floor(Math.log10(Math.abs(found.mean))) : 0
  return shown(found, Math.min(6, Math.max(0, 2 - size)))
}

/** A whole number, of which runs have about as many. @param {ReturnType<typeof figure>} found */
const counts = found => (found ? whole.format(found.mean) : '–')

const shows = {
  ...{ percents, significant, counts },
  seconds: (/** @type {ReturnType<typeof figure>} */ found) => shown(found, 0),
}

/** @param {Run} run @returns {run is Done} */
const isDone = run => 'figures' in run
/** @param {readonly Done[]} runs @param {(run: Done) => number | undefined} of */
const over = (runs, of) => figure(runs.map(of).filter(value => value !== undefined))
/** @param {Done} run */
const keptOf = ({ kept }) => Object.values(kept).reduce((sum, numbers) => sum + numbers, 0)

/**
 * What the runs say of one row on one data set.
 * @param {Study} study @param {readonly Run[]} runs @param {string} dataset @param {Row} row
 */
function rowOf(study, runs, dataset, row) {
  const own = runs.filter(run => run.row === row.name && run.dataset === dataset && run.stage === 'final')
  const where = study.same?.[dataset] ?? dataset
  const tried = strengthsFor(study, runs, where, row).map(strength => {
    const run = runs.find(
      run => run.stage === 'tuning' && run.row === row.name && run.dataset === where && run.strength === strength,
    )
    return { strength, run, value: run && isDone(run) ? run.figures[study.figure] : undefined }
  })
  const best = tried.reduce(
    (best, one) => ((one.value ?? -1) > (best?.value ?? -1) ? one : best),
    /** @type {typeof tried[number] | undefined} */ (undefined),
  )
  const chosen = tried.every(({ run }) => run) ? (best ?? tried[0])?.strength : undefined
  return { row, number: study.rows.indexOf(row) + 1, done: own.filter(isDone), own, tried, chosen }
}

/**
 * The strengths to be tried on a data set: all, or those next to the choice on another data set.
 * @param {Study} study @param {readonly Run[]} runs @param {string} dataset @param {Row} row @returns {readonly number[]}
 */
function strengthsFor(study, runs, dataset, row) {
  const { strengths = [], everywhere } = row
  const other = study.near?.[dataset]
  const choice = other && !everywhere ? rowOf(study, runs, other, row).chosen : undefined
  return choice === undefined ? strengths : neighbours(strengths, strengths.indexOf(choice))
}

/** What does not fit between a study and its runs. @param {Study} study @param {readonly Run[]} runs @returns {string[]} */
export function problemsOf(study, runs) {
  const met = new Set()
  return runs.flatMap(({ stage, row: name, dataset, strength, seed }) => {
    const where = `docs/results/${study.name}/runs.json: ${stage} ${dataset} ${name}, strength ${strength}, seed ${seed}`
    const row = study.rows.find(row => row.name === name)
    if (!row || !study.datasets.includes(dataset))
      return [`${where}: expected a row and a data set of the study, got others; collect the runs anew`]
    const key = stage === 'final' ? `final ${dataset} ${name} ${seed}` : `${dataset} ${name} ${strength}`
    if (met.has(key)) return [`${where}: expected one such run, got two; collect the runs anew`]
    met.add(key)
    const { chosen } = rowOf(study, runs, dataset, row)
    return stage === 'final' && chosen !== undefined && chosen !== strength
      ? [`${where}: expected the strength chosen on validation data, ${chosen}, got ${strength}; run it again`]
      : []
  })
}

/** @typedef {ReturnType<typeof rowOf>} Found */

/** @param {Found[]} rows @param {string} dataset @param {readonly number[]} seeds of all final runs */
function missing(rows, dataset, seeds) {
  const list = (/** @type {Found[]} */ of) => of.map(({ row }) => row.name).join(', ')
  const untried = rows.filter(({ row, tried }) => row.strengths && tried.some(({ run }) => !run))
  const open = rows.filter(({ own }) => own.length < seeds.length || own.length === 0)
  if (rows.every(({ own, tried }) => own.length === 0 && tried.every(({ run }) => !run))) return [`- ${dataset}: all`]
  return [
    ...(untried.length > 0 ? [`strengths not tried yet of ${list(untried)}`] : []),
    ...(open.length > 0
      ? [`final runs${seeds.length > 0 ? ` of some or all of the seeds ${seedRange(seeds)}` : ''} for ${list(open)}`]
      : []),
  ].map(what => `- ${dataset}: ${what}`)
}

/** The table of final runs. @param {Study} study @param {Found[]} rows */
function results({ columns = [] }, rows) {
  const head = ['#', 'row', 'strength', 'runs', ...columns.map(({ title }) => title), 'numbers kept', 'seconds']
  const body = rows.map(({ row, number, done, own, chosen }) => {
    const strength = own[0]?.strength || chosen
    const numbers = [...new Set(done.map(keptOf))].sort((a, b) => a - b)
    return [
      number,
      row.title,
      strength ? powerOfTen(strength) : '–',
      `${done.length}${own.length > done.length ? `, and ${own.length - done.length} diverged` : ''}`,
      ...columns.map(({ of, show }) => shows[show](over(done, of))),
      numbers.length > 0 ? numbers.map(value => whole.format(value)).join(' or ') : '–',
      shows.seconds(over(done, ({ seconds }) => seconds)),
    ]
  })
  return table(head, body)
}

/** Which rows were tuned with the choice of another. @param {Study} study */
function order({ rows }) {
  const first = rows.filter(({ name }) => rows.some(({ after }) => after === name))
  return first.map(row => {
    const later = rows.flatMap(({ after }, i) => (after === row.name ? [i + 1] : []))
    return ` Rows ${later.join(', ')} go on from the choice of row ${rows.indexOf(row) + 1} (${row.title}).`
  })
}

/** On which data sets only the strengths next to a choice were tried. @param {Study} study */
function nearby({ near = {}, rows }) {
  const wide = rows.flatMap(({ everywhere }, i) => (everywhere ? [i + 1] : [])).join(', ')
  return Object.entries(near)
    .map(
      ([dataset, other]) =>
        ` On ${dataset}, the strength chosen on ${other} and its neighbours were tried${wide ? `; all of them for row ${wide}` : ''}.`,
    )
    .join('')
}

/** On which data sets nothing was tried. @param {Study} study */
const taken = ({ same = {} }) =>
  Object.entries(same)
    .map(([dataset, other]) => ` On ${dataset} nothing was tried: what was chosen on ${other} holds there too.`)
    .join('')

/** The table of strengths. @param {Found[]} rows that have some */
function tuning(rows) {
  const strengths = [...new Set(rows.flatMap(({ tried }) => tried.map(({ strength }) => strength)))].sort(
    (a, b) => a - b,
  )
  const body = rows.map(({ row, number, tried, chosen }) => [
    number,
    row.title,
    ...strengths.map(strength => {
      const one = tried.find(one => one.strength === strength)
      if (!one) return ''
      const text = one.value !== undefined ? fixed(100 * one.value) : one.run ? 'diverged' : '–'
      return strength === chosen ? `**${text}**` : text
    }),
  ])
  return table(['#', 'row', ...strengths.map(powerOfTen)], body)
}

/** Choices that might be better beyond the strengths tried. @param {{ dataset: string, rows: Found[] }[]} found */
function edges(found) {
  const list = found.flatMap(({ dataset, rows }) =>
    rows
      .filter(
        ({ tried, chosen }) => chosen !== undefined && [tried[0], tried.at(-1)].some(one => one?.strength === chosen),
      )
      .map(({ number }) => `${number} on ${dataset}`),
  )
  return list.length > 0 ? [`At an end of the strengths tried is the choice of row ${list.join(', ')}.`] : []
}

/** Titles that say all: "the same" is the last title without it. @param {readonly Row[]} rows */
function fullTitles(rows) {
  let last = ''
  return rows.map(({ title }) => {
    if (!title.startsWith('the same')) last = title
    return title.replace(/^the same/, last)
  })
}

/** A colour for each family or else each kind of regularizer, and grey without. @param {readonly Row[]} rows */
function coloursOf(rows) {
  const kinds = rows.map(row => {
    const [first] = /** @type {(string | { use: string })[]} */ (
      row.recipe(row.strengths?.[0] ?? 0, 0).regularizers ?? []
    )
    return row.family ?? (typeof first === 'object' ? first.use : first)
  })
  const distinct = [...new Set(kinds.filter(kind => kind !== undefined))]
  return kinds.map(kind => (kind === undefined ? '#555' : (colours[distinct.indexOf(kind) % colours.length] ?? '')))
}

/** @param {Study} study @param {{ dataset: string, rows: Found[] }[]} found @returns {string | undefined} of no figure along x, nothing */
function scatter(study, found) {
  if (!study.scatter) return undefined
  const { x, y } = study.scatter
  const palette = coloursOf(study.rows)
  const panels = found.map(({ dataset, rows }) => {
    const spots = rows.flatMap(({ number, done }) => {
      const seeds = done.flatMap(run => {
        const at = [x.of(run), y.of(run)]
        return at.every(value => value !== undefined) ? [/** @type {Point} */ (at)] : []
      })
      const mean = /** @type {Point} */ ([0, 1].map(axis => figure(seeds.map(seed => seed[axis] ?? 0))?.mean ?? 0))
      return seeds.length > 0 ? [{ number, colour: palette[number - 1] ?? '', mean, seeds }] : []
    })
    const levels = rows.flatMap(({ number, done }) => {
      const level = over(done, y.of)?.mean
      return level === undefined || spots.some(spot => spot.number === number) ? [] : [{ number, y: level }]
    })
    return { title: dataset, spots, levels }
  })
  if (panels.every(({ spots }) => spots.length === 0)) return undefined
  const legend = fullTitles(study.rows).map((title, i) => ({ number: i + 1, title, colour: palette[i] ?? '' }))
  return drawScatter(panels, legend, { x: x.title, y: y.title })
}

/** @param {Study} study @param {{ dataset: string, rows: Found[] }[]} found @returns {string | undefined} of no tuning, nothing */
function sweeps(study, found) {
  const titles = fullTitles(study.rows)
  const panels = study.rows.flatMap((row, i) => {
    const curves = found.flatMap(({ dataset, rows }) => {
      const { tried = [], chosen } = rows[i] ?? {}
      const points = tried.flatMap(({ strength, value }) =>
        value === undefined ? [] : [/** @type {Point} */ ([strength, 100 * value])],
      )
      const failed = tried.filter(({ run, value }) => run && value === undefined).map(({ strength }) => strength)
      return points.length + failed.length > 0 ? [{ title: dataset, points, failed, chosen }] : []
    })
    return row.strengths && curves.length > 0 ? [{ title: `${i + 1}  ${titles[i]}`, curves }] : []
  })
  return panels.length > 0 ? drawSweeps(panels, { x: 'strength', y: 'on validation data, %' }) : undefined
}

/**
 * The page of a study and its pictures.
 * @param {Study} study
 * @param {string} about Markdown: a title, the protocol up to the first block of code, and sections that are shown after the results
 * @param {readonly Run[]} runs
 * @returns {Map<string, string>} texts by file name
 */
export function render(study, about, runs) {
  if (study.tradeOff) return renderTradeOff(study, about, runs)
  const [, title = study.name, protocol = ''] = /^# (.+)\n([\s\S]*?)(?=\n```|\n## |$)/.exec(about) ?? []
  const sections = /\n## [\s\S]*$/.exec(about)?.[0] ?? ''
  const all = study.datasets.map(dataset => ({
    dataset,
    rows: study.rows.map(row => rowOf(study, runs, dataset, row)),
  }))
  const found = all.filter(({ dataset }) => runs.some(run => run.dataset === dataset))
  const seeds = [...new Set(runs.filter(({ stage }) => stage === 'final').map(({ seed }) => seed))].sort(
    (a, b) => a - b,
  )
  const files = new Map()
  const accuracy = scatter(study, found)
  const tuned = found.filter(({ dataset }) => !study.same?.[dataset])
  const strengths = sweeps(study, tuned)
  if (study.scatter && accuracy) files.set(study.scatter.file, accuracy)
  if (strengths) files.set('strengths.svg', strengths)
  const open = all.flatMap(({ dataset, rows }) => missing(rows, dataset, seeds))
  const done = runs.filter(isDone)
  const parts = [
    '<!-- Written by tools/experiments.mjs from runs.json and examples/experiments; do not edit. -->',
    `# ${title}`,
    protocol.trim(),
    ...(open.length > 0 ? ['**Not all runs are there yet**; what is missing stands at the end.'] : []),
    ...(study.scatter
      ? [
          accuracy
            ? `![${study.scatter.alt}](${study.scatter.file})\n\n${study.scatter.says}`
            : `**No final run with the figures of the picture is there yet.**`,
        ]
      : []),
    ...found.flatMap(({ dataset, rows }) => [`## ${dataset}`, results(study, rows)]),
    `Values are means ± standard deviations over the runs, which differ in their seed; "–" is what was not measured, or does not exist. ${study.explanation ?? ''} *Numbers kept*: networks, generator, and what regularizers keep between tasks. *Seconds*: of the whole run, evaluation included.`,
    ...(sections ? [sections.trim()] : []),
    '## How strengths were chosen',
    `By the figure ${study.figure} on validation data, in %, with the one seed ${study.tuningSeed}; chosen is what stands in bold. An empty cell was not to be tried.${order(study).join('')}${nearby(study)}${taken(study)}`,
    strengths
      ? '![Validation accuracy against strength](strengths.svg)\n\nA panel for each row with a strength, a curve for each data set. The filled spot is the strength that was chosen; a cross at 0 is a run that diverged.'
      : '**No strength has been tried yet.**',
    ...edges(tuned),
    ...tuned.flatMap(({ dataset, rows }) => [`### ${dataset}`, tuning(rows.filter(({ row }) => row.strengths))]),
    ...(open.length > 0 ? ['## What is missing', open.join('\n')] : []),
    '## How to repeat it',
    `\`\`\`sh\nnode examples/experiments/study.mjs ${study.name}${seeds.length > 0 ? ` --seeds ${seedRange(seeds)}` : ''}\n\`\`\``,
    `All runs, with every figure: [runs.json](runs.json). ${done.length > 0 ? enginesAndVersions(done) : ''}`.trim(),
  ]
  return files.set('README.md', `${parts.join('\n\n')}\n`)
}

/** Studies with runs, and what follows from them. @param {string} results @param {string} experiments folders */
export async function readExperiments(results, experiments) {
  const found = []
  for (const name of readdirSync(results).sort()) {
    const [rows, data] = [join(experiments, name, 'rows.mjs'), join(results, name, 'runs.json')]
    if (!existsSync(rows) || !existsSync(data)) continue
    const { study } = /** @type {{ study: Study }} */ (await import(pathToFileURL(rows).href))
    const about = join(experiments, name, 'README.md')
    const { runs } = /** @type {{ runs: Run[] }} */ (JSON.parse(readFileSync(data, 'utf8')))
    found.push({ study, runs, about: existsSync(about) ? readFileSync(about, 'utf8') : '' })
  }
  return found
}

if (isMain(import.meta.url)) {
  const folder = join(root, 'docs', 'results')
  const problems = []
  for (const { study, runs, about } of await readExperiments(folder, join(root, 'examples', 'experiments'))) {
    const own = problemsOf(study, runs)
    problems.push(...own)
    for (const [name, text] of own.length > 0 ? [] : render(study, about, runs)) {
      const path = join(folder, study.name, name)
      if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
      if (!process.argv.includes('--check')) writeFileSync(path, text)
      else
        problems.push(
          `docs/results/${study.name}/${name}: expected it to follow from runs.json, got another text; run: npm run generate`,
        )
    }
  }
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length > 0 ? 1 : 0
}
