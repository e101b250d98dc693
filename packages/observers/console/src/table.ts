import type { Measurement } from '@lgm/core'
import Table from 'cli-table3'
import { figure } from './figures.js'

/** A table for the terminal: a head, and rows whose first column is text and whose others are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  })
  for (const row of rows) drawn.push([...row])
  return drawn.toString()
}

/**
 * The figures at the end of a run, a row for each read-out and a column for each measure, from measurements that are named
 * `measure/read-out`; measurements of another name follow in a table of their own, and series are left out.
 */
export function summaryTable(summary: readonly Measurement[]): string {
  const scalars = summary.filter(({ value }) => typeof value === 'number')
  const split = scalars.map(measurement => ({ measurement, parts: measurement.name.split('/') }))
  const byReadout = split.filter(({ parts }) => parts.length === 2)
  const others = split.filter(({ parts }) => parts.length !== 2)
  const measures = [...new Set(byReadout.map(({ parts }) => parts[0]!))]
  const readouts = [...new Set(byReadout.map(({ parts }) => parts[1]!))]
  const cell = (measure: string, readout: string) => {
    const found = byReadout.find(({ parts }) => parts[0] === measure && parts[1] === readout)
    return found ? figure(found.measurement) : ''
  }
  const tables = []
  if (readouts.length > 0)
    tables.push(
      table(
        ['read-out', ...measures],
        readouts.map(readout => [readout, ...measures.map(measure => cell(measure, readout))]),
      ),
    )
  if (others.length > 0)
    tables.push(
      table(
        ['measure', 'value'],
        others.map(({ measurement }) => [measurement.name, figure(measurement)]),
      ),
    )
  return tables.join('\n')
}
