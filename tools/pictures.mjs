// The two pictures of a study, as SVG.
import { init } from 'echarts'

/** @typedef {[x: number, y: number]} Point */
/** @typedef {{ number: number, title: string, colour: string }} Entry of the legend */
/** @typedef {{ number: number, colour: string, mean: Point, seeds: Point[] }} Spot of a row */
/** @typedef {{ title: string, spots: Spot[], levels: { number: number, y: number }[] }} Panel `levels` have no x */
/** @typedef {{ title: string, points: Point[], failed: number[], chosen: number | undefined }} Curve */

const [ink, pale, font] = ['#333', '#e6e6e6', 'Helvetica, Arial, sans-serif']
/** Colours that the colour-blind can tell apart (Okabe & Ito, with two more). */
export const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#882255', '#808000']

/** `0.01`, `100`, and beyond them `10⁻³`; what is no power of ten as it is. @param {number} value */
export function powerOfTen(value) {
  const exponent = Math.round(Math.log10(value))
  if (Math.abs(exponent) <= 2 || Math.abs(value / 10 ** exponent - 1) > 1e-9) return String(value)
  const digits = [...String(Math.abs(exponent))].map(digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)])
  return `10${exponent < 0 ? '⁻' : ''}${digits.join('')}`
}

/** @param {object} option @param {number} width @param {number} height */
function draw(option, width, height) {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({ animation: false, backgroundColor: '#fff', textStyle: { fontFamily: font, color: ink }, ...option })
  const text = chart.renderToSVGString()
  chart.dispose()
  // Without what is for mice, and without the number of the drawing in this process: the same data give the same bytes.
  const still = text
    .replace(/<style[\s\S]*?<\/style>\n?/g, '')
    .replace(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
  return `${still.replace(/\bzr\d+-/g, 'zr-')}\n`
}

/** The decades that hold some positive values, as exponents. @param {readonly number[]} values @returns {Point} */
function decades(values) {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9)
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9))]
}

/** An axis from a power of ten to another. @param {Point} exponents @param {object} more */
const logarithmic = ([low, high], more) => ({
  type: 'log',
  min: 10 ** low,
  max: 10 ** high,
  nameLocation: 'middle',
  splitLine: { lineStyle: { color: pale } },
  axisLine: { onZero: false, lineStyle: { color: ink } },
  ...more,
})

/** Accuracies from 0 to 100 %. @param {object} more */
const percents = more => ({
  type: 'value',
  min: 0,
  max: 100,
  interval: 20,
  nameLocation: 'middle',
  axisLine: { show: true, lineStyle: { color: ink } },
  splitLine: { lineStyle: { color: pale } },
  ...more,
})

/**
 * A place for the number of each spot: near it, upon no other spot or number.
 * @param {readonly Point[]} spots in pixels
 * @param {{ left: number, top: number, width: number, height: number }} grid
 * @returns {Point[]}
 */
export function places(spots, { left, top, width, height }) {
  /** @type {Point[]} */
  const taken = []
  const rings = [15, 21, 28, 36, 45, 55, 66, 78, 91, 105]
  for (const [x, y] of spots) {
    const near = rings.flatMap(r =>
      Array.from({ length: 16 }, (_, i) => ((i + 0.5) * Math.PI) / 8).map(
        angle => /** @type {Point} */ ([Math.round(x + r * Math.cos(angle)), Math.round(y - r * Math.sin(angle))]),
      ),
    )
    /** @type {(point: Point, others: readonly Point[], across: number, down: number) => boolean} */
    const clear = ([a, b], others, across, down) =>
      others.every(([c, d]) => Math.abs(a - c) > across || Math.abs(b - d) > down)
    /** @type {(point: Point) => boolean} */
    const inside = ([a, b]) => a > left + 10 && a < left + width - 10 && b > top + 9 && b < top + height - 9
    const free = near.find(place => inside(place) && clear(place, taken, 18, 14) && clear(place, spots, 13, 11))
    taken.push(free ?? [Math.round(x), Math.round(y)])
  }
  return taken
}

/**
 * Accuracy in % against drift: a panel a data set, a numbered spot a row with a small dot a seed; rows without drift are levels.
 * @param {readonly Panel[]} panels
 * @param {readonly Entry[]} legend
 * @param {{ x: string, y: string }} axes
 */
export function drawScatter(panels, legend, axes) {
  const drifts = panels.flatMap(({ spots }) => spots.flatMap(({ mean, seeds }) => [mean, ...seeds].map(([x]) => x)))
  const positive = drifts.filter(x => x > 0)
  const [low, high] = decades(positive.length > 0 ? positive : [1])
  // A logarithm knows no zero: it has the left edge, a decade below the least.
  const from = drifts.includes(0) ? low - 1 : low
  /** @param {Point} point @returns {Point} */
  const shifted = ([x, y]) => [x > 0 ? x : 10 ** from, y]
  const [width, top, height] = [1000, 40, 440]
  const each = Math.floor(width / panels.length)
  const grids = panels.map((_, i) => ({ left: i * each + 60, top, width: each - 90, height }))
  const numbers = panels.flatMap(({ spots }, i) => {
    const grid = grids[i] ?? { left: 0, top, width, height }
    const at = spots.map(({ mean }) => {
      const [x, y] = shifted(mean)
      const across = (Math.log10(x) - from) / (high - from)
      return /** @type {Point} */ ([grid.left + grid.width * across, top + height * (1 - y / 100)])
    })
    const found = places(at, grid)
    return spots.flatMap(({ number, colour }, k) => {
      const [[x1, y1], [x2, y2]] = [at[k] ?? [0, 0], found[k] ?? [0, 0]]
      return [
        { type: 'line', z: 1, shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: 0.8 } },
        label(String(number), x2, y2, {
          fill: colour,
          align: 'center',
          stroke: '#fff',
          lineWidth: 3,
          font: `bold 12px ${font}`,
        }),
      ]
    })
  })
  const rows = Math.ceil(legend.length / 2)
  const below = top + height + 80
  const entries = legend.flatMap(({ number, title, colour }, i) => {
    const [x, y] = [40 + 480 * Math.floor(i / rows), below + 19 * (i % rows)]
    return [
      label(String(number), x + 18, y, { fill: colour, align: 'right', font: `bold 12px ${font}` }),
      label(title, x + 26, y, { font: `12px ${font}` }),
    ]
  })
  const option = {
    title: panels.map(({ title }, i) => heading(title, (grids[i]?.left ?? 0) + (grids[i]?.width ?? 0) / 2, 12, 15)),
    grid: grids,
    xAxis: panels.map((_, gridIndex) =>
      logarithmic([from, high], {
        gridIndex,
        name: axes.x,
        nameGap: 30,
        axisLabel: {
          formatter: (/** @type {number} */ x) => (from < low && x <= 10 ** from * 1.01 ? '0' : powerOfTen(x)),
        },
      }),
    ),
    yAxis: panels.map((_, gridIndex) => percents({ gridIndex, name: axes.y, nameGap: 38 })),
    series: panels.flatMap(({ spots, levels }, i) => [
      ...spots.map(({ colour, mean, seeds }) => ({
        type: 'scatter',
        xAxisIndex: i,
        yAxisIndex: i,
        itemStyle: { color: colour, opacity: 1 },
        data: [
          { value: shifted(mean), symbolSize: 9 },
          ...seeds.map(seed => ({ value: shifted(seed), symbolSize: 4.5, itemStyle: { opacity: 0.55 } })),
        ],
      })),
      {
        type: 'scatter',
        xAxisIndex: i,
        yAxisIndex: i,
        data: [],
        markLine: {
          symbol: 'none',
          lineStyle: { color: ink, type: 'dashed' },
          label: { fontWeight: 'bold' },
          data: levels.map(({ number, y }) => ({ yAxis: y, label: { formatter: String(number) } })),
        },
      },
    ]),
    graphic: [...numbers, ...entries],
  }
  return draw(option, width, below + 19 * rows + 10)
}

/** @param {string} text @param {number} x @param {number} y middle @param {object} style */
const label = (text, x, y, style) => ({
  type: 'text',
  z: 9,
  style: { text, x, y, verticalAlign: 'middle', fill: ink, ...style },
})

/** @param {string} text @param {number} x its middle @param {number} top @param {number} fontSize @param {number} [width] */
const heading = (text, x, top, fontSize, width) => ({
  text,
  left: x,
  top,
  textAlign: 'center',
  padding: 0,
  textStyle: { fontSize, color: ink, ...(width && { width, overflow: 'break', lineHeight: fontSize + 3 }) },
})

/**
 * Accuracy in % against strength: a small panel a row, a curve a data set; what was chosen is filled, what diverged is a cross at 0.
 * @param {readonly { title: string, curves: Curve[] }[]} panels
 * @param {{ x: string, y: string, from?: number, columns?: number }} axes `from`: the lowest accuracy shown; `columns`: panels side by side
 */
export function drawSweeps(panels, axes) {
  const across = Math.min(axes.columns ?? 4, panels.length)
  const [width, columns, pitch, top] = [1000, across, across < 3 ? 320 : 205, 45]
  const each = Math.floor((width - 30) / columns)
  const grids = panels.map((_, i) => ({
    left: 60 + each * (i % columns),
    top: top + 34 + pitch * Math.floor(i / columns),
    width: each - 45,
    height: pitch - 75,
  }))
  const names = [...new Set(panels.flatMap(({ curves }) => curves.map(({ title }) => title)))]
  const series = panels.flatMap(({ curves }, i) =>
    curves.flatMap(({ title, points, failed, chosen }) => {
      const color = colours[names.indexOf(title) % colours.length]
      const own = { name: title, xAxisIndex: i, yAxisIndex: i, color, clip: false }
      const open = { color: '#fff', borderColor: color, borderWidth: 1.5 }
      const data = points.map(value => ({
        value,
        symbolSize: value[0] === chosen ? 9 : 5,
        itemStyle: value[0] === chosen ? { color } : open,
      }))
      const cross = { symbol: 'path://M0,0L10,10M10,0L0,10', symbolSize: 7, itemStyle: open }
      return [
        { ...own, type: 'line', symbol: 'circle', data },
        ...(failed.length > 0 ? [{ ...own, ...cross, type: 'scatter', data: failed.map(x => [x, 0]) }] : []),
      ]
    }),
  )
  const option = {
    legend: { data: names, top: 10, itemGap: names.length > 6 ? 10 : 30, textStyle: { color: ink } },
    title: panels.map(({ title }, i) => {
      const { left, top: y, width: across } = grids[i] ?? { left: 0, top: 0, width: 0 }
      return heading(title, left + across / 2, y - 32, 11, each - 40)
    }),
    grid: grids,
    xAxis: panels.map(({ curves }, gridIndex) =>
      logarithmic(decades(curves.flatMap(({ points, failed }) => [...points.map(([x]) => x), ...failed])), {
        gridIndex,
        name: axes.x,
        nameGap: 22,
        axisLabel: { formatter: powerOfTen, fontSize: 10 },
      }),
    ),
    yAxis: panels.map((_, gridIndex) =>
      percents({
        gridIndex,
        ...(axes.from !== undefined && { min: axes.from, interval: 10 }),
        axisLabel: { fontSize: 10 },
        ...(gridIndex % columns === 0 && { name: axes.y, nameGap: 32 }),
      }),
    ),
    series,
  }
  return draw(option, width, top + pitch * Math.ceil(panels.length / columns) + 5)
}
