import type { Report } from '@lgm/core'

/** Accuracies by task learned (rows) and task tested (columns), 0 to 1; `null` where a task could not be asked. */
export interface AccuracyMatrix {
  readonly readout: string
  readonly rows: readonly (readonly (number | null)[])[]
}

/** The accuracy matrix of every read-out of a run that the evaluator `accuracy` measured, `first` before the others. */
export function accuracyMatrices(report: Report, first: string): readonly AccuracyMatrix[] {
  const prefix = 'accuracy/'
  const names = (report.rows[0] ?? [])
    .filter(({ name, axis }) => name.startsWith(prefix) && axis === 'task')
    .map(({ name }) => name)
  const matrices = names.map(name => ({
    readout: name.slice(prefix.length),
    rows: report.rows.map(row => {
      const value = row.find(measurement => measurement.name === name)?.value ?? []
      return typeof value === 'number' ? [value] : value
    }),
  }))
  return matrices.sort((a, b) => Number(b.readout === first) - Number(a.readout === first))
}

const gap = 28
const left = 132
const top = 84

/**
 * A picture of accuracy matrices, a panel for each: a cell for every pair of a learned and a tested task, darker or lighter by
 * accuracy and with its percentage, the cells smaller where there are more than ten tasks. It is readable on light and on dark pages.
 */
export function accuracySvg(title: string, tasks: readonly string[], matrices: readonly AccuracyMatrix[]): string {
  const side = tasks.length > 10 ? 36 : 56
  const panel = tasks.length * side
  const width = Math.max(left + matrices.length * panel + Math.max(0, matrices.length - 1) * gap + 16, 360)
  const height = top + tasks.length * side + 40
  const panels = matrices.map((matrix, index) => drawPanel(matrix, tasks, side, left + index * (panel + gap)))
  const learned = tasks.map(
    (task, row) =>
      `<text class="label end" x="${left - 10}" y="${top + row * side + side / 2 + 4}">${escaped(cut(task, 12))}</text>`,
  )
  const axis = `translate(18 ${top + (tasks.length * side) / 2}) rotate(-90)`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}: accuracy by task learned and task tested</title>
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
  .title { font-size: 16px; font-weight: 600; text-anchor: start }
  .end { text-anchor: end }
  .axis { fill: #59636e }
  .none { fill: none; stroke: #59636e; stroke-opacity: 0.3 }
  .on-dark { fill: #ffffff }
  .on-light { fill: #1f2328 }
  @media (prefers-color-scheme: dark) { text { fill: #f0f6fc } .axis { fill: #9198a1 } .on-dark { fill: #ffffff } .on-light { fill: #1f2328 } }
</style>
<text class="title" x="16" y="28">${escaped(title)}</text>
<text class="axis" transform="${axis}">after learning task</text>
${[...learned, ...panels].join('\n')}
</svg>
`
}

function drawPanel({ readout, rows }: AccuracyMatrix, tasks: readonly string[], side: number, x: number): string {
  const middle = x + (tasks.length * side) / 2
  const head = [
    `<text x="${middle}" y="${top - 34}">${escaped(readout)}</text>`,
    `<text class="axis" x="${middle}" y="${top + tasks.length * side + 24}">accuracy on task, %</text>`,
    ...tasks.map(
      (task, column) =>
        `<text class="label" x="${x + column * side + side / 2}" y="${top - 10}">${escaped(cut(task, side / 8))}</text>`,
    ),
  ]
  const cells = rows.flatMap((row, i) =>
    tasks.map((_, j) => drawCell(row[j] ?? null, side, x + j * side, top + i * side)),
  )
  return [...head, ...cells].join('\n')
}

function drawCell(value: number | null, side: number, x: number, y: number): string {
  const box = `x="${x + 1}" y="${y + 1}" width="${side - 2}" height="${side - 2}" rx="4"`
  if (value === null) return `<rect class="none" ${box}/>`
  const text = value >= 0.9995 ? '100' : (100 * value).toFixed(1)
  return `<rect ${box} fill="${shade(value)}"/><text class="${value > 0.65 ? 'on-dark' : 'on-light'}" x="${x + side / 2}" y="${y + side / 2 + 5}">${text}</text>`
}

/** From pale (0) to deep blue (1), the same on light and dark pages. */
function shade(value: number): string {
  const [from, to] = [
    [221, 232, 245],
    [8, 69, 148],
  ] as const
  const part = Math.min(1, Math.max(0, value))
  return `rgb(${from.map((channel, k) => Math.round(channel + (to[k]! - channel) * part)).join(' ')})`
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
