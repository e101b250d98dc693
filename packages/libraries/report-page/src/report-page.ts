import { groupRuns } from '@lgm/runs'
import { type Html, html, trusted } from './html.js'
import { readoutsOf } from './measurements.js'
import { duration } from './numbers.js'
import { policy, script } from './script.js'
import type { ReportedRun, RunSection, Section } from './section.js'
import { accuracy } from './sections/accuracy.js'
import { allFigures } from './sections/all-figures.js'
import { calibration } from './sections/calibration.js'
import { comparison, runList } from './sections/comparison.js'
import { drift } from './sections/drift.js'
import { forgetting } from './sections/forgetting.js'
import { memory } from './sections/memory.js'
import { overview } from './sections/overview.js'
import { samples } from './sections/samples.js'
import { setup } from './sections/setup.js'
import { time } from './sections/time.js'
import { training } from './sections/training.js'
import { style } from './style.js'

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
export function reportPage(runs: readonly ReportedRun[]): string {
  const [first] = runs
  if (!first) throw new RangeError('reportPage: expected runs, got none')
  return runs.length === 1
    ? pageHtml(titleOf(first), chipsOf(first), runSections(first))
    : pageHtml(comparedTitle(runs), [], comparedSections(runs))
}

/** The parts of the page of several runs, in order. */
export function comparedSections(runs: readonly ReportedRun[]): readonly Section[] {
  const compared = comparison(runs)
  const detailed: Section[] = []
  const anchors = new Map<ReportedRun, string>()
  let left = mostBytes - sizeOf([compared]) - 2 * reserve - 400 * runs.length
  for (const run of runs.length > mostDetailed ? [] : runs) {
    const id = `run-${detailed.length + 1}`
    const inner = runSections(run, `${id}-`, left / (runs.length - detailed.length))
    const title = titleOf(run)
    const part = {
      id,
      title,
      html: html`<details class="run" id="${id}"><summary>${title}</summary>${inner.map(({ html }) => html)}</details>`,
    }
    if (sizeOf([part]) > left) break
    left -= sizeOf([part])
    anchors.set(run, id)
    detailed.push(part)
  }
  const missing = runs.length - detailed.length
  const note: Section | undefined =
    missing > 0
      ? {
          id: 'left-out',
          title: '',
          html: html`<p class="note" id="left-out">${missing} of ${runs.length} runs are not shown by themselves, so that the page stays small; report one with <code>lgm report FOLDER</code>.</p>`,
        }
      : undefined
  return [compared, runList(runs, anchors), note, ...detailed].filter(part => part !== undefined)
}

function comparedTitle(runs: readonly ReportedRun[]): string {
  const groups = groupRuns(runs)
  return groups.length === 1
    ? `${groups[0]!.name}, ${runs.length} seeds`
    : `${groups.length} recipes, ${runs.length} runs`
}

function titleOf({ report, recipe }: ReportedRun): string {
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

/** The page around its sections. */
export function pageHtml(title: string, chips: readonly string[], sections: readonly Section[]): string {
  const page: Html = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${trusted(policy)}"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="generator" content="LGM"><title>${title} · LGM report</title><link rel="icon" href="data:,"><style>${trusted(style)}</style></head>
<body><a class="skip" href="#content">To the content</a><header><h1>${title}</h1>${
    chips.length > 0 && html`<ul class="chips">${chips.map(chip => html`<li>${chip}`)}</ul>`
  }</header>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => title !== '' && html`<li><a href="#${id}">${title}</a>`)}</ul></nav>
<main id="content">
${sections.map(({ html }) => [html, trusted('\n')])}</main>
<footer>Made by <code>lgm report</code>. Everything is in this file; it asks nothing of the network.</footer>
<script>${trusted(script)}</script></body></html>
`
  return page.text
}
