import type { Drawing, Part, Size } from '../draw.js'
import { standIn } from '../palette.js'
import { type Point, thinned } from '../sketch.js'
import { type Axis, grid, numbers } from './axes.js'

/** A line with, if it is a mean, a band around it. */
export interface Line {
  readonly name: string
  readonly colour: string
  readonly points: readonly Point[]
  readonly width?: number
  readonly dash?: boolean
  readonly faint?: boolean
  /** Low and high by x. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[]
}

/** Lines over an axis of numbers. */
export interface LineChart {
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
  /** Places on x where something begins. */
  readonly marks?: readonly number[]
}

/** Beyond these numbers of places symbols would be a smear. */
const fewPlaces = 30

/** Lines, later ones above earlier ones. */
export function lineDrawing({ x, y, lines, marks = [] }: LineChart): Drawing {
  return size => ({
    grid,
    xAxis: numbers(x, 'x'),
    yAxis: numbers(y, 'y'),
    series: [
      ...lines.filter(({ band }) => band).map(bandSeries),
      ...lines.map(lineSeries(size)),
      ...(marks.length > 0 ? [markSeries(marks)] : []),
    ],
  })
}

function lineSeries({ width: across }: Size) {
  return ({ name, colour, points, width = 2, dash = false, faint = false }: Line): Part => ({
    type: 'line',
    name,
    data: thinned(points, across < 450 ? 400 : 1000),
    showSymbol: points.length <= fewPlaces,
    symbol: 'circle',
    symbolSize: width > 2 ? 7 : 5,
    clip: false,
    itemStyle: { color: colour, opacity: faint ? 0.6 : 1 },
    lineStyle: { color: colour, width, type: dash ? 'dashed' : 'solid', opacity: faint ? 0.6 : 1 },
  })
}

interface Coordinates {
  coord(place: readonly [number, number]): [number, number]
}

function bandSeries({ colour, band = [] }: Line): Part {
  const around = [...band.map(([x, , high]) => [x, high]), ...[...band].reverse().map(([x, low]) => [x, low])]
  return {
    type: 'custom',
    silent: true,
    clip: true,
    // all of it is one shape; its corners are the data, so that the axes make room for them
    encode: { x: 0, y: [1] },
    data: around,
    renderItem: ({ dataIndex }: { dataIndex: number }, api: Coordinates) =>
      dataIndex > 0
        ? undefined
        : {
            type: 'polygon',
            shape: { points: around.map(([x, y]) => api.coord([x!, y!])) },
            style: { fill: colour, opacity: 0.16 },
          },
  }
}

function markSeries(marks: readonly number[]): Part {
  return {
    type: 'line',
    data: [],
    markLine: {
      silent: true,
      symbol: 'none',
      animation: false,
      label: { show: false },
      lineStyle: { color: standIn('axis'), type: 'dotted', width: 1 },
      data: marks.map(xAxis => ({ xAxis })),
    },
  }
}
