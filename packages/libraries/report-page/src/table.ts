import { type Content, type Html, html } from './html.js'

/** A table: the first cell of each row names it. */
export interface Table {
  readonly caption: string
  readonly head: readonly Content[]
  readonly rows: readonly (readonly Content[])[]
  /** What columns hold text, and are not set to the right. The first always does. */
  readonly texts?: readonly number[]
}

/** A table with more cells than this would be most of the page, and nobody reads it. */
const mostCells = 12_000

/** A table in a box of its own, which scrolls where the page is too narrow for it, by keyboard too. */
export function tableHtml({ caption, head, rows, texts = [] }: Table): Html {
  const count = rows.length * head.length
  if (count > mostCells)
    return html`<p class="note">${caption}: a table of ${count.toLocaleString('en')} cells is left out; its numbers stand in <code>report.json</code>.</p>`
  const text = new Set([0, ...texts])
  const mark = (column: number) => text.has(column) && html` class="text"`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption><span>${caption}</span></caption><thead><tr>${head.map(
    (cell, column) => html`<th scope="col"${mark(column)}>${cell}`,
  )}<tbody>${rows.map(
    cells =>
      html`<tr>${cells.map((cell, column) => (column === 0 ? html`<th scope="row">${cell}` : html`<td${mark(column)}>${cell}`))}`,
  )}</table></div>`
}
