import { html } from '../html.js'
import { afterTasks, type Figured, meanOf, rowNames } from '../measurements.js'
import { plain } from '../numbers.js'
import { type RunSection, section } from '../section.js'
import { tableHtml } from '../table.js'

/** Every figure of the report with its unit, and how it came about. */
export const allFigures: RunSection = ({ report }, prefix) => {
  const names = rowNames(report).filter(name => !/^(?:accuracy|confusion)\//.test(name))
  if (names.length === 0) return undefined
  const rows = names.map(name => {
    const found = afterTasks(report, name)
    const { unit, axis, aggregation } = found.find(figure => figure !== undefined)!
    return [name, unit, axis === undefined ? aggregation : `${aggregation}; mean over ${axis}`, ...found.map(written)]
  })
  const table = tableHtml({
    caption: 'Figures after each task; of those that are lists, the mean',
    head: ['figure', 'unit', 'what it is', ...report.rows.map((_, t) => `task ${t + 1}`)],
    texts: [1, 2],
    rows,
  })
  return section(
    `${prefix}figures`,
    'All figures',
    html`<p>Whatever phases, regularizers and evaluators measured, accuracies and confusions excepted, which stand above.</p><details><summary>${names.length} figures</summary>${table}</details>`,
  )
}

function written(figure: Figured | undefined): string {
  if (!figure) return '–'
  return plain(typeof figure.value === 'number' ? figure.value : meanOf(figure.value))
}
