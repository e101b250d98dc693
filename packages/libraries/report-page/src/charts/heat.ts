import type { Drawing, Part } from '../draw.js'
import { evenly } from '../measurements.js'
import { heatColour, heatLevel, heatText } from '../palette.js'
import { grid, names } from './axes.js'

/** Cells of a matrix, 0 to 1, darker the more; `null` where there is none. */
export interface HeatMap {
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly row: string
  readonly column: string
  readonly values: readonly (readonly (number | null)[])[]
  /** What stands in a cell, if it has room. */
  readonly text: (value: number) => string
}

interface Frame {
  readonly coordSys: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
}

/** Of more rows or columns than this some are drawn, evenly: cells would be smaller than dots. */
export const mostCells = 120

/** All cells of a level are one path, so that a hundred tasks take as little as ten. */
export function heatDrawing(map: HeatMap): Drawing {
  const [down, along] = [evenly(map.rows.length, mostCells), evenly(map.columns.length, mostCells)]
  const { row, column, text } = map
  const [rows, columns] = [down.map(i => map.rows[i]!), along.map(j => map.columns[j]!)]
  const values = down.map(i => along.map(j => map.values[i]?.[j] ?? null))
  return ({ width }) => ({
    grid: { ...grid, top: 6, right: 6 },
    xAxis: {
      ...names(columns, column, 'x', Math.max(5, Math.floor(width / 7 / columns.length))),
      axisLine: { show: false },
    },
    yAxis: { ...names(rows, row, 'y', 12), axisLine: { show: false } },
    series: [
      {
        type: 'custom',
        silent: true,
        data: [[0, 0]],
        renderItem: ({ coordSys }: Frame) => ({
          type: 'group',
          children: [
            ...cells(values, coordSys, rows.length, columns.length),
            ...texts(values, coordSys, rows.length, columns.length, text),
          ],
        }),
      },
    ],
  })
}

type Box = Frame['coordSys']

const rounded = (value: number) => Math.round(10 * value) / 10

function cells(values: HeatMap['values'], box: Box, rows: number, columns: number): Part[] {
  const [w, h] = [box.width / columns, box.height / rows]
  const gap = Math.min(w, h) > 12 ? 2 : 0
  const paths = new Map<number, string[]>()
  for (const [i, line] of values.entries())
    for (const [level, from, to] of runsOf(line)) {
      const [x, y] = [rounded(box.x + from * w + gap / 2), rounded(box.y + i * h + gap / 2)]
      for (const [left, count] of gap > 0 ? separate(from, to) : [[from, to - from] as const]) {
        const path = `M${rounded(x + (left - from) * w)} ${y}h${rounded(count * w - gap)}v${rounded(h - gap)}h${rounded(gap - count * w)}z`
        paths.set(level, [...(paths.get(level) ?? []), path])
      }
    }
  return [...paths].map(([level, parts]) => ({
    type: 'path',
    shape: { pathData: parts.join('') },
    // cells that touch would have seams where they end between two dots
    style: { fill: heatColour(level), ...(gap === 0 && { stroke: heatColour(level), lineWidth: 0.5 }) },
  }))
}

function separate(from: number, to: number): readonly (readonly [number, number])[] {
  return Array.from({ length: to - from }, (_, k) => [from + k, 1] as const)
}

/** Neighbours of one level: the level, and columns from and to. */
function runsOf(line: readonly (number | null)[]): [number, number, number][] {
  const runs: [number, number, number][] = []
  for (const [j, value] of line.entries()) {
    if (value === null || Number.isNaN(value)) continue
    const [level, last] = [heatLevel(value), runs.at(-1)]
    if (last && last[0] === level && last[2] === j) last[2] = j + 1
    else runs.push([level, j, j + 1])
  }
  return runs
}

function texts(values: HeatMap['values'], box: Box, rows: number, columns: number, text: HeatMap['text']): Part[] {
  const [w, h] = [box.width / columns, box.height / rows]
  if (w < 26 || h < 15) return []
  return values.flatMap((line, i) =>
    line.flatMap((value, j) =>
      value === null || Number.isNaN(value)
        ? []
        : [
            {
              type: 'text',
              style: {
                text: text(value),
                x: rounded(box.x + (j + 0.5) * w),
                y: rounded(box.y + (i + 0.5) * h),
                align: 'center',
                verticalAlign: 'middle',
                fill: heatText(heatLevel(value)),
                fontSize: w < 34 ? 10 : 12,
                fontFamily: 'x',
              },
            },
          ],
    ),
  )
}

/** The colours of the levels as they stand in a legend. */
export const heatLegend = [0, 5, 10, 15, 20].map(level => ({ level, colour: `--h${level}` }))
