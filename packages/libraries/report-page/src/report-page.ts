import { groupRuns, type RunGroup } from '@lgm/runs'
import { html } from './html.js'
import { readoutsOf } from './measurements.js'
import { duration } from './numbers.js'
import { pageHtml } from './page.js'
import type { ReportedRun, RunSection, Section } from './section.js'
import { accuracy } from './sections/accuracy.js'
import { allFigures } from './sections/all-figures.js'
import { calibration } from './sections/calibration.js'
import { comparison, runList } from './sections/comparison.js'
import { drift } from './sections/drift.js'
import { forgetting } from './sections/forgetting.js'
import { comparedGroups } from './sections/groups.js'
import { memory } from './sections/memory.js'
import { overview } from './sections/overview.js'
import { samples } from './sections/samples.js'
import { liveSetup, setup } from './sections/setup.js'
import { time } from './sections/time.js'
import { training } from './sections/training.js'

/** The page stays below this, whatever the runs hold. */
export const mostBytes = 5_000_000
/** So many runs at most are shown one by one below their comparison. */
export const mostDetailed = 6

const beforeSamples: readonly RunSection[] = [overview, accuracy, forgetting, training, drift, memory, calibration]
const afterSamples: readonly RunSection[] = [time, allFigures, setup]

/** The parts of the page of one run, in order. `bytes` is what they may take; pictures are left out where it is too little. */
export function runSections(run: ReportedRun, prefix = '', bytes = mostBytes): readonly Section[] {
  const made = (sections: readonly RunSection[]) => sections.map(part => part(run, prefix))
  const [before, after] = [made(beforeSamples), made(afterSamples)]
  const left = bytes - sizeOf([...before, ...after]) - reserve
  return [...before, samples(run, prefix, Math.max(0, left)), ...after].filter(part => part !== undefined)
}

/** The parts of the page of a run that goes on: those that need neither its summary nor what it keeps at the end. */
export function liveSections(run: ReportedRun): readonly Section[] {
  const parts = [accuracy, forgetting, training, drift, memory, calibration].map(part => part(run, ''))
  const rest = [time, allFigures, liveSetup].map(part => part(run, ''))
  return [...parts, samples(run, '', mostBytes / 2), ...rest].filter(part => part !== undefined)
}

/** The part with the losses by itself, which changes most often. */
export function trainingSection(run: ReportedRun): Section | undefined {
  return training(run, '')
}

/** For style, script and what is around the sections, and the charts of samples. */
const reserve = 200_000

function sizeOf(sections: readonly (Section | undefined)[]): number {
  return sections.reduce((sum, part) => sum + (part ? Buffer.byteLength(part.html.text) : 0), 0)
}

/**
 * One self-contained page for one run or many: no part of it comes over the network, and it stays under 5 MB. Of many runs there is a
 * comparison, and below it the first few by themselves, as far as there is room.
 * @param runs at least one
 * @throws LgmError `runs` when a recipe has one seed twice
 */
export function reportPage(runs: readonly ReportedRun[], settings: PageSettings = {}): string {
  const [first] = runs
  if (!first) throw new RangeError('reportPage: expected runs, got none')
  if (runs.length > 1) return pageHtml(comparedTitle(runs), [], comparedSections(runs, settings))
  settings.progress?.(titleOf(first))
  return pageHtml(titleOf(first), chipsOf(first), runSections(first))
}

/** Settings of the page. */
export interface PageSettings {
  /** The runs by recipe, under names of their own; by `groupRuns` unless told. */
  readonly groups?: readonly RunGroup[]
  /** Told what is being drawn. */
  readonly progress?: (what: string) => void
}

/** The parts of the page of several runs, in order. */
export function comparedSections(runs: readonly ReportedRun[], settings: PageSettings = {}): readonly Section[] {
  const { groups = groupRuns(runs), progress } = settings
  progress?.('comparison')
  const compared = comparedGroups(groups)
  const first = comparison(compared)
  const room = mostBytes - sizeOf([first]) - 2 * reserve - 400 * runs.length
  const detailed = runs.length > mostDetailed ? [] : detailsOf(runs, room, progress)
  const anchors = new Map(detailed.map(({ id }, i) => [runs[i]!.folder, id]))
  return [first, runList(compared, anchors), missingNote(runs.length, detailed.length), ...detailed].filter(
    part => part !== undefined,
  )
}

/** Runs by themselves, folded, as many of the first as there is room for. */
function detailsOf(runs: readonly ReportedRun[], bytes: number, progress?: (what: string) => void): readonly Section[] {
  const detailed: Section[] = []
  let left = bytes
  for (const [i, run] of runs.entries()) {
    const [id, title] = [`run-${i + 1}`, titleOf(run)]
    progress?.(title)
    const inner = runSections(run, `${id}-`, left / (runs.length - i))
    const parts = inner.map(part => part.html)
    const whole = html`<details class="run" id="${id}"><summary>${title}</summary>${parts}</details>`
    left -= Buffer.byteLength(whole.text)
    if (left < 0) break
    detailed.push({ id, title, html: whole })
  }
  return detailed
}

function missingNote(runs: number, shown: number): Section | undefined {
  if (shown === runs) return undefined
  const note = html`<p class="note" id="left-out">${runs - shown} of ${runs} runs are not shown by themselves, so that the page stays small; report one with <code>lgm report FOLDER</code>.</p>`
  return { id: 'left-out', title: '', html: note }
}

function comparedTitle(runs: readonly ReportedRun[]): string {
  const groups = groupRuns(runs)
  return groups.length === 1
    ? `${groups[0]!.name}, ${runs.length} seeds`
    : `${groups.length} recipes, ${runs.length} runs`
}

/** The name of a run and its seed. */
export function titleOf({ report, recipe }: ReportedRun): string {
  const name = typeof recipe.name === 'string' ? recipe.name : (report.name ?? 'run')
  return `${name}, seed ${report.seed}`
}

function chipsOf(run: ReportedRun): readonly string[] {
  const { scenario, tasks, engine, totalSeconds } = run.report
  const [readout] = readoutsOf(run)
  return [
    `${scenario}-incremental`,
    `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}`,
    ...(readout === undefined ? [] : [`read-out ${readout}`]),
    `${engine.name} (${engine.version})`,
    duration(totalSeconds),
  ]
}
