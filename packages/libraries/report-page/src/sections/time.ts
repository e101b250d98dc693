import { barDrawing } from '../charts/bars.js'
import { figureHtml } from '../figure.js'
import { taskTitle } from '../measurements.js'
import { duration, plain } from '../numbers.js'
import { seriesColour, seriesColours } from '../palette.js'
import { figures, type RunSection, section } from '../section.js'

/** Seconds of each phase on each task. */
export const time: RunSection = ({ report }, prefix) => {
  const phases = [...new Set(report.seconds.flatMap(task => Object.keys(task)))]
  if (phases.length === 0) return undefined
  const total = (phase: string) => report.seconds.reduce((sum, task) => sum + (task[phase] ?? 0), 0)
  const all = phases.reduce((sum, phase) => sum + total(phase), 0)
  const titles = report.seconds.map((_, task) => taskTitle(report, task))
  const drawn = phases.filter(phase => total(phase) > 0.002 * all).slice(0, seriesColours)
  const figure = figureHtml({
    id: `${prefix}seconds`,
    title: 'Seconds by phase',
    about: `What each task took. Phases of less than a five-hundredth of the ${duration(all)} are in the table only.`,
    legend: drawn.map((name, i) => ({ name, colour: `--s${i}`, mark: 'box' })),
    drawing: barDrawing({
      categories: titles.length <= 12 ? titles : titles.map((_, task) => String(task + 1)),
      category: 'task',
      value: { name: 'time (s)', min: 0 },
      bars: drawn.map((name, i) => ({
        name,
        colour: seriesColour(i),
        values: report.seconds.map(task => task[name] ?? 0),
      })),
    }),
    table: {
      caption: 'Time by task and phase, in seconds',
      head: ['task', ...phases],
      rows: [
        ...report.seconds.map((task, t) => [titles[t], ...phases.map(phase => plain(task[phase]))]),
        ['all', ...phases.map(phase => plain(total(phase)))],
      ],
    },
  })
  return section(`${prefix}time`, 'Time', figures(figure))
}
