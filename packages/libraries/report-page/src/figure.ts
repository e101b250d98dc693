import { type Drawing, draw } from './draw.js'
import { type Content, type Html, html, trusted } from './html.js'
import { type Table, tableHtml } from './table.js'

/** An entry of a legend: a name, and its colour as the style sheet knows it. */
export interface Entry {
  readonly name: string
  readonly colour: string
  readonly mark?: 'line' | 'dash' | 'band' | 'box' | 'circle' | 'rect' | 'triangle' | 'diamond'
}

/** A chart with all that belongs to it. */
export interface Figure {
  /** Of no other figure on the page. */
  readonly id: string
  readonly title: string
  /** What is drawn, and how to read it, in a sentence or two. */
  readonly about: Content
  readonly drawing: Drawing
  readonly height?: number
  readonly legend?: readonly Entry[]
  /** The numbers; or where on the page they stand. */
  readonly table: Table | Content
  /** Over the whole width of the page. */
  readonly wide?: boolean
}

/** Widths that charts are drawn at: on desks and paper, and on phones. */
const widths = { desk: 560, wide: 1140, phone: 340 } as const

/** A chart twice, for wide and for narrow pages, with its title, legend and numbers. */
export function figureHtml({ id, title, about, drawing, height = 320, legend, table, wide = false }: Figure): Html {
  const label = `${title}. The numbers follow as a table or are named in the text.`
  const desk = { width: wide ? widths.wide : widths.desk, height }
  const phone = { width: widths.phone, height: Math.round(Math.min(height, Math.max(280, height * 0.85))) }
  return html`<figure id="${id}"${wide && html` class="whole"`}><figcaption><h3>${title}</h3><p>${about}</p>${
    legend && legend.length > 0 && legendHtml(legend)
  }</figcaption>${draw(drawing, desk, `${id}-d`, label, 'desk')}${draw(drawing, phone, `${id}-p`, label, 'phone')}${numbersHtml(table)}</figure>`
}

function numbersHtml(table: Figure['table']): Html | undefined {
  if (typeof table !== 'object' || !('rows' in table)) return html`<p class="where">${table}</p>`
  return html`<details><summary>Numbers</summary>${tableHtml(table)}</details>`
}

/** Names with their colours, above the chart and in lines of their own, so that they never cover it. */
function legendHtml(entries: readonly Entry[]): Html {
  return html`<ul class="legend">${entries.map(
    ({ name, colour, mark = 'line' }) => html`<li>${sample(mark, colour)}${name}`,
  )}</ul>`
}

const shapes: Readonly<Record<NonNullable<Entry['mark']>, string>> = {
  line: '<path d="M0 6h18" fill="none" stroke-width="3"/>',
  dash: '<path d="M0 6h18" fill="none" stroke-width="3" stroke-dasharray="4 3"/>',
  band: '<path d="M0 1h18v10H0z" opacity=".25" stroke="none"/><path d="M0 6h18" fill="none" stroke-width="2"/>',
  box: '<rect x="3" width="12" height="12" rx="2" stroke="none"/>',
  circle: '<circle cx="9" cy="6" r="5" stroke="none"/>',
  rect: '<rect x="4" y="1" width="10" height="10" stroke="none"/>',
  triangle: '<path d="M9 0l6 11H3z" stroke="none"/>',
  diamond: '<path d="M9 0l6 6-6 6-6-6z" stroke="none"/>',
}

/** @param colour a custom property of the style sheet, as `--s0` */
function sample(mark: NonNullable<Entry['mark']>, colour: string): Html {
  return html`<svg viewBox="0 0 18 12" aria-hidden="true" style="fill:var(${colour});stroke:var(${colour})">${trusted(shapes[mark])}</svg>`
}
