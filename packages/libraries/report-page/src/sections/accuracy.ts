import type { Report } from '@lgm/core'
import type { Axis } from '../charts/axes.js'
import { heatDrawing, mostCells } from '../charts/heat.js'
import { lineDrawing } from '../charts/lines.js'
import { type Entry, figureHtml } from '../figure.js'
import type { Html } from '../html.js'
import { type Matrix, matrixOf, readoutsOf, seenMeans, taskTitle } from '../measurements.js'
import { percent } from '../numbers.js'
import { seriesColour } from '../palette.js'
import { figures, type RunSection, section } from '../section.js'
import { fewTasks, placesOf, taskLines } from './tasks-chart.js'

/** An axis of accuracies in percent: from 0, or, where all are above 50 %, from the ten below the least. */
export function accuracyAxis(values: readonly (number | null | undefined)[], name = 'accuracy (%)'): Axis {
  const least = values.reduce<number>((low, value) => Math.min(low, value ?? 1), 1)
  const min = least > 0.5 ? Math.floor(least * 10 - 1e-9) / 10 : 0
  const interval = min >= 0.9 ? 0.02 : min >= 0.8 ? 0.05 : min > 0 ? 0.1 : 0.2
  return { name, min, max: 1, interval, format: value => percent(value, 0) }
}

/** Accuracy by task learned and task tested: the matrix of each read-out, lines over tasks, and read-outs beside each other. */
export const accuracy: RunSection = (run, prefix) => {
  const { report } = run
  const readouts = readoutsOf(run)
  const [main] = readouts
  const matrices = readouts.map(readout => [readout, matrixOf(report, `accuracy/${readout}`)!] as const)
  return section(
    `${prefix}accuracy`,
    'Accuracy',
    figures(
      ...matrices
        .slice(0, 1)
        .flatMap(([readout, matrix]) => [
          matrixFigure(report, readout, matrix, prefix),
          linesFigure(report, readout, matrix, prefix),
        ]),
      main !== undefined && readouts.length > 1 ? readoutsFigure(matrices, prefix) : undefined,
      ...matrices.slice(1).map(([readout, matrix]) => matrixFigure(report, readout, matrix, prefix)),
      main === undefined ? undefined : guessingFigure(report, main, prefix),
      main === undefined ? undefined : confusionFigure(report, main, prefix),
    ),
  )
}

/** Levels of the heat map as a legend. */
export const levels: readonly Entry[] = [0, 25, 50, 75, 100].map(part => ({
  name: `${part} %`,
  colour: `--h${part / 5}`,
  mark: 'box',
}))

function matrixFigure(report: Report, readout: string, matrix: Matrix, prefix: string): Html {
  const columns = (matrix[0] ?? []).map((_, task) => taskTitle(report, task))
  const rows = matrix.map((_, task) => taskTitle(report, task))
  const few = matrix.length <= fewTasks
  return figureHtml({
    id: `${prefix}matrix-${idOf(readout)}`,
    title: `Accuracy matrix, read-out ${readout}`,
    about: `Accuracy on the test set of each task (columns) after each task was learned (rows), in percent. Down a column one sees a task being forgotten.${matrix.length > mostCells ? ` Of ${matrix.length} tasks ${mostCells} are drawn, evenly.` : ''}`,
    legend: levels,
    height: 400,
    drawing: heatDrawing({
      rows: few ? rows : rows.map((_, task) => String(task + 1)),
      columns: few ? columns : columns.map((_, task) => String(task + 1)),
      row: 'after learning task',
      column: 'accuracy on task (%)',
      values: matrix,
      text: value => (value >= 0.9995 ? '100' : percent(value)),
    }),
    table: {
      caption: `Accuracy in percent, read-out ${readout}: rows are tasks learned, columns tasks tested`,
      head: ['after task', ...columns],
      rows: matrix.map((row, task) => [rows[task], ...row.map(value => percent(value))]),
    },
  })
}

/** A name as part of an id. */
export function idOf(name: string): string {
  return name.replace(
    /[^\w-]+/g,
    (characters: string) => `_${[...characters].map(c => c.codePointAt(0)!.toString(36)).join('_')}_`,
  )
}

function linesFigure(report: Report, readout: string, matrix: Matrix, prefix: string): Html {
  const learned = matrix.map((row, t) => row.map((value, task) => (task <= t ? value : null)))
  return figureHtml({
    id: `${prefix}lines`,
    title: `Accuracy over tasks, read-out ${readout}`,
    about: 'A line for each task, from when it was learned, and the mean over the tasks learned so far.',
    ...taskLines(learned, { means: seenMeans(matrix), y: accuracyAxis(learned.flat()), report }),
    height: 400,
    table: {
      caption: 'Mean accuracy over the tasks learned so far, in percent; that of single tasks stands in the matrix',
      head: ['after task', 'mean (%)'],
      rows: seenMeans(matrix).map((mean, task) => [taskTitle(report, task), percent(mean, 2)]),
    },
  })
}

function readoutsFigure(matrices: readonly (readonly [string, Matrix])[], prefix: string): Html {
  const means = matrices.map(([readout, matrix]) => [readout, seenMeans(matrix)] as const)
  return figureHtml({
    id: `${prefix}readouts`,
    title: 'Mean accuracy by read-out',
    about: 'Mean over the tasks learned so far, for each way of asking the model.',
    legend: means.map(([name], i) => ({ name, colour: `--s${i}` })),
    drawing: lineDrawing({
      x: { name: 'tasks learned', kind: 'whole', min: 1, max: Math.max(2, means[0]![1].length) },
      y: accuracyAxis(means.flatMap(([, values]) => values)),
      lines: means.map(([name, values], i) => ({ name, colour: seriesColour(i), points: placesOf(values) })),
    }),
    height: 400,
    table: {
      caption: 'Mean accuracy over the tasks learned so far, in percent',
      head: ['after task', ...means.map(([name]) => name)],
      rows: means[0]![1].map((_, task) => [task + 1, ...means.map(([, values]) => percent(values[task], 2))]),
    },
  })
}

function guessingFigure(report: Report, readout: string, prefix: string): Html | undefined {
  const matrix = matrixOf(report, `task-guessing/${readout}`)
  if (!matrix) return undefined
  return figureHtml({
    id: `${prefix}guessing`,
    title: `Task guessed right, read-out ${readout}`,
    about: 'Share of test examples whose guessed class is one of their own task: errors beyond it are within a task.',
    ...taskLines(matrix, { means: seenMeans(matrix), y: accuracyAxis(matrix.flat(), 'examples (%)'), report }),
    height: 400,
    table: {
      caption: 'Task guessed right, in percent',
      head: ['after task', ...matrix[0]!.map((_, task) => taskTitle(report, task))],
      rows: matrix.map((row, task) => [taskTitle(report, task), ...row.map(value => percent(value))]),
    },
  })
}

function confusionFigure(report: Report, readout: string, prefix: string): Html | undefined {
  const counts = matrixOf(report, `confusion/${readout}`)?.at(-1)
  const side = Math.round(Math.sqrt(counts?.filter(count => count !== null).length ?? 0))
  if (!counts || side < 2) return undefined
  const names = report.tasks.flatMap(({ classes }) => classes)
  const unique = [...new Set(names)]
  const classes = Array.from({ length: side }, (_, k) => unique[k] ?? String(k))
  const rows = classes.map((_, i) => counts.slice(i * side, (i + 1) * side).map(count => count ?? 0))
  const shares = rows.map(row => row.map(count => count / (row.reduce((sum, value) => sum + value, 0) || 1)))
  return figureHtml({
    id: `${prefix}confusion`,
    title: `Confusion after the last task, read-out ${readout}`,
    about: 'Of the test examples of each class (rows), the percentage that was taken for each class (columns).',
    legend: levels,
    height: 440,
    drawing: heatDrawing({
      rows: classes,
      columns: classes,
      row: 'true class',
      column: 'guessed class (% of the true one)',
      values: shares,
      text: value => (value === 0 ? '' : percent(value, value < 0.0995 ? 1 : 0)),
    }),
    table: {
      caption: 'Examples by true class (rows) and guessed class (columns)',
      head: ['true class', ...classes],
      rows: rows.map((row, i) => [classes[i], ...row.map(String)]),
    },
  })
}
