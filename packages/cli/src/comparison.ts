import { expected, nearest, type Report } from '@lgm/core'
import { type Estimate, estimate, figureNames, pairedDifference, type RunGroup, type SavedRun } from '@lgm/runs'

/** A row of a comparison: a group of runs, and what was found of each figure; undefined where nothing was. */
export interface ComparisonRow {
  readonly name: string
  readonly seeds: number
  readonly cells: readonly (Estimate | undefined)[]
}

/** Figures of groups of runs. */
export interface ComparisonTable {
  readonly title: string
  /** The group from which the rows are differences, if they are. */
  readonly baseline?: string
  readonly figures: readonly string[]
  readonly rows: readonly ComparisonRow[]
}

/** What groups of runs say beside one another, as data: every format is written from it. */
export interface Comparison {
  readonly tables: readonly ComparisonTable[]
  /** What should be known when the tables are read. */
  readonly notes: readonly string[]
}

/**
 * Compares groups of runs: a row each, and below it the differences from one of them over common seeds.
 * @param wanted names of figures, or what stands before the slash for all read-outs; the default figures where undefined
 * @param baseline name of a group; the first where undefined
 * @throws LgmError `comparison` for a figure or group that is not there.
 */
export function compareGroups(
  groups: readonly RunGroup[],
  wanted?: readonly string[],
  baseline: string = groups[0]!.name,
): Comparison {
  const runs = groups.flatMap(group => group.runs)
  const figures = wanted ? chosenFigures(wanted, figureNames(runs)) : defaultFigures(runs)
  const base = groups.find(({ name }) => name === baseline)
  if (!base) throw unknown('--baseline', 'the name of a row', baseline, groups.map(nameOf))
  const means: ComparisonTable = {
    title: 'mean ± 95 % interval over seeds',
    figures,
    rows: groups.map(group => ({
      name: group.name,
      seeds: group.runs.length,
      cells: figures.map(figure => estimate(group, figure)),
    })),
  }
  const differences: ComparisonTable = {
    title: `difference from ${base.name} over common seeds, mean ± 95 % interval`,
    baseline: base.name,
    figures,
    rows: groups
      .filter(group => group !== base)
      .map(group => ({
        name: group.name,
        seeds: commonSeeds(group, base),
        cells: figures.map(figure => pairedDifference(group, base, figure)),
      })),
  }
  return { tables: groups.length > 1 ? [means, differences] : [means], notes: notesOf(groups, base) }
}

function nameOf({ name }: RunGroup): string {
  return name
}

/** Final accuracy of every read-out, forgetting of those by which the recipes predict, numbers kept, seconds. */
function defaultFigures(runs: readonly SavedRun[]): readonly string[] {
  const readouts = new Set(runs.map(({ recipe }) => recipe.readout))
  const names = figureNames(runs)
  return [
    ...names.filter(name => name.startsWith('ACC/')),
    ...names.filter(name => name.startsWith('forgetting/') && readouts.has(name.slice('forgetting/'.length))),
    'numbers-kept',
    'seconds',
  ]
}

function chosenFigures(wanted: readonly string[], known: readonly string[]): readonly string[] {
  const found = wanted.flatMap(name => {
    const matching = known.filter(figure => figure === name || figure.startsWith(`${name}/`))
    if (matching.length === 0) throw unknown('--figure', 'a figure that the runs have as one number', name, known)
    return matching
  })
  return [...new Set(found)]
}

function unknown(where: string, what: string, got: string, known: readonly string[]): Error {
  const near = nearest(got, known)
  const remedy = near ? `did you mean "${near}"?` : `known are ${known.join(', ')}`
  return expected(where, what, `"${got}"`, remedy, 'comparison')
}

function commonSeeds(a: RunGroup, b: RunGroup): number {
  const seeds = new Set(b.runs.map(({ report }) => report.seed))
  return a.runs.filter(({ report }) => seeds.has(report.seed)).length
}

/** What makes figures of different runs less than comparable. */
function notesOf(groups: readonly RunGroup[], base: RunGroup): readonly string[] {
  const reports = groups.flatMap(({ runs }) => runs.map(({ report }) => report))
  const engines = distinct(
    reports.map(({ engine }) => `${engine.name} (${engine.version}), threads: ${engine.threads}`),
  )
  const versions = differingVersions(reports)
  const usual = tasksOf(base.runs[0]!.report)
  const others = groups.filter(({ runs }) => runs.some(({ report }) => tasksOf(report) !== usual))
  return [
    ...(engines.length > 1 ? [`runs differ in their engine: ${engines.join('; ')}`] : []),
    ...(versions.length > 0 ? [`runs differ in versions: ${versions.join('; ')}`] : []),
    ...(others.length > 0
      ? [`other tasks, scenario or numbers of examples than in ${base.name}: ${others.map(nameOf).join(', ')}`]
      : []),
  ]
}

function differingVersions(reports: readonly Report[]): readonly string[] {
  const names = distinct(reports.flatMap(({ versions }) => Object.keys(versions)))
  return names.flatMap(name => {
    const found = distinct(reports.flatMap(({ versions }) => (Object.hasOwn(versions, name) ? [versions[name]!] : [])))
    return found.length > 1 ? [`${name} ${found.join(', ')}`] : []
  })
}

function tasksOf({ scenario, tasks }: Report): string {
  return JSON.stringify([scenario, tasks])
}

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)]
}
