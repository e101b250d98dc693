import type { Drawing, Part } from '../draw.js'
import { standIn } from '../palette.js'
import { type Axis, grid, names, numbers } from './axes.js'

/** Bars of one colour, one by category; `null` where there is none. */
export interface Bars {
  readonly name: string
  readonly colour: string
  readonly values: readonly (number | null)[]
  /** A colour for each bar, in the place of the common one. */
  readonly colours?: readonly string[]
  /** Half the width of the interval of each bar. */
  readonly intervals?: readonly (number | null)[]
  /** What stands at the end of each bar. */
  readonly labels?: readonly string[]
}

/** Bars over categories, several of them one upon the other. */
export interface BarChart {
  readonly categories: readonly string[]
  readonly category: string
  readonly value: Axis
  readonly bars: readonly Bars[]
  /** Whether bars lie, for long names of categories. */
  readonly lying?: boolean
}

/** Bars, stacked where there are several. */
export function barDrawing({ categories, category, value, bars, lying = false }: BarChart): Drawing {
  return ({ width }) => {
    const [along, across] = lying ? (['y', 'x'] as const) : (['x', 'y'] as const)
    const cut = lying ? Math.floor(width / 18) : 14
    const ofNames = names(categories, category, along, cut)
    const ofNumbers = numbers(value, across)
    const split = { splitLine: { show: true, lineStyle: { color: standIn('line') } } }
    return {
      grid: lying && bars.some(({ labels }) => labels) ? { ...grid, right: 56 } : grid,
      [`${along}Axis`]: ofNames,
      [`${across}Axis`]: { ...ofNumbers, ...split, ...(lying && { axisLine: { show: false } }) },
      series: bars.flatMap(one => [barSeries(one, bars.length > 1, lying), ...intervalSeries(one, lying, value)]),
    }
  }
}

function barSeries({ name, colour, colours, values, labels, intervals }: Bars, stacked: boolean, lying: boolean): Part {
  const outside = labels && !intervals
  return {
    type: 'bar',
    name,
    ...(stacked && { stack: 'all' }),
    barMaxWidth: lying ? 22 : 46,
    barCategoryGap: '28%',
    itemStyle: { color: colour, borderRadius: stacked ? 0 : lying ? [0, 3, 3, 0] : [3, 3, 0, 0] },
    data: values.map((value, i) => ({ value: value ?? '-', ...(colours && { itemStyle: { color: colours[i] } }) })),
    ...(outside && { label: endLabel(labels, lying) }),
  }
}

function endLabel(labels: readonly string[], lying: boolean): Part {
  return {
    show: true,
    position: lying ? 'right' : 'top',
    color: standIn('ink'),
    fontSize: 12,
    formatter: ({ dataIndex }: { dataIndex: number }) => labels[dataIndex] ?? '',
  }
}

interface Coordinates {
  coord(place: readonly [number, number]): [number, number]
}

/** A line from the mean less its interval to the mean and its interval, with arrows where it goes on beyond the axis, and what stands beside it. */
function intervalSeries({ values, intervals, labels }: Bars, lying: boolean, value: Axis): Part[] {
  if (!intervals) return []
  const { min: least = Number.NEGATIVE_INFINITY, max: greatest = Number.POSITIVE_INFINITY } = value
  const ends = values.flatMap((value, i) => {
    const half = intervals[i] ?? 0
    if (value === null) return []
    const [from, to] = [Math.max(least, value - half), Math.min(greatest, value + half)]
    return [{ at: i, low: from, high: to, cut: [from > value - half, to < value + half] as const }]
  })
  const place = (at: number, value: number) => (lying ? ([value, at] as const) : ([at, value] as const))
  const style = { stroke: standIn('ink'), lineWidth: 1.5, fill: 'none' }
  return [
    {
      type: 'custom',
      silent: true,
      z: 5,
      data: ends.map(({ at, high }) => place(at, high)),
      renderItem: ({ dataIndex }: { dataIndex: number }, api: Coordinates) => {
        const { at, low, high, cut } = ends[dataIndex]!
        const [[x1, y1], [x2, y2]] = [api.coord(place(at, low)), api.coord(place(at, high))]
        const [first, last] = [endOf(cut[0], -1, lying), endOf(cut[1], 1, lying)]
        const pathData = `M${x1} ${y1}L${x2} ${y2}${first(x1, y1)}${last(x2, y2)}`
        const whisker = { type: 'path', shape: { pathData }, style }
        const text = labels?.[at] ?? ''
        const label = {
          type: 'text',
          style: {
            text,
            x: x2 + 6,
            y: y2,
            verticalAlign: 'middle',
            fill: standIn('ink'),
            fontSize: 12,
            fontFamily: 'x',
          },
        }
        return { type: 'group', children: [...(high > low ? [whisker] : []), ...(lying && text ? [label] : [])] }
      },
    },
  ]
}

/** The end of an interval: a cap, or an arrow where it goes on beyond the axis; `to` is 1 at its greatest value and −1 at its least. */
function endOf(goesOn: boolean, to: 1 | -1, lying: boolean): (x: number, y: number) => string {
  const back = goesOn ? 5 * to : 0
  if (lying) return (x, y) => `M${x - back} ${y - 4}L${x} ${y}L${x - back} ${y + 4}`
  return (x, y) => `M${x - 4} ${y + back}L${x} ${y}L${x + 4} ${y + back}`
}
