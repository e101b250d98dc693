import type { Report } from '@lgm/core'
import type { Axis } from '../charts/axes.js'
import { lineDrawing } from '../charts/lines.js'
import type { Curve, FitCurves } from '../curves.js'
import { figureHtml } from '../figure.js'
import { type Html, html } from '../html.js'
import { matrixOf, rowNames, taskTitle } from '../measurements.js'
import { compact, percent, plain } from '../numbers.js'
import { orderColour, seriesColour, seriesColours } from '../palette.js'
import { figures, type RunSection, section } from '../section.js'
import { idOf } from './accuracy.js'
import { taskLegend } from './tasks-chart.js'

/** Losses by name and shares of the gradient over training steps, and accuracy over the first batches of each task. */
export const training: RunSection = ({ report, curves }, prefix) => {
  const all = (curves?.fits ?? []).flatMap(fit => [lossFigure(report, fit, prefix), shareFigure(report, fit, prefix)])
  const early = rowNames(report)
    .filter(name => name.endsWith('/early-accuracy'))
    .map(name => earlyFigure(report, name, prefix))
  const unreadable = curves && curves.unreadable > 0
  return section(
    `${prefix}training`,
    'Training',
    unreadable &&
      html`<p class="note">${curves.unreadable} values or lines of the log of events are no numbers or cannot be read; they are left out.</p>`,
    figures(...all, ...early),
  )
}

const steps: Axis = { name: 'training steps over all tasks', min: 0, format: compact }

function lossFigure(report: Report, fit: FitCurves, prefix: string): Html | undefined {
  if (fit.terms.length === 0) return undefined
  const values = fit.terms.flatMap(({ points }) => points.map(([, y]) => y))
  const positive = values.filter(value => value > 0)
  const range = positive.length > 0 ? greatestOf(positive) / leastOf(positive) : 1
  const isLog = leastOf(values) >= 0 && range > 20
  const terms = isLog ? fit.terms.map(term => ({ ...term, points: term.points.filter(([, y]) => y > 0) })) : fit.terms
  const y: Axis = isLog
    ? { name: 'loss (in its own unit, logarithmic)', kind: 'log' }
    : { name: 'loss (in its own unit)' }
  return curvesFigure(report, fit, terms, {
    id: `${prefix}losses-${idOf(fit.name)}`,
    title: `Losses: ${fit.name}`,
    about: `Terms of the loss by name, means over the steps between two log entries. Dotted lines: a task begins. Of each stretch the lowest and the highest value are drawn.${isLog ? ' Zeros are not.' : ''}`,
    y,
    text: plain,
  })
}

function leastOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
}

function greatestOf(values: readonly number[]): number {
  return values.reduce((greatest, value) => Math.max(greatest, value), Number.NEGATIVE_INFINITY)
}

function shareFigure(report: Report, fit: FitCurves, prefix: string): Html | undefined {
  if (fit.shares.length === 0) return undefined
  return curvesFigure(report, fit, fit.shares, {
    id: `${prefix}shares-${idOf(fit.name)}`,
    title: `Shares of the gradient: ${fit.name}`,
    about: 'How much of the gradient comes from each regularizer: near 0 it has no say, near 100 it alone decides.',
    y: { name: 'share of the gradient (%)', min: 0, format: value => percent(value, value < 0.0995 ? 1 : 0) },
    text: value => percent(value, 2),
  })
}

interface Words {
  readonly id: string
  readonly title: string
  readonly about: string
  readonly y: Axis
  readonly text: (value: number) => string
}

/** With more tasks than this their beginnings would be a grey area. */
const fewMarks = 30

function curvesFigure(
  report: Report,
  { starts, steps: last }: FitCurves,
  curves: readonly Curve[],
  words: Words,
): Html {
  const { y, text, ...rest } = words
  return figureHtml({
    ...rest,
    legend: curves.map(({ name }, i) => ({
      name,
      colour: `--s${i % seriesColours}`,
      mark: i < seriesColours ? 'line' : 'dash',
    })),
    drawing: lineDrawing({
      x: { ...steps, max: last },
      y,
      lines: curves.map(({ name, points }, i) => ({
        name,
        colour: seriesColour(i),
        points,
        width: 1.5,
        dash: i >= seriesColours,
      })),
      marks: starts.length <= fewMarks ? starts.slice(1).map(({ step }) => step) : [],
    }),
    table: {
      caption: `${words.title}: last, least and greatest logged value of each task`,
      head: ['task', ...curves.flatMap(({ name }) => [`${name}, last`, 'least', 'greatest'])],
      rows: starts.map(({ task }) => [
        taskTitle(report, task),
        ...curves.flatMap(({ tasks }) => {
          const found = tasks.find(stretch => stretch.task === task)
          return found ? [text(found.last), text(found.least), text(found.greatest)] : ['–', '–', '–']
        }),
      ]),
    },
  })
}

function earlyFigure(report: Report, name: string, prefix: string): Html | undefined {
  const matrix = matrixOf(report, name)
  if (!matrix) return undefined
  const phase = name.split('/')[1] ?? name
  return figureHtml({
    id: `${prefix}early-${idOf(phase)}`,
    title: `Accuracy over the first batches: ${phase}`,
    about: 'Accuracy of the head on test data of each task, before and after each of its first training steps.',
    legend: taskLegend(report),
    drawing: lineDrawing({
      x: { name: 'training steps on the task', kind: 'whole', min: 0, max: matrix[0]!.length - 1 },
      y: { name: 'accuracy (%)', min: 0, max: 1, format: value => percent(value, 0) },
      lines: matrix.map((row, task) => ({
        name: taskTitle(report, task),
        colour: orderColour(task, matrix.length),
        points: row.flatMap((value, step) => (value === null ? [] : [[step, value] as const])),
        width: matrix.length > 12 ? 1 : 2,
      })),
    }),
    table: {
      caption: 'Accuracy in percent after as many training steps on the task',
      head: ['task', ...matrix[0]!.map((_, step) => step)],
      rows: matrix.map((row, task) => [taskTitle(report, task), ...row.map(value => percent(value))]),
    },
  })
}
