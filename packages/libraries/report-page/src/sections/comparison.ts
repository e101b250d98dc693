import { barDrawing } from '../charts/bars.js'
import { lineDrawing } from '../charts/lines.js'
import { scatterDrawing } from '../charts/scatter.js'
import { figureHtml } from '../figure.js'
import { type Content, type Html, html } from '../html.js'
import { compact, duration, percent } from '../numbers.js'
import { seriesColours } from '../palette.js'
import { paretoFront } from '../pareto.js'
import { figures, type Section, section } from '../section.js'
import { tableHtml } from '../table.js'
import { accuracyAxis } from './accuracy.js'
import { accuracyOverTasks, type ComparedGroup, groupLegend, type Spread } from './groups.js'
import { placesOf } from './tasks-chart.js'

/** More lines than this cannot be told apart, more bars than this fill no page. */
const most = { lines: 16, bands: 6, bars: 40 } as const

/** Groups of runs beside each other: a table, bars of the final accuracy, lines over tasks, accuracy against what is kept. */
export function comparison(groups: readonly ComparedGroup[]): Section | undefined {
  const runs = groups.reduce((sum, { group }) => sum + group.runs.length, 0)
  const best = groups
    .filter(({ accuracy }) => accuracy !== undefined)
    .sort((a, b) => b.accuracy!.mean - a.accuracy!.mean)
  return section(
    'comparison',
    'Comparison',
    html`<p>${runs} runs of ${groups.length} ${groups.length === 1 ? 'recipe' : 'recipes'}. Runs are averaged where their recipes differ in nothing but the seed; intervals are of 95 %, by Student’s t over seeds, and one run has none.</p>`,
    groupTable(groups),
    best.length > 0 && figures(barsFigure(best)),
    best.length > 0 && figures(linesFigure(best), paretoFigure(best)),
  )
}

/** `97.2 ± 0.4`, in percent. */
function spread(value: Spread | undefined): string {
  if (value === undefined) return '–'
  return `${percent(value.mean, 2)}${value.halfWidth === null ? '' : ` ± ${percent(value.halfWidth, 2)}`}`
}

function groupTable(groups: readonly ComparedGroup[]): Html {
  return tableHtml({
    caption: 'Means over seeds with 95 % intervals',
    head: ['recipe', 'read-out', 'runs', 'final accuracy (%)', 'forgetting (points)', 'numbers kept', 'time a run'],
    texts: [1],
    rows: groups.map(({ number, title, variable, readout, group, accuracy, forgetting, kept, seconds }): Content[] => [
      html`<span class="number" style="--of:var(${variable})">${number}</span> ${title}`,
      readout,
      group.runs.length,
      spread(accuracy),
      spread(forgetting),
      kept.toLocaleString('en'),
      duration(seconds),
    ]),
  })
}

function leftOut(shown: readonly unknown[], all: readonly unknown[], what: string): string {
  return shown.length < all.length ? ` The best ${shown.length} of ${all.length} ${what} are drawn.` : ''
}

function barsFigure(best: readonly ComparedGroup[]): Html {
  const shown = best.slice(0, most.bars)
  return figureHtml({
    id: 'final',
    title: 'Final accuracy',
    about: `Mean over tasks after the last one, the best first, with 95 % intervals over seeds. An arrow: the interval goes on beyond 0 or 100 %; the table above has all of it.${leftOut(shown, best, 'recipes')}`,
    height: Math.max(160, 56 + 26 * shown.length),
    drawing: barDrawing({
      categories: shown.map(({ number, title }) => `${number} ${title}`),
      category: '',
      value: { name: 'final accuracy (%)', min: 0, max: 1, format: value => percent(value, 0) },
      lying: true,
      bars: [
        {
          name: 'final accuracy',
          colour: shown[0]!.colour,
          colours: shown.map(({ colour }) => colour),
          values: shown.map(({ accuracy }) => accuracy!.mean),
          intervals: shown.map(({ accuracy }) => accuracy!.halfWidth),
          labels: shown.map(({ accuracy }) => percent(accuracy!.mean)),
        },
      ],
    }),
    table: 'The numbers stand in the table above.',
  })
}

function linesFigure(best: readonly ComparedGroup[]): Html | undefined {
  const shown = best.slice(0, most.lines)
  const curves = shown.map(accuracyOverTasks)
  const banded = shown.length <= most.bands
  const tasks = Math.max(...curves.map(curve => curve.length))
  if (tasks < 2) return undefined
  return figureHtml({
    id: 'over-tasks',
    title: 'Accuracy over tasks',
    about: `Mean accuracy over the tasks learned so far; ${banded ? 'bands are 95 % intervals over seeds' : 'their intervals stand in the table'}.${leftOut(shown, best, 'recipes')}`,
    legend: groupLegend(shown, 'line'),
    height: 400,
    drawing: lineDrawing({
      x: { name: 'tasks learned', kind: 'whole', min: 1, max: tasks },
      y: accuracyAxis(curves.flat().map(at => (at && banded ? around(at)[0] : at?.mean))),
      lines: shown.map(({ title, colour, number }, i) => {
        const band = !banded
          ? []
          : curves[i]!.flatMap((at, t) => (at?.halfWidth ? [[t + 1, ...around(at)] as const] : []))
        return {
          name: title,
          colour,
          points: placesOf(curves[i]!.map(at => at?.mean)),
          dash: number > seriesColours,
          ...(band.length > 1 && { band }),
        }
      }),
    }),
    table: {
      caption: 'Mean accuracy over the tasks learned so far, in percent',
      head: ['recipe', ...Array.from({ length: tasks }, (_, t) => `after task ${t + 1}`)],
      rows: shown.map(({ number, title }, i) => [
        `${number} ${title}`,
        ...Array.from({ length: tasks }, (_, t) => spread(curves[i]![t])),
      ]),
    },
  })
}

/** The band around a mean, within what an accuracy can be. */
function around({ mean, halfWidth }: Spread): readonly [number, number] {
  return [Math.max(0, mean - (halfWidth ?? 0)), Math.min(1, mean + (halfWidth ?? 0))]
}

/** Beyond this ratio of the most to the least kept the axis is logarithmic. */
const wideRange = 20

function paretoFigure(best: readonly ComparedGroup[]): Html | undefined {
  const offers = best
    .filter(({ kept }) => kept > 0)
    .map(group => ({ group, cost: group.kept, worth: group.accuracy!.mean }))
  if (offers.length < 2) return undefined
  const front = paretoFront(offers)
  const costs = offers.map(({ cost }) => cost)
  const kind = Math.max(...costs) / Math.min(...costs) > wideRange ? 'log' : 'value'
  const onFront = new Set(front)
  return figureHtml({
    id: 'pareto',
    title: 'Footprint against accuracy',
    about:
      'What each recipe keeps between tasks, and what it reaches. On the dashed line are those that no other beats in both. Numbers are those of the table above.',
    legend:
      offers.length <= most.lines
        ? groupLegend(
            offers.map(({ group }) => group),
            'symbol',
          )
        : [],
    height: 400,
    drawing: scatterDrawing({
      x: { name: `numbers kept between tasks${kind === 'log' ? ' (logarithmic)' : ''}`, kind, format: compact },
      y: accuracyAxis(
        offers.map(({ worth }) => worth),
        'final accuracy (%)',
      ),
      spots: offers.map(({ group, cost, worth }) => ({
        x: cost,
        y: worth,
        colour: group.colour,
        symbol: group.symbol,
        label: String(group.number),
      })),
      front: front.map(({ cost, worth }) => [cost, worth] as const),
    }),
    table: {
      caption: 'Numbers kept and final accuracy, by numbers kept',
      head: ['recipe', 'numbers kept', 'final accuracy (%)', 'on the line'],
      rows: [...offers]
        .sort((a, b) => a.cost - b.cost)
        .map(offer => [
          `${offer.group.number} ${offer.group.title}`,
          offer.cost.toLocaleString('en'),
          percent(offer.worth, 2),
          onFront.has(offer) ? 'yes' : 'no',
        ]),
    },
  })
}

/** Each run by itself, with where it lies. `anchors` are ids, by folder, of the runs that are on the page by themselves. */
export function runList(groups: readonly ComparedGroup[], anchors: ReadonlyMap<string, string>): Section | undefined {
  const rows = groups.flatMap(({ number, title, readout, group }) =>
    group.runs.map((run): Content[] => {
      const { report, folder } = run
      const value = (name: string) => {
        const found = report.summary.find(figure => figure.name === `${name}/${readout}`)?.value
        return percent(typeof found === 'number' ? found : null, 2)
      }
      const anchor = anchors.get(folder)
      const name = `${number} ${title}, seed ${report.seed}`
      return [
        anchor === undefined ? name : html`<a href="#${anchor}">${name}</a>`,
        value('ACC'),
        value('forgetting'),
        duration(report.totalSeconds),
        folder,
      ]
    }),
  )
  const table = tableHtml({
    caption: 'All runs',
    head: ['run', 'final accuracy (%)', 'forgetting (points)', 'time', 'folder'],
    texts: [4],
    rows,
  })
  return section(
    'runs',
    'Runs',
    rows.length > 12 ? html`<details><summary>${rows.length} runs</summary>${table}</details>` : table,
  )
}
