// The tables of docs/benchmarks.md from the measurements in docs/results/bench. Run alone, writes them again.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMain, root } from '../tools/steps.mjs'
import { median, titles } from './workloads.mjs'

const folder = join(root, 'docs', 'results', 'bench')
const page = join(root, 'docs', 'benchmarks.md')

/**
 * Stores measurements and brings the page up to date.
 * @param {string} name
 * @param {object} results
 */
export function writeResults(name, results) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), `${JSON.stringify(results, rounded, 1)}\n`)
  writeTables()
}

/** @param {string} _ @param {unknown} value */
function rounded(_, value) {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}

/** Puts each table between its marks, `<!-- bench NAME -->` and `<!-- bench end -->`. */
function writeTables() {
  const [steps, tasks] = ['steps.json', 'tasks.json'].map(name => {
    const file = join(folder, name)
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  })
  /** @type {Record<string, () => string>} */
  const tables = {
    ...(steps && {
      machine: () => machine(steps),
      steps: () => stepTable(steps),
      peak: () => peakTable(steps),
      parts: () => partTable(steps),
    }),
    ...(tasks && { tasks: () => taskTable(tasks) }),
  }
  let text = readFileSync(page, 'utf8')
  for (const [name, table] of Object.entries(tables))
    text = text.replace(
      new RegExp(`(<!-- bench ${name} -->\n)[\\s\\S]*?(<!-- bench end -->)`),
      (_, open, close) => `${open}\n${table()}\n\n${close}`,
    )
  writeFileSync(page, text)
}

/** @param {string[]} head @param {(string | number)[][]} body */
function markdown(head, body) {
  const rule = head.map((_, i) => (i === 0 ? '---' : '--:'))
  return [head, rule, ...body].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** @param {any} steps */
function machine({ machine, versions, command }) {
  const { processor, cores, memory, system, load } = machine
  const { node, tfjs, tensorflow, torch } = versions
  const used = [
    `Node ${node}`,
    `TensorFlow.js ${tfjs}`,
    tensorflow && `TensorFlow ${tensorflow}`,
    torch && `PyTorch ${torch}`,
  ]
  return `\`${command}\` on ${processor}, ${cores} cores, ${memory}, ${system}; ${used.filter(Boolean).join(', ')}. Other programs ran beside it: the load was ${load.toFixed(1)} when it began.`
}

/** Median over the rounds of the framework's time over the other's in the same round. @param {number[]} ours @param {number[]} theirs */
const ratio = (ours, theirs) => median(ours.map((time, round) => time / (theirs[round] ?? Number.NaN)))

/** Ratios by the clock and, behind the stroke, by processor time. @param {any} steps */
function stepTable({ measured }) {
  const others = ['tfjs', 'tfjs, our kernels', 'PyTorch', 'PyTorch, fused Adam']
  const body = measured.flatMap((/** @type {any} */ { engine, threads, cases }) =>
    cases.map((/** @type {any} */ { workload, results }) => {
      const [ours] = results
      const cell = (/** @type {string} */ name) => {
        const other = results.find((/** @type {any} */ result) => result.name === name)
        if (!other) return ''
        if (other.error) return 'cannot'
        const [clock, processor] = [
          ratio(ours.milliseconds, other.milliseconds),
          ratio(ours.processor, other.processor),
        ]
        return `${clock.toFixed(2)} / ${processor.toFixed(2)}`
      }
      return [
        `${engine}, ${threads}`,
        /** @type {Record<string, string>} */ (titles)[workload],
        `${median(ours.milliseconds).toFixed(1)} / ${median(ours.processor).toFixed(1)}`,
        ...others.map(cell),
      ]
    }),
  )
  return markdown(['engine, threads', 'step', 'framework, ms', ...others.map(name => `÷ ${name}`)], body)
}

/** @param {any} steps */
function peakTable({ measured }) {
  const body = []
  for (const { engine, threads, gigaflops, cases } of measured)
    for (const { workload, operations, results } of cases) {
      const fastest = Math.min(...results[0].milliseconds)
      const reached = operations / fastest / 1e6
      body.push([
        `${engine}, ${threads} thread${threads === 1 ? '' : 's'}`,
        workload,
        (operations / 1e6).toFixed(0),
        fastest.toFixed(1),
        reached.toFixed(0),
        gigaflops[engine].toFixed(0),
        `${((100 * reached) / gigaflops[engine]).toFixed(0)} %`,
        gigaflops.torch ? gigaflops.torch.toFixed(0) : '',
      ])
    }
  return markdown(
    ['engine', 'step', 'MFLOP', 'fastest block, ms', 'GFLOP/s', 'peak', 'of the peak', "PyTorch's peak"],
    body,
  )
}

/** @param {any} steps */
function partTable({ measured }) {
  const body = []
  for (const { engine, threads, cases } of measured)
    for (const { workload, profile } of cases) {
      const shares = Object.values(profile.parts)
      const sum = (/** @type {string} */ key) => shares.reduce((total, share) => total + share[key], 0)
      body.push([
        `${engine}, ${threads}, ${workload}`,
        ...shares.map(share => share.total.toFixed(1)),
        sum('total').toFixed(1),
        sum('products').toFixed(1),
        sum('kernels').toFixed(1),
        (sum('total') - sum('products') - sum('kernels')).toFixed(1),
        sum('calls').toFixed(0),
      ])
    }
  return markdown(
    [
      'engine, threads, step',
      'batch',
      'forward',
      'backward',
      'update',
      'all',
      'products',
      'other kernels',
      'JavaScript',
      'calls',
    ],
    body,
  )
}

/** @param {any} tasks */
function taskTable({ early, late, phases }) {
  return markdown(
    ['phase', `tasks ${early.join(' to ')}, s`, `tasks ${late.join(' to ')}, s`, 'ratio'],
    phases.map((/** @type {any} */ { name, early, late }) => [
      name,
      early.toFixed(2),
      late.toFixed(2),
      (late / early).toFixed(2),
    ]),
  )
}

if (isMain(import.meta.url)) writeTables()
