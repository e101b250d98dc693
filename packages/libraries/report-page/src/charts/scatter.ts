import type { Drawing, Part } from '../draw.js'
import { standIn } from '../palette.js'
import { type Axis, grid, numbers } from './axes.js'

/** Something at a place, with its number beside it. */
export interface Spot {
  readonly x: number
  readonly y: number
  readonly colour: string
  readonly symbol: string
  readonly label: string
}

/** Spots, and a stepped line along some of them. */
export interface ScatterChart {
  readonly x: Axis
  readonly y: Axis
  readonly spots: readonly Spot[]
  readonly front: readonly (readonly [x: number, y: number])[]
}

/** Symbols that are told apart without colours. */
export const symbols = ['circle', 'rect', 'triangle', 'diamond'] as const

/** Spots with their labels where these do not cover each other. */
export function scatterDrawing({ x, y, spots, front }: ScatterChart): Drawing {
  return () => ({
    grid: { ...grid, top: 22, right: 26 },
    xAxis: { ...numbers(x, 'x'), splitLine: { show: true, lineStyle: { color: standIn('line') } } },
    yAxis: numbers(y, 'y'),
    series: [frontSeries(front), spotSeries(spots)],
  })
}

function frontSeries(front: ScatterChart['front']): Part {
  return {
    type: 'line',
    step: 'end',
    data: front,
    showSymbol: false,
    lineStyle: { color: standIn('axis'), width: 1.5, type: 'dashed' },
  }
}

function spotSeries(spots: readonly Spot[]): Part {
  return {
    type: 'scatter',
    clip: false,
    symbolSize: 11,
    data: spots.map(({ x, y, colour, symbol }) => ({
      value: [x, y],
      symbol,
      itemStyle: { color: colour, opacity: 0.9, borderColor: standIn('card'), borderWidth: 1 },
    })),
    label: {
      show: true,
      position: 'right',
      distance: 5,
      color: standIn('ink'),
      fontSize: 11,
      formatter: ({ dataIndex }: { dataIndex: number }) => spots[dataIndex]!.label,
    },
    labelLayout: { moveOverlap: 'shiftY', hideOverlap: true },
    labelLine: { show: true, length2: 6, lineStyle: { color: standIn('axis') } },
  }
}
