import { stringify } from 'yaml'
import { type Html, html } from '../html.js'
import { duration } from '../numbers.js'
import { type ReportedRun, type RunSection, section } from '../section.js'
import { tableHtml } from '../table.js'

const title = 'Recipe and versions'

/** The recipe, the tasks, versions and machine: what it takes to repeat the run. */
export const setup: RunSection = (run, prefix) => {
  const { report, recipe } = run
  const { versions, tasks } = report
  const facts = factsTable([
    ...factsOf(run, `${report.scenario}-incremental`),
    ['time in all', duration(report.totalSeconds)],
  ])
  return section(
    `${prefix}setup`,
    title,
    recipePart(recipe),
    html`<div class="beside">${facts}${tableHtml({
      caption: 'Versions',
      head: ['package', 'version'],
      texts: [1],
      rows: Object.entries(versions),
    })}</div>`,
    html`<details><summary>${tasks.length} tasks</summary>${tableHtml({
      caption: 'Tasks in the order learned',
      head: ['task', 'name', 'classes', 'training examples', 'test examples'],
      texts: [1, 2],
      rows: tasks.map(({ name, classes, train, test }, t) => [
        t + 1,
        name,
        classesOf(classes),
        train.toLocaleString('en'),
        test.toLocaleString('en'),
      ]),
    })}</details>`,
  )
}

/** The same of a run that goes on, as far as its events tell: scenario, sizes of tasks and versions stand in its report, at the end. */
export const liveSetup: RunSection = (run, prefix) => {
  const { report, recipe } = run
  const { tasks } = report
  if (Object.keys(recipe).length === 0) return undefined
  return section(
    `${prefix}setup`,
    title,
    recipePart(recipe),
    html`<div class="beside">${factsTable(factsOf(run))}</div>`,
    tasks.length > 0 &&
      html`<details><summary>${tasks.length} tasks</summary>${tableHtml({
        caption: 'Tasks in their order; classes of those that have begun',
        head: ['task', 'name', 'classes'],
        texts: [1, 2],
        rows: tasks.map(({ name, classes }, t) => [t + 1, name, classesOf(classes)]),
      })}</details>`,
  )
}

function recipePart(recipe: ReportedRun['recipe']): Html {
  return html`<details><summary>Recipe with every default</summary><pre tabindex="0"><code>${stringify(recipe, { lineWidth: 100 })}</code></pre></details>`
}

type Fact = readonly [what: string, value: string]

function factsOf({ folder, report: { seed, engine } }: ReportedRun, scenario?: string): readonly Fact[] {
  return [
    ['folder', folder],
    ['seed', String(seed)],
    ...(scenario === undefined ? [] : [['scenario', scenario] as const]),
    ['engine', `${engine.name}, ${engine.version}, threads: ${engine.threads}`],
    ...(engine.note === undefined ? [] : [['why this engine', engine.note] as const]),
  ]
}

function factsTable(facts: readonly Fact[]): Html {
  return tableHtml({ caption: 'The run', head: ['what', 'value'], texts: [1], rows: facts })
}

/** The first dozen of them. */
function classesOf(classes: readonly string[]): string {
  return classes.length > 12 ? `${classes.slice(0, 12).join(', ')}, … (${classes.length})` : classes.join(', ')
}
