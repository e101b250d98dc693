import type { Report } from '@lgm/core'
import type { SavedRun } from '@lgm/runs'

/** A figure of a report. */
export type Figured = Report['summary'][number]

/** By task learned (rows) and task measured (columns). */
export type Matrix = readonly (readonly (number | null)[])[]

/** The figure of a name after each task; `undefined` after those that lack it. */
export function afterTasks({ rows }: Report, name: string): readonly (Figured | undefined)[] {
  return rows.map(row => row.find(figure => figure.name === name))
}

/** A figure that is a list, after each task, padded to the longest; `undefined` where no task has it. */
export function matrixOf(report: Report, name: string): Matrix | undefined {
  const lists = afterTasks(report, name).map(figure => (Array.isArray(figure?.value) ? figure.value : []))
  const length = lists.reduce((most, list) => Math.max(most, list.length), 0)
  return length === 0 ? undefined : lists.map(list => Array.from({ length }, (_, j) => list[j] ?? null))
}

/** A figure that is a number, after each task. */
export function numbersOf(report: Report, name: string): readonly (number | null)[] {
  return afterTasks(report, name).map(figure => (typeof figure?.value === 'number' ? figure.value : null))
}

/** The names of figures after tasks, in the order met. */
export function rowNames({ rows }: Report): readonly string[] {
  return [...new Set(rows.flatMap(row => row.map(({ name }) => name)))]
}

/** A number of the summary. */
export function summaryOf({ summary }: Report, name: string): number | undefined {
  const value = summary.find(figure => figure.name === name)?.value
  return typeof value === 'number' ? value : undefined
}

/** Read-outs with an accuracy, that with which the run predicts first. */
export function readoutsOf({ report, recipe }: SavedRun): readonly string[] {
  const prefix = 'accuracy/'
  const measured = rowNames(report)
    .filter(name => name.startsWith(prefix))
    .map(name => name.slice(prefix.length))
  return measured.sort((a, b) => Number(b === recipe.readout) - Number(a === recipe.readout))
}

/** The mean of what is there; `null` of nothing. */
export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const there = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length
}

/** Accuracy on each task's test set over the tasks learned so far, after each task. */
export function seenMeans(matrix: Matrix): readonly (number | null)[] {
  return matrix.map((row, t) => meanOf(row.slice(0, t + 1)))
}

/** What was lost of each task: its best accuracy after it was learned and before the last task, less the final one. */
export function forgettingByTask(matrix: Matrix): readonly (number | null)[] {
  const last = matrix.length - 1
  return matrix.slice(0, last).map((_, j) => {
    const before = matrix.slice(j, last).flatMap(row => row[j] ?? [])
    const final = matrix[last]![j] ?? null
    return before.length === 0 || final === null ? null : Math.max(...before) - final
  })
}

/** What is kept in all after the last task. */
export function keptOf({ kept }: Report): { readonly numbers: number; readonly bytes: number } {
  const owners = Object.values(kept)
  return {
    numbers: owners.reduce((sum, { numbers }) => sum + numbers, 0),
    bytes: owners.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

/** Places of at most `most` of `count` things, evenly, with the first and the last. */
export function evenly(count: number, most: number): readonly number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i)
  if (most === 1) return [count - 1]
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)))
}

/** `task 3: 4, 5`, tasks counted from 1. */
export function taskTitle({ tasks }: Report, index: number): string {
  const name = tasks[index]?.name
  return name === undefined || name === String(index + 1) ? `task ${index + 1}` : `${index + 1}: ${name}`
}
