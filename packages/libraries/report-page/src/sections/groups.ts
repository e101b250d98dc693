import { estimate, meanInterval, type RunGroup } from '@lgm/runs'
import { symbols } from '../charts/scatter.js'
import type { Entry } from '../figure.js'
import { keptOf, matrixOf, meanOf, readoutsOf, seenMeans } from '../measurements.js'
import { seriesColour, seriesColours } from '../palette.js'

/** Runs of one recipe, as they are compared: with a number, colour and symbol of their own. */
export interface ComparedGroup {
  readonly number: number
  readonly title: string
  readonly group: RunGroup
  /** The read-out with which these runs predict. */
  readonly readout: string
  readonly colour: string
  /** The same colour, as the style sheet knows it. */
  readonly variable: string
  readonly symbol: (typeof symbols)[number]
  readonly accuracy: Spread | undefined
  readonly forgetting: Spread | undefined
  readonly kept: number
  readonly bytes: number
  readonly seconds: number
}

/** A mean and half the width of its 95 % interval, which of one value there is none. */
export interface Spread {
  readonly mean: number
  readonly halfWidth: number | null
}

/** Groups of runs in the order given; those of one name are told apart by a number. */
export function comparedGroups(groups: readonly RunGroup[]): readonly ComparedGroup[] {
  const seen = new Map<string, number>()
  const doubled = new Set(groups.map(({ name }) => name).filter((name, i, all) => all.indexOf(name) !== i))
  return groups.map((group, i) => {
    const time = (seen.get(group.name) ?? 0) + 1
    seen.set(group.name, time)
    const first = group.runs[0]!
    const [readout = ''] = readoutsOf(first)
    const { numbers, bytes } = keptOf(first.report)
    return {
      number: i + 1,
      title: doubled.has(group.name) ? `${group.name} (${time})` : group.name,
      group,
      readout,
      colour: seriesColour(i),
      variable: `--s${i % seriesColours}`,
      symbol: symbols[Math.floor(i / seriesColours) % symbols.length]!,
      accuracy: estimate(group, `ACC/${readout}`),
      forgetting: estimate(group, `forgetting/${readout}`),
      kept: numbers,
      bytes,
      seconds: meanOf(group.runs.map(({ report }) => report.totalSeconds))!,
    }
  })
}

/** Mean accuracy over the tasks learned so far, after each task, over the runs of a group. */
export function accuracyOverTasks({ group, readout }: ComparedGroup): readonly (Spread | undefined)[] {
  const curves = group.runs.flatMap(({ report }) => {
    const matrix = matrixOf(report, `accuracy/${readout}`)
    return matrix ? [seenMeans(matrix)] : []
  })
  const tasks = Math.max(0, ...curves.map(curve => curve.length))
  return Array.from({ length: tasks }, (_, t) => {
    const values = curves.flatMap(curve => curve[t] ?? [])
    return values.length === 0 ? undefined : meanInterval(values)
  })
}

/** The legend of groups. */
export function groupLegend(groups: readonly ComparedGroup[], mark: 'line' | 'symbol'): readonly Entry[] {
  return groups.map(({ number, title, variable, symbol }) => ({
    name: `${number} ${title}`,
    colour: variable,
    mark: mark === 'symbol' ? symbol : number > seriesColours ? 'dash' : 'line',
  }))
}
