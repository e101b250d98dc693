// The page and the picture of a study of memories: bytes kept by the generator against accuracy.
import { drawSweeps } from './pictures.mjs'
import { table } from './points.mjs'
import { enginesAndVersions, figure, seedRange, shown } from './results.mjs'

/** @typedef {import('../examples/experiments/study.mjs').Study} Study */
/** @typedef {import('../examples/experiments/study.mjs').Row} Row */
/** @typedef {import('./experiments.mjs').Run} Run */
/** @typedef {import('./experiments.mjs').Done} Done */
/** @typedef {{ row: Row, done: Done[] }} Found */

/** A figure that generators have under their own names. @param {Done} run @param {string} name */
const own = ({ figures }, name) =>
  Object.entries(figures).find(([key]) => key.startsWith('generator/') && key.endsWith(`/${name}`))?.[1]

/** @param {readonly Done[]} done @param {(run: Done) => number | undefined} of @param {number} digits */
const mean = (done, of, digits) => shown(figure(done.map(of).filter(value => value !== undefined)), digits)

/** @param {readonly Found[]} rows */
function results(rows) {
  const head = ['memory', 'kB', 'bits a number', 'recall error', 'retrieval, %', 'head, %', 'runs', 'seconds']
  const body = rows.map(({ row, done }) => [
    row.title,
    mean(done, run => (own(run, 'bytes') ?? 0) / 1000, 0),
    mean(done, run => own(run, 'bits-per-number'), 2),
    mean(done, run => own(run, 'recall-error'), 4),
    mean(done, run => 100 * (own(run, 'retrieval') ?? Number.NaN), 0).replace(/NaN.*/, '–'),
    mean(done, ({ figures }) => 100 * (figures['ACC/head'] ?? 0), 2),
    done.length,
    mean(done, ({ seconds }) => seconds, 0),
  ])
  return table(head, body)
}

/** Accuracy against bytes, a panel a data set and space, a curve a family. @param {readonly { title: string, rows: readonly Found[] }[]} panels */
function picture(panels) {
  const drawn = panels.map(({ title, rows }) => ({
    title,
    curves: [...new Set(rows.map(({ row }) => row.family ?? row.title))].map(family => ({
      title: family,
      failed: [],
      chosen: undefined,
      points: rows
        .filter(({ row }) => (row.family ?? row.title) === family)
        .map(
          ({ done }) =>
            /** @type {[number, number]} */ ([
              figure(done.map(run => own(run, 'bytes') ?? 0))?.mean ?? 0,
              100 * (figure(done.map(({ figures }) => figures['ACC/head'] ?? 0))?.mean ?? 0),
            ]),
        )
        .sort(([a], [b]) => a - b),
    })),
  }))
  return drawSweeps(drawn, { x: 'bytes', y: 'accuracy, %', from: 40, columns: 2 })
}

const explanation = `*kB*: thousands of bytes that the generator keeps: items, codes, weights, and the bounds of levels. *Bits a number*: the same in bits, over items × numbers of each. *Recall error*: Σ ‖û − u‖² / Σ ‖u‖² over what is stored of the last task, as it was when it came. *Retrieval*: of 500 stored items, the share to which, when they are returned, of all that was told they themselves are nearest. *Head*: accuracy on test data after the last task, of a classifier that was trained on nothing but what the memory returns. Where there are several runs, values are means ± standard deviations over seeds.`

/**
 * The page of such a study and its picture.
 * @param {Study} study
 * @param {string} about Markdown: a title, the protocol up to the first block of code, and sections that are shown after the results
 * @param {readonly Run[]} runs
 * @returns {Map<string, string>} texts by file name
 */
export function renderTradeOff(study, about, runs) {
  const [, title = study.name, protocol = ''] = /^# (.+)\n([\s\S]*?)(?=\n```|\n## |$)/.exec(about) ?? []
  const sections = /\n## [\s\S]*$/.exec(about)?.[0] ?? ''
  const done = runs.flatMap(run => ('figures' in run && run.stage === 'final' ? [run] : []))
  const panels = study.datasets.flatMap(dataset =>
    [...new Set(study.rows.map(({ panel = '' }) => panel))].flatMap(panel => {
      const rows = study.rows
        .filter(row => (row.panel ?? '') === panel)
        .map(row => ({ row, done: done.filter(run => run.dataset === dataset && run.row === row.name) }))
        .filter(({ done }) => done.length > 0)
      return rows.length > 0 ? [{ title: `${dataset}, ${panel}`, rows }] : []
    }),
  )
  const open = study.datasets.flatMap(dataset =>
    study.rows
      .filter(row => !done.some(run => run.dataset === dataset && run.row === row.name))
      .map(row => `${dataset} ${row.name}`),
  )
  const seeds = [...new Set(done.map(({ seed }) => seed))].sort((a, b) => a - b)
  const parts = [
    '<!-- Written by tools/experiments.mjs from runs.json and examples/experiments; do not edit. -->',
    `# ${title}`,
    protocol.trim(),
    ...(panels.length > 0
      ? [
          '![Accuracy against bytes](bytes.svg)\n\nA spot is a row of the tables below, a line joins those of one kind.',
          ...panels.flatMap(panel => [`## ${panel.title}`, results(panel.rows)]),
          explanation,
        ]
      : ['**No final run is there yet.**']),
    ...(sections ? [sections.trim()] : []),
    ...(open.length > 0 ? [`## What is missing\n\nFinal runs of ${open.join(', ')}.`] : []),
    '## How to repeat it',
    `\`\`\`sh\nnode examples/experiments/study.mjs ${study.name}${seeds.length > 0 ? ` --seeds ${seedRange(seeds)}` : ''}\n\`\`\``,
    `All runs, with every figure: [runs.json](runs.json). ${done.length > 0 ? enginesAndVersions(done) : ''}`.trim(),
  ]
  const files = new Map(panels.length > 0 ? [['bytes.svg', picture(panels)]] : [])
  return files.set('README.md', `${parts.join('\n\n')}\n`)
}
