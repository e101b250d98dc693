import { stringify } from 'yaml'
import { html } from '../html.js'
import { duration } from '../numbers.js'
import { type RunSection, section } from '../section.js'
import { tableHtml } from '../table.js'

/** The recipe, the tasks, versions and machine: what it takes to repeat the run. */
export const setup: RunSection = ({ report, recipe, folder }, prefix) => {
  const { engine, versions, tasks } = report
  const facts: (readonly [string, string])[] = [
    ['folder', folder],
    ['seed', String(report.seed)],
    ['scenario', `${report.scenario}-incremental`],
    ['engine', `${engine.name}, ${engine.version}, threads: ${engine.threads}`],
    ...(engine.note === undefined ? [] : [['why this engine', engine.note] as const]),
    ['time in all', duration(report.totalSeconds)],
  ]
  return section(
    `${prefix}setup`,
    'Recipe and versions',
    html`<details><summary>Recipe with every default</summary><pre tabindex="0"><code>${stringify(recipe, { lineWidth: 100 })}</code></pre></details>`,
    html`<div class="beside">${tableHtml({ caption: 'The run', head: ['what', 'value'], texts: [1], rows: facts })}${tableHtml(
      {
        caption: 'Versions',
        head: ['package', 'version'],
        texts: [1],
        rows: Object.entries(versions),
      },
    )}</div>`,
    html`<details><summary>${tasks.length} tasks</summary>${tableHtml({
      caption: 'Tasks in the order learned',
      head: ['task', 'name', 'classes', 'training examples', 'test examples'],
      texts: [1, 2],
      rows: tasks.map(({ name, classes, train, test }, t) => [
        t + 1,
        name,
        classes.length > 12 ? `${classes.slice(0, 12).join(', ')}, … (${classes.length})` : classes.join(', '),
        train.toLocaleString('en'),
        test.toLocaleString('en'),
      ]),
    })}</details>`,
  )
}
