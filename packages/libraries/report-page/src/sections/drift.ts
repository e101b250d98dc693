import type { Report } from '@lgm/core'
import { figureHtml } from '../figure.js'
import type { Html } from '../html.js'
import { afterTasks, matrixOf, meanOf, rowNames, taskTitle } from '../measurements.js'
import { plain } from '../numbers.js'
import { figures, type RunSection, section } from '../section.js'
import { idOf } from './accuracy.js'
import { taskLines } from './tasks-chart.js'

const titles: Readonly<Record<string, string>> = {
  'drift-within-class-variance': 'Drift of codes, in variances within a class',
  'drift-total-variance': 'Drift of codes, in total variances',
  'drift-squared-norm': 'Drift of codes, in squared norms',
  cka: 'Likeness of codes (linear CKA)',
  'round-trip-error': 'Round-trip error of codes',
}

/** How far the codes of earlier tasks have moved. */
export const drift: RunSection = ({ report }, prefix) => {
  const there = new Set(rowNames(report))
  const names = Object.keys(titles).filter(name => there.has(name))
  return section(`${prefix}drift`, 'Drift', figures(...names.map(name => driftFigure(report, name, prefix))))
}

function driftFigure(report: Report, name: string, prefix: string): Html | undefined {
  const matrix = matrixOf(report, name)
  if (!matrix?.some(row => row.some(value => value !== null))) return undefined
  const means = matrix.map(row => meanOf(row))
  const { unit, aggregation } = afterTasks(report, name).find(figure => figure !== undefined)!
  return figureHtml({
    id: `${prefix}${idOf(name)}`,
    title: titles[name]!,
    about: `${aggregation}; a line for each task, and their mean.`,
    ...taskLines(matrix, {
      means,
      y: { name: `${name} (${unit})`, ...(name !== 'cka' && { min: 0 }) },
      report,
    }),
    table: {
      caption: `${name} (${unit}): rows are tasks learned, columns tasks measured`,
      head: ['after task', ...matrix[0]!.map((_, task) => taskTitle(report, task)), 'mean'],
      rows: matrix.map((row, task) => [taskTitle(report, task), ...row.map(plain), plain(means[task])]),
    },
  })
}
