import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, MarkLineComponent } from 'echarts/components'
import { type EChartsCoreOption, init, setPlatformAPI, use } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { SVGRenderer } from 'echarts/renderers'
import { type Html, trusted } from './html.js'
import { standIn, themed } from './palette.js'

use([BarChart, CustomChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, LabelLayout, SVGRenderer])

/** Widths of characters in parts of the size of the letters, those of wide fonts: what is laid out by them fits in others too. */
const widths: readonly (readonly [characters: RegExp, width: number])[] = [
  [/[iljtfIr.,:;'|!()[\]{} \-−/]/, 0.38],
  [/[mwMW@%—…]/, 0.98],
  [/[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uff60]/, 1],
  [/[A-Z]/, 0.7],
]

setPlatformAPI({
  measureText: (text, font = '12px x') => {
    const size = Number.parseFloat(/([\d.]+)px/.exec(font)?.[1] ?? '12')
    const width = [...text].reduce(
      (sum, character) => sum + (widths.find(([characters]) => characters.test(character))?.[1] ?? 0.63),
      0,
    )
    return { width: width * size }
  },
})

/** Pixels of a drawing, which is scaled to the page. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** A drawing of a given size, wide for desks and paper, narrow for phones. */
export type Drawing = (size: Size) => EChartsCoreOption

/** A series, an axis or another part of a chart, as ECharts takes it. */
export type Part = Readonly<Record<string, unknown>>

/**
 * A chart as SVG whose colours are those of the page.
 * @param id of no other drawing on the page
 * @param label what one sees, for those who do not
 */
export function draw(drawing: Drawing, size: Size, id: string, label: string, className: string): Html {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  let text: string
  try {
    chart.setOption({
      animation: false,
      backgroundColor: 'transparent',
      color: [standIn('axis')],
      textStyle: { color: standIn('soft'), fontFamily: 'x' },
      ...drawing(size),
    })
    text = chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
  const body = themed(still(text, id)).replace(/^<svg[^>]*>/, '')
  const { width, height } = size
  return trusted(
    `<svg class="${className}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${attribute(label)}">${body.trim()}`,
  )
}

/** Without what is for mice, and what the page's style says; with names of its own, since several drawings share a page. */
function still(text: string, id: string): string {
  return text
    .replace(/<style[\s\S]*?<\/style>\n?/g, '')
    .replace(/ (?:class|pointer-events|ecmeta_\w+|xmlns(?::\w+)?|xml:space)="[^"]*"/g, '')
    .replace(/font-size:12px;/g, '')
    .replace(/font-family:x;/g, '')
    .replace(/ style=""/g, '')
    .replace(/<rect[^>]*fill="(?:none|transparent)"[^>]*><\/rect>\n?/g, '')
    .replace(/\bzr\d+-/g, `${id}-`)
    .replace(/><\/path>/g, '/>')
    .replace(/>\n</g, '><')
}

function attribute(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
