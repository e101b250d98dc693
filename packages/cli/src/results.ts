import type { Measurement, Report } from '@lgm/core'
import { figure, mean, number, seconds, summaryTable, table } from '@lgm/observer-console'

/** The final table of one recipe: figures by read-out, with their spread over seeds; numbers kept, and seconds. */
export function resultTable(reports: readonly Report[]): string {
  const first = reports[0]!
  const title = `${first.name ?? 'run'}, ${reports.length === 1 ? `seed ${first.seed}` : `${reports.length} seeds`}`
  const figures = summaryTable(...reports.map(summaryOf))
  const owners = Object.entries(first.kept).map(([owner, { numbers }]) => `${owner} ${number(numbers)}`)
  const { name, version, threads } = first.engine
  return [
    title,
    ...(figures === '' ? [] : [figures]),
    `numbers kept between tasks: ${number(keptOf(first))}${owners.length > 0 ? ` (${owners.join(', ')})` : ''}`,
    `time: ${timeOf(reports)} (${phasesOf(reports)}) on ${name} (${version}), threads: ${threads}`,
  ].join('\n')
}

/** A row for each recipe: figures of the read-out with which it predicts, numbers kept between tasks, and seconds. */
export function comparisonTable(
  groups: readonly { readonly readout: string; readonly reports: readonly Report[] }[],
): string {
  const measured = groups.map(({ readout, reports }) => {
    const byMeasure = new Map<string, Measurement[]>()
    for (const measurement of reports.flatMap(summaryOf)) {
      const [measure = '', of] = measurement.name.split('/')
      if (typeof measurement.value !== 'number' || of !== readout || details.has(measure)) continue
      byMeasure.set(measure, [...(byMeasure.get(measure) ?? []), measurement])
    }
    return byMeasure
  })
  const measures = [...new Set(measured.flatMap(byMeasure => [...byMeasure.keys()]))]
  const rows = groups.map(({ readout, reports }, index) => [
    reports[0]!.name ?? 'run',
    readout,
    ...measures.map(measure => figure(...(measured[index]!.get(measure) ?? []))),
    number(keptOf(reports[0]!)),
    timeOf(reports),
  ])
  const titles = measures.map(measure => (measure === 'ACC' ? 'final accuracy' : measure))
  return table(['method', 'read-out', ...titles, 'numbers kept', 'time'], rows)
}

/** Measures that the comparison leaves to the tables of the single recipes. */
const details = new Set(['BWT', 'FWT', 'worst-forgetting', 'mean-task-guessing'])

/** The summary as measurements; zod's optional keys are not exact. */
function summaryOf({ summary }: Report): readonly Measurement[] {
  return summary.map(({ axis, ...rest }) => ({ ...rest, ...(axis !== undefined && { axis }) }))
}

function keptOf({ kept }: Report): number {
  return Object.values(kept).reduce((sum, { numbers }) => sum + numbers, 0)
}

function timeOf(reports: readonly Report[]): string {
  return seconds(mean(reports.map(({ totalSeconds }) => totalSeconds)))
}

/** Seconds by phase over all tasks, the mean over runs, what took less than a twentieth of a second left out. */
function phasesOf(reports: readonly Report[]): string {
  const sums = new Map<string, number>()
  for (const [phase, duration] of reports.flatMap(report => report.seconds.flatMap(task => Object.entries(task))))
    sums.set(phase, (sums.get(phase) ?? 0) + duration / reports.length)
  return [...sums]
    .filter(([, duration]) => duration >= 0.05)
    .map(([phase, duration]) => `${phase} ${seconds(duration)}`)
    .join(', ')
}
