import type { Report } from '@lgm/core'
import { lineDrawing } from '../charts/lines.js'
import { figureHtml } from '../figure.js'
import { type Html, html, trusted } from '../html.js'
import { afterTasks, matrixOf, meanOf, numbersOf, rowNames, taskTitle } from '../measurements.js'
import { plain } from '../numbers.js'
import { seriesColour } from '../palette.js'
import { fitting, type Picture } from '../pictures.js'
import { figures, type ReportedRun, type Section, section } from '../section.js'
import { idOf } from './accuracy.js'
import { placesOf } from './tasks-chart.js'

/**
 * Pictures by task, and how good samples are.
 * @param bytes what the pictures may take of the page; what does not fit is left out, evenly, and said
 */
export function samples({ report, pictures = [] }: ReportedRun, prefix: string, bytes: number): Section | undefined {
  const names = [...new Set(pictures.map(({ name }) => name))]
  return section(
    `${prefix}samples`,
    'Samples',
    names.map(name => {
      const all = pictures.filter(picture => picture.name === name)
      return gallery(report, name, all, fitting(all, bytes / names.length), prefix)
    }),
    figures(...qualityFigures(report, prefix)),
  )
}

function gallery(
  report: Report,
  name: string,
  all: readonly Picture[],
  shown: readonly Picture[],
  prefix: string,
): Html {
  const id = `${prefix}pictures-${idOf(name)}`
  const missing = all.length - shown.length
  const note =
    missing > 0 &&
    html`<p class="note">${missing} of ${all.length} pictures are left out, so that the page stays small; all are in the folder <code>pictures</code> of the run.</p>`
  if (shown.length === 0) return html`<div class="gallery" id="${id}"><h3>${name}, by task</h3>${note}</div>`
  const titles = shown.map(({ task }) => `after task ${taskTitle(report, task)}`)
  return html`<div class="gallery" id="${id}"><h3>${name}, by task</h3><p>A picture after each task<span class="hint">; move the slider, or use the arrow keys on it</span>.</p>${note}<p class="slider"><label for="${id}-at">Task</label><input type="range" id="${id}-at" min="0" max="${
    shown.length - 1
  }" value="${shown.length - 1}" step="1" aria-valuetext="${titles.at(-1)}"><output for="${id}-at">${titles.at(-1)}</output></p><div class="pictures">${shown.map(
    (picture, i) => pictureHtml(picture, titles[i]!, `${name}, ${titles[i]}`),
  )}</div></div>`
}

function pictureHtml({ png, width, height }: Picture, title: string, label: string): Html {
  const data = trusted(Buffer.from(png).toString('base64'))
  return html`<figure><img src="data:image/png;base64,${data}" width="${width}" height="${height}" alt="${label}"><figcaption>${title}</figcaption></figure>`
}

const measures: readonly (readonly [ending: RegExp, title: string, about: string])[] = [
  [
    /-precision$/,
    'Precision of samples',
    'Share of samples that lie within the manifold of test examples of their class.',
  ],
  [/-recall$/, 'Recall of samples', 'Share of test examples that lie within the manifold of samples of their class.'],
  [/-cas$/, 'Classification accuracy score', 'Accuracy on test examples of a classifier trained on samples alone.'],
  [
    /-memorization-ratio$/,
    'Memorization ratio',
    'Distance of samples to the nearest training example, over that of test examples: 0 for copies.',
  ],
  [/-frechet-[a-z]+\d+$/, 'Fréchet distance', 'Of Gaussians fitted to test examples and samples; less is better.'],
  [
    /^label-consistency$/,
    'Label consistency',
    'Share of decoded samples that a classifier of real data puts into their class.',
  ],
]

/** A chart for each measure of samples, with a line for each space in which it was measured: means over classes. */
function qualityFigures(report: Report, prefix: string): (Html | undefined)[] {
  const names = rowNames(report)
  return measures.map(([ending, title, about]) => {
    const there = names.filter(name => ending.test(name))
    if (there.length === 0) return undefined
    const series = there.map(name => matrixOf(report, name)?.map(row => meanOf(row)) ?? numbersOf(report, name))
    const unit = afterTasks(report, there[0]!).find(figure => figure)?.unit ?? ''
    return figureHtml({
      id: `${prefix}quality-${idOf(title)}`,
      title,
      about: `${about} Mean over classes.`,
      legend: there.map((name, i) => ({ name, colour: `--s${i}` })),
      drawing: lineDrawing({
        x: { name: 'tasks learned', kind: 'whole', min: 1, max: Math.max(2, report.rows.length) },
        y: { name: unit, ...(unit === 'fraction' && { min: 0, max: 1 }) },
        lines: there.map((name, i) => ({ name, colour: seriesColour(i), points: placesOf(series[i]!) })),
      }),
      table: {
        caption: `${title} (${unit}), mean over classes`,
        head: ['after task', ...there],
        rows: report.rows.map((_, t) => [taskTitle(report, t), ...series.map(values => plain(values[t]))]),
      },
    })
  })
}
