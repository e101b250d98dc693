import type { Report } from '@lgm/core'
import { type Line, lineDrawing } from '../charts/lines.js'
import { figureHtml } from '../figure.js'
import type { Html } from '../html.js'
import { matrixOf, numbersOf, readoutsOf, rowNames, taskTitle } from '../measurements.js'
import { percent } from '../numbers.js'
import { seriesColour, standIn } from '../palette.js'
import { figures, type RunSection, section } from '../section.js'
import { idOf } from './accuracy.js'
import { placesOf } from './tasks-chart.js'

/** Whether the probabilities that the learner states are true. */
export const calibration: RunSection = (run, prefix) => {
  const { report } = run
  const readouts = readoutsOf(run)
  const errors = ['expected-calibration-error', 'adaptive-calibration-error']
  return section(
    `${prefix}calibration`,
    'Calibration',
    figures(
      ...errors.map(name => errorFigure(report, name, readouts, prefix)),
      ...readouts.map(readout => reliabilityFigure(report, readout, prefix)),
    ),
  )
}

function errorFigure(report: Report, name: string, readouts: readonly string[], prefix: string): Html | undefined {
  const there = readouts.filter(readout => rowNames(report).includes(`${name}/${readout}`))
  if (there.length === 0) return undefined
  const series = there.map(readout => numbersOf(report, `${name}/${readout}`))
  return figureHtml({
    id: `${prefix}${name}`,
    title: name.startsWith('adaptive') ? 'Adaptive calibration error' : 'Expected calibration error',
    about:
      'How far the stated confidence is from the accuracy, on average, over the test sets of all tasks learned so far.',
    legend: there.map((readout, i) => ({ name: readout, colour: `--s${i}` })),
    drawing: lineDrawing({
      x: { name: 'tasks learned', kind: 'whole', min: 1, max: Math.max(2, report.rows.length) },
      y: { name: 'calibration error (%)', min: 0, format: value => percent(value, value < 0.02 ? 1 : 0) },
      lines: there.map((readout, i) => ({ name: readout, colour: seriesColour(i), points: placesOf(series[i]!) })),
    }),
    table: {
      caption: 'Calibration error in percent',
      head: ['after task', ...there],
      rows: report.rows.map((_, t) => [taskTitle(report, t), ...series.map(values => percent(values[t], 2))]),
    },
  })
}

/** The reliability diagram after the last task, where its bins are in the report. */
function reliabilityFigure(report: Report, readout: string, prefix: string): Html | undefined {
  const last = (what: string) => matrixOf(report, `reliability-${what}/${readout}`)?.at(-1)
  const [right, sure, share] = [last('accuracy'), last('confidence'), last('share')]
  if (!right || !sure) return undefined
  const points = right.flatMap((accuracy, bin) =>
    accuracy === null || sure[bin] == null ? [] : [[sure[bin], accuracy] as const],
  )
  const diagonal: Line = {
    name: 'true',
    colour: standIn('axis'),
    dash: true,
    width: 1.5,
    points: [
      [0, 0],
      [1, 1],
    ],
  }
  const fraction = { min: 0, max: 1, format: (value: number) => percent(value, 0) }
  return figureHtml({
    id: `${prefix}reliability-${idOf(readout)}`,
    title: `Reliability after the last task, read-out ${readout}`,
    about:
      'Accuracy of the answers given with a confidence. On the dashed line confidence is true; below it the learner is too sure.',
    drawing: lineDrawing({
      x: { name: 'confidence (%)', ...fraction },
      y: { name: 'accuracy (%)', ...fraction },
      lines: [diagonal, { name: readout, colour: seriesColour(0), points }],
    }),
    table: {
      caption: 'Reliability by bin of confidence, in percent',
      head: ['bin', 'confidence', 'accuracy', 'share of examples'],
      rows: right.map((accuracy, bin) => [
        bin + 1,
        percent(sure[bin], 2),
        percent(accuracy, 2),
        percent(share?.[bin], 2),
      ]),
    },
  })
}
