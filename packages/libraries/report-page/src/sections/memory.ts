import type { Report } from '@lgm/core'
import { barDrawing } from '../charts/bars.js'
import { lineDrawing } from '../charts/lines.js'
import { figureHtml } from '../figure.js'
import type { Html } from '../html.js'
import { keptOf, numbersOf } from '../measurements.js'
import { bytes, compact, percent } from '../numbers.js'
import { seriesColour } from '../palette.js'
import { figures, type RunSection, section } from '../section.js'
import { placesOf } from './tasks-chart.js'

/** What the learner keeps between tasks, by owner, and against the data it has seen. */
export const memory: RunSection = ({ report }, prefix) =>
  section(`${prefix}memory`, 'Memory', figures(ownersFigure(report, prefix), growthFigure(report, prefix)))

function ownersFigure(report: Report, prefix: string): Html | undefined {
  const owners = Object.entries(report.kept).sort(([, a], [, b]) => b.numbers - a.numbers)
  if (owners.length === 0) return undefined
  const all = keptOf(report)
  return figureHtml({
    id: `${prefix}owners`,
    title: 'Kept between tasks, by owner',
    about: 'Numbers that the learner keeps after the last task: parameters, memories, importances.',
    height: Math.max(140, 60 + 44 * owners.length),
    drawing: barDrawing({
      categories: owners.map(([owner]) => owner),
      category: '',
      value: { name: 'numbers kept', min: 0, format: compact },
      lying: true,
      bars: [
        {
          name: 'numbers kept',
          colour: seriesColour(0),
          values: owners.map(([, { numbers }]) => numbers),
          labels: owners.map(([, { numbers }]) => compact(numbers)),
        },
      ],
    }),
    table: {
      caption: 'Kept after the last task, by owner',
      head: ['owner', 'numbers', 'size', 'share (%)'],
      rows: [
        ...owners.map(([owner, kept]) => [
          owner,
          kept.numbers.toLocaleString('en'),
          bytes(kept.bytes),
          percent(all.numbers === 0 ? null : kept.numbers / all.numbers),
        ]),
        ['all', all.numbers.toLocaleString('en'), bytes(all.bytes), '100'],
      ],
    },
  })
}

/** Where the evaluator `footprint` measured it: kept numbers and those of the data seen, over tasks. */
function growthFigure(report: Report, prefix: string): Html | undefined {
  const kept = numbersOf(report, 'footprint/kept/numbers')
  const seen = numbersOf(report, 'footprint/data/numbers')
  if (placesOf(kept).length === 0) return undefined
  return figureHtml({
    id: `${prefix}growth`,
    title: 'Kept, and data seen',
    about:
      'Numbers that the learner keeps, beside those of all training data so far. One that keeps as much as the data has solved nothing.',
    legend: [
      { name: 'kept', colour: '--s0' },
      { name: 'training data seen', colour: '--s1', mark: 'dash' },
    ],
    drawing: lineDrawing({
      x: { name: 'tasks learned', kind: 'whole', min: 1, max: Math.max(2, kept.length) },
      y: { name: 'numbers', min: 0, format: compact },
      lines: [
        { name: 'kept', colour: seriesColour(0), points: placesOf(kept) },
        { name: 'training data seen', colour: seriesColour(1), points: placesOf(seen), dash: true },
      ],
    }),
    table: {
      caption: 'Numbers kept, and numbers of the training data seen',
      head: ['after task', 'kept', 'data seen'],
      rows: kept.map((value, t) => [
        t + 1,
        ...[value, seen[t]].map(count => (count == null ? '–' : count.toLocaleString('en'))),
      ]),
    },
  })
}
