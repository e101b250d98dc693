import { quantity, table } from '@lgm/observer-console'
import type { Comparison, ComparisonRow, ComparisonTable } from './comparison.js'

/** The formats a comparison can be written in. */
export const formats = { table: terminal, csv, markdown, latex } as const

export type Format = keyof typeof formats

/** For the terminal: tables drawn with lines, notes below. */
function terminal({ tables, notes }: Comparison): string {
  const drawn = tables.map(
    one =>
      `${one.title}\n${table(
        headOf(one),
        one.rows.map(row => textsOf(one, row)),
      )}`,
  )
  return [...drawn, ...notes.map(note => `note: ${note}`)].join('\n')
}

/**
 * A row for each figure of each recipe (RFC 4180, with CRLF), numbers with all their digits. `baseline` is empty but for differences, and
 * `half-width` where one seed says nothing of it.
 */
function csv({ tables }: Comparison): string {
  const rows = tables.flatMap(({ baseline, figures, rows }) =>
    rows.flatMap(({ name, cells }) =>
      cells.flatMap((cell, k) =>
        cell
          ? [[name, baseline ?? '', figures[k]!, cell.unit, cell.seeds.length, cell.mean, cell.halfWidth ?? '']]
          : [],
      ),
    ),
  )
  const head = ['recipe', 'baseline', 'figure', 'unit', 'seeds', 'mean', 'half-width']
  return [head, ...rows].map(row => row.map(csvCell).join(',')).join('\r\n')
}

function csvCell(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Tables of GitHub's Markdown, notes below. */
function markdown({ tables, notes }: Comparison): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownCell).join(' | ')} |`
  const written = tables.map(one => {
    const head = headOf(one)
    const rule = `| ${head.map((_, k) => (k === 0 ? ':--' : '--:')).join(' | ')} |`
    return [`${markdownCell(one.title)}:`, '', line(head), rule, ...one.rows.map(row => line(textsOf(one, row)))].join(
      '\n',
    )
  })
  return [...written, ...notes.map(note => `Note: ${markdownCell(note)}.`)].join('\n\n')
}

/** Text in which no sign means anything to Markdown. */
function markdownCell(text: string): string {
  return text.replace(/[\\|`*_<>[\]~#]/g, '\\$&').replace(/\s+/g, ' ')
}

/** Tables for the LaTeX package booktabs, titles and notes as comments. */
function latex({ tables, notes }: Comparison): string {
  const line = (cells: readonly string[]) => `  ${cells.map(latexText).join(' & ')} \\\\`
  const written = tables.map(one => {
    const head = headOf(one)
    return [
      latexComment(one.title),
      `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`,
      '  \\toprule',
      line(head),
      '  \\midrule',
      ...one.rows.map(row => line(textsOf(one, row))),
      '  \\bottomrule',
      '\\end{tabular}',
    ].join('\n')
  })
  return ['% \\usepackage{booktabs}', ...written, ...notes.map(note => latexComment(`note: ${note}`))].join('\n')
}

function latexComment(text: string): string {
  return `% ${text.replace(/\s+/g, ' ')}`
}

const latexSigns: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  '–': '--',
}

/** Text in which no sign means anything to LaTeX, but ± and a minus before a number. */
function latexText(text: string): string {
  return text
    .replace(/[\\~^±–]|[&%$#_{}]/g, sign => latexSigns[sign] ?? `\\${sign}`)
    .replace(/^-(?=\d)/, '$-$')
    .replace(/\s+/g, ' ')
}

function headOf({ figures }: ComparisonTable): readonly string[] {
  return ['recipe', 'seeds', ...figures]
}

function textsOf(table: ComparisonTable, row: ComparisonRow): readonly string[] {
  const signed = table.baseline !== undefined
  return [row.name, `${row.seeds}`, ...row.cells.map(cell => textOf(cell, row.seeds, signed))]
}

/** A figure as it is read: without interval where all seeds have one value, with its number of seeds where that is not the row's. */
function textOf(cell: ComparisonRow['cells'][number], seeds: number, signed: boolean): string {
  if (!cell) return '–'
  const { mean, halfWidth, unit } = cell
  const sign = mean < 0 ? '-' : signed && mean > 0 ? '+' : ''
  const count = cell.seeds.length === seeds ? '' : ` (${cell.seeds.length} of ${seeds})`
  return `${sign}${quantity(Math.abs(mean), unit, halfWidth || undefined)}${count}`
}
