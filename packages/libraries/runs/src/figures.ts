import { expected } from '@lgm/core'
import type { RunGroup } from './groups.js'
import { type MeanInterval, meanInterval } from './intervals.js'
import type { SavedRun } from './runs.js'

/** One number of a run. */
export interface Figure {
  readonly value: number
  readonly unit: string
}

/** A figure over the seeds of a group. */
export interface Estimate extends MeanInterval {
  readonly unit: string
  /** The seeds it was measured with, in ascending order. */
  readonly seeds: readonly number[]
}

/** Figures that a report has beside its summary: what the learner keeps after the last task, and how long the run took. */
const totals: Readonly<Record<string, (run: SavedRun) => Figure>> = {
  'numbers-kept': ({ report }) => ({ value: total(report.kept, 'numbers'), unit: '' }),
  'bytes-kept': ({ report }) => ({ value: total(report.kept, 'bytes'), unit: 'bytes' }),
  seconds: ({ report }) => ({ value: report.totalSeconds, unit: 's' }),
}

function total(kept: SavedRun['report']['kept'], what: 'numbers' | 'bytes'): number {
  return Object.values(kept).reduce((sum, owner) => sum + owner[what], 0)
}

/** A figure of a run by its name: one number of the summary, as `ACC/head`, or `numbers-kept`, `bytes-kept`, `seconds`. */
export function figureOf(run: SavedRun, name: string): Figure | undefined {
  if (Object.hasOwn(totals, name)) return totals[name]!(run)
  const found = run.report.summary.find(measurement => measurement.name === name)
  return typeof found?.value === 'number' ? { value: found.value, unit: found.unit } : undefined
}

/** The names of the figures that any of the runs has, in the order of their summaries. */
export function figureNames(runs: readonly SavedRun[]): readonly string[] {
  const summaries = runs.flatMap(({ report }) => report.summary.filter(({ value }) => typeof value === 'number'))
  return [...new Set([...summaries.map(({ name }) => name), ...Object.keys(totals)])]
}

/**
 * The mean of a figure over the seeds of a group with its 95 % interval; undefined where no run has it.
 * @throws LgmError `runs` when a seed is there twice, which would make the interval too narrow.
 */
export function estimate(group: RunGroup, figure: string): Estimate | undefined {
  const values = bySeed(group, figure)
  return over([...values.keys()], seed => values.get(seed)!)
}

/**
 * The mean of `figure` of `a` less that of `b` over the seeds that both have, with the 95 % interval of the differences: what the seeds do to
 * both alike falls out. Undefined where there is no such seed. Its unit is `difference of fractions` where the figure is a fraction.
 * @throws LgmError `runs` when a seed is there twice.
 */
export function pairedDifference(a: RunGroup, b: RunGroup, figure: string): Estimate | undefined {
  const [left, right] = [bySeed(a, figure), bySeed(b, figure)]
  const common = [...left.keys()].filter(seed => right.has(seed))
  const found = over(common, seed => {
    const { value, unit } = left.get(seed)!
    return { value: value - right.get(seed)!.value, unit }
  })
  return found && { ...found, unit: found.unit === 'fraction' ? 'difference of fractions' : found.unit }
}

function over(seeds: readonly number[], figure: (seed: number) => Figure): Estimate | undefined {
  if (seeds.length === 0) return undefined
  const ascending = [...seeds].sort((a, b) => a - b)
  const figures = ascending.map(figure)
  return { ...meanInterval(figures.map(({ value }) => value)), unit: figures[0]!.unit, seeds: ascending }
}

function bySeed({ name, runs }: RunGroup, figure: string): Map<number, Figure> {
  const folders = new Map<number, string>()
  const values = new Map<number, Figure>()
  for (const run of runs) {
    const { seed } = run.report
    const before = folders.get(seed)
    if (before !== undefined)
      throw expected(
        `runs of ${name}`,
        'each seed once',
        `seed ${seed} in ${before} and ${run.folder}`,
        'name only one of these folders',
        'runs',
      )
    folders.set(seed, run.folder)
    const found = figureOf(run, figure)
    if (found) values.set(seed, found)
  }
  return values
}
