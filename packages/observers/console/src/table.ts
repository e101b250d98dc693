import type { Measurement } from '@lgm/core'
import Table from 'cli-table3'
import { figure } from './figures.js'

/** A table for the terminal: a head, and rows whose first column is text and whose others are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) drawn.push([...row])
  return drawn.toString()
}

/**
 * The figures at the end of a run, a row for each read-out and a column for each measure, from measurements that are named
 * `measure/read-out`; measurements of another name follow in a table of their own, and series are left out. Given the summaries of
 * several runs, each figure is a mean with its standard deviation.
 */
export function summaryTable(...summaries: readonly (readonly Measurement[])[]): string {
  const byName = new Map<string, Measurement[]>()
  for (const measurement of summaries.flat())
    if (typeof measurement.value === 'number')
      byName.set(measurement.name, [...(byName.get(measurement.name) ?? []), measurement])
  const names = [...byName.keys()]
  const cell = (name: string) => (byName.has(name) ? figure(...byName.get(name)!) : '')
  const pairs = names.map(name => name.split('/')).filter(parts => parts.length === 2)
  const others = names.filter(name => name.split('/').length !== 2)
  const measures = [...new Set(pairs.map(([measure]) => measure!))]
  const readouts = [...new Set(pairs.map(([, readout]) => readout!))]
  const rows = readouts.map(readout => [readout, ...measures.map(measure => cell(`${measure}/${readout}`))])
  return [
    ...(rows.length > 0 ? [table(['read-out', ...measures], rows)] : []),
    ...(others.length > 0
      ? [
          table(
            ['measure', 'value'],
            others.map(name => [name, cell(name)]),
          ),
        ]
      : []),
  ].join('\n')
}
