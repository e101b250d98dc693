import { type Content, type Html, html } from '../html.js'
import { keptOf, numbersOf, readoutsOf, summaryOf } from '../measurements.js'
import { compact, duration, figure, percent, plain } from '../numbers.js'
import { type ReportedRun, type RunSection, section } from '../section.js'
import { tableHtml } from '../table.js'

/** The few figures that say most, and the summary of the run by read-out. */
export const overview: RunSection = (run, prefix) =>
  section(`${prefix}overview`, 'Overview', tiles(run), readoutTable(run), otherTable(run))

function tiles(run: ReportedRun): Html {
  const { report } = run
  const [readout = ''] = readoutsOf(run)
  const accuracy = summaryOf(report, `ACC/${readout}`)
  const forgetting = summaryOf(report, `forgetting/${readout}`)
  const { numbers } = keptOf(report)
  const share = numbersOf(report, 'footprint/share/numbers').at(-1)
  const all: (readonly [title: string, value: Content, about: string] | undefined)[] = [
    accuracy === undefined
      ? undefined
      : [
          'Final accuracy',
          html`${percent(accuracy)} <small>%</small>`,
          `mean over ${report.tasks.length} tasks, read-out ${readout}`,
        ],
    forgetting === undefined
      ? undefined
      : [
          'Forgetting',
          html`${percent(forgetting)} <small>points</small>`,
          'from the best accuracy of a task to its final one, mean',
        ],
    [
      'Kept between tasks',
      html`${compact(numbers)} <small>numbers</small>`,
      share === null || share === undefined ? 'parameters and memories' : `${plain(share)} times the data seen`,
    ],
    [
      'Time',
      duration(report.totalSeconds),
      `${report.engine.name}, ${report.engine.threads} ${report.engine.threads === 1 ? 'thread' : 'threads'}`,
    ],
  ]
  return html`<dl class="tiles">${all.map(
    tile => tile && html`<div><dt>${tile[0]}</dt><dd>${tile[1]}</dd><dd class="about">${tile[2]}</dd></div>`,
  )}</dl>`
}

/** Figures of the summary that are named `measure/read-out`. */
function readoutTable(run: ReportedRun): Html | undefined {
  const { summary } = run.report
  const readouts = readoutsOf(run)
  const scalars = summary.filter(
    ({ name, value }) => typeof value === 'number' && readouts.includes(name.split('/').at(-1)!),
  )
  const measures = [...new Set(scalars.map(({ name }) => name.split('/').slice(0, -1).join('/')))]
  if (measures.length === 0) return undefined
  return tableHtml({
    caption: `Figures over all tasks, by read-out${readouts.length > 1 ? `; ${readouts[0]} is what the run predicts with` : ''}`,
    head: ['read-out', ...measures.map(measure => (measure === 'ACC' ? 'final accuracy (ACC)' : measure))],
    rows: readouts.map(readout => [
      readout,
      ...measures.map(measure => {
        const found = scalars.find(({ name }) => name === `${measure}/${readout}`)
        return found ? figure(found.value as number, found.unit) : '–'
      }),
    ]),
  })
}

/** The other numbers of the summary. */
function otherTable(run: ReportedRun): Html | undefined {
  const readouts = readoutsOf(run)
  const others = run.report.summary.filter(
    ({ name, value }) => typeof value === 'number' && !readouts.includes(name.split('/').at(-1)!),
  )
  if (others.length === 0) return undefined
  return html`<details><summary>Other figures of the summary</summary>${tableHtml({
    caption: 'Other figures of the summary',
    head: ['figure', 'value', 'unit', 'what it is'],
    texts: [2, 3],
    rows: others.map(({ name, value, unit, aggregation }) => [name, figure(value as number, unit), unit, aggregation]),
  })}</details>`
}
