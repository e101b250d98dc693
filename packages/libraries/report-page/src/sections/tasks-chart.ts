import type { Report } from '@lgm/core'
import type { Axis } from '../charts/axes.js'
import { type Line, lineDrawing } from '../charts/lines.js'
import type { Drawing } from '../draw.js'
import type { Entry } from '../figure.js'
import { evenly, type Matrix, taskTitle } from '../measurements.js'
import { orderColour, orderVariable, standIn } from '../palette.js'
import type { Point } from '../sketch.js'

/** With more tasks than this the legend names the first and the last only. */
export const fewTasks = 12

/** Of more tasks than this some have lines, evenly. */
const mostLines = 120

/** Legend of tasks, which are coloured by their order. */
export function taskLegend(report: Report, count = report.tasks.length): readonly Entry[] {
  const all = Array.from({ length: count }, (_, task) => ({
    name: taskTitle(report, task),
    colour: orderVariable(task, count),
  }))
  if (count <= fewTasks) return all
  const middle = Math.floor((count - 1) / 2)
  return [all[0]!, { ...all[middle]!, name: `… ${all[middle]!.name} …` }, all.at(-1)!]
}

/** Places where there is a number, tasks counted from 1. */
export function placesOf(values: readonly (number | null | undefined)[]): readonly Point[] {
  return values.flatMap((value, t) => (typeof value === 'number' ? [[t + 1, value] as const] : []))
}

/** A line for each task measured, over the tasks learned, and their mean above them. */
export function taskLines(
  matrix: Matrix,
  { means, y, report }: { means: readonly (number | null)[]; y: Axis; report: Report },
): { drawing: Drawing; legend: readonly Entry[] } {
  const columns = matrix[0]?.length ?? 0
  const many = columns > fewTasks
  const lines: Line[] = evenly(columns, mostLines).map(task => ({
    name: taskTitle(report, task),
    colour: orderColour(task, columns),
    points: placesOf(matrix.map(row => row[task])),
    width: many ? 1 : 2,
    faint: many,
  }))
  const mean: Line = { name: 'mean', colour: standIn('ink'), points: placesOf(means), width: 3 }
  const x: Axis = { name: 'tasks learned', kind: 'whole', min: 1, max: Math.max(2, matrix.length) }
  return {
    drawing: lineDrawing({ x, y, lines: [...lines, mean] }),
    legend: [...taskLegend(report, columns), { name: 'mean', colour: '--ink' }],
  }
}
