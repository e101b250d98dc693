import { barDrawing } from '../charts/bars.js'
import { figureHtml } from '../figure.js'
import { forgettingByTask, matrixOf, readoutsOf, taskTitle } from '../measurements.js'
import { percent } from '../numbers.js'
import { orderColour } from '../palette.js'
import { figures, type RunSection, section } from '../section.js'

/** What was lost of each task by the end. */
export const forgetting: RunSection = (run, prefix) => {
  const { report } = run
  const [readout = ''] = readoutsOf(run)
  const matrix = matrixOf(report, `accuracy/${readout}`)
  if (!matrix || matrix.length < 2) return undefined
  const lost = forgettingByTask(matrix)
  const titles = lost.map((_, task) => taskTitle(report, task))
  const count = matrix.length
  const few = count <= 12
  const figure = figureHtml({
    id: `${prefix}lost`,
    title: `Forgetting by task, read-out ${readout}`,
    about:
      'The best accuracy that a task had before the last one was learned, less its final accuracy, in percentage points. Below zero, later tasks helped it.',
    drawing: barDrawing({
      categories: few ? titles : titles.map((_, task) => String(task + 1)),
      category: 'task',
      value: {
        name: 'forgetting (percentage points)',
        min: Math.min(0, ...lost.map(value => value ?? 0)),
        format: value => percent(value, 0),
      },
      bars: [
        {
          name: 'forgetting',
          colour: orderColour(0, 1),
          colours: lost.map((_, task) => orderColour(task, count)),
          values: lost,
          ...(few && { labels: lost.map(value => percent(value)) }),
        },
      ],
    }),
    table: {
      caption: 'Forgetting by task: accuracies in percent, forgetting in percentage points',
      head: ['task', 'best before the last task', 'final', 'forgetting'],
      rows: lost.map((value, task) => {
        const final = matrix.at(-1)![task] ?? null
        return [
          titles[task],
          percent(value === null || final === null ? null : value + final, 2),
          percent(final, 2),
          percent(value, 2),
        ]
      }),
    },
  })
  return section(`${prefix}forgetting`, 'Forgetting', figures(figure))
}
