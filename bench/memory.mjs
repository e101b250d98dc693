// Whether a learner that goes on and on stays as small as it was, with each generator and each regularizer that there is.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { endOnInterrupt, root } from '../tools/steps.mjs'

/** Megabytes by which resident memory may grow: compiled code and what the allocator holds back, not tensors of tiny networks. */
const bound = 24

const usage = `node bench/memory.mjs [native|wasm] [--steps 2000] [--tasks 20] [--only generator/vae] [--write]
  --steps   training steps in all, shared by the tasks
  --only    one plugin
  --write   the result to docs/results/memory.json
Exits with 1 where tensors grow by more than what is kept does, or resident memory after the first quarter of the tasks by more than ${bound} MB.`

const points = { generators: 'generator', regularizers: 'regularizer' }
const shipped = Object.entries(points).flatMap(([folder, point]) =>
  readdirSync(join(root, 'packages', folder), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => `${point}/${name}`),
)

/** @param {string} plugin @param {string} engine @param {string} steps @param {string} tasks */
async function measured(plugin, engine, steps, tasks) {
  const program = ['--expose-gc', join(root, 'bench', 'memory-of.mjs'), plugin, engine, steps, tasks]
  const environment = {
    ...process.env,
    TF_NUM_INTRAOP_THREADS: '1',
    TF_NUM_INTEROP_THREADS: '1',
    TF_CPP_MIN_LOG_LEVEL: '2',
  }
  const { stdout } = await promisify(execFile)(process.execPath, program, { cwd: root, env: environment })
  const found = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  const grown = Math.round(10 * (found.endMegabytes - found.warmMegabytes)) / 10
  return { ...found, grownMegabytes: grown, flat: found.tensors <= found.keptTensors && grown <= bound }
}

endOnInterrupt()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: 'string', default: '2000' },
    tasks: { type: 'string', default: '20' },
    only: { type: 'string' },
    write: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const [engine = 'native'] = positionals
const chosen = shipped.filter(name => values.only === undefined || name === values.only)
if (values.help || chosen.length === 0 || !['native', 'wasm'].includes(engine)) {
  console.error(chosen.length === 0 ? `${usage}\nPlugins: ${shipped.join(', ')}` : usage)
  process.exit(values.help ? 0 : 2)
}
const rows = []
/** @type {object | undefined} */
let facts
for (const plugin of chosen) {
  const { engine: used, ...row } = await measured(plugin, engine, values.steps, values.tasks)
  facts = used
  rows.push(row)
  const { tensors, keptTensors, warmMegabytes, endMegabytes, flat } = row
  console.log(
    `${flat ? '✔' : '✘'} ${plugin}: tensors +${tensors} (kept: +${keptTensors}), ${warmMegabytes} → ${endMegabytes} MB, ${row.scenario}`,
  )
}
if (values.write) {
  const { version } = JSON.parse(readFileSync(join(root, 'packages', 'core', 'package.json'), 'utf8'))
  const result = {
    command: `node bench/memory.mjs ${process.argv.slice(2).join(' ')}`.trimEnd(),
    engine: facts,
    versions: { node: process.versions.node, '@lgm/core': version },
    steps: Number(values.steps),
    tasks: Number(values.tasks),
    boundMegabytes: bound,
    plugins: rows,
  }
  writeFileSync(join(root, 'docs', 'results', 'memory.json'), `${JSON.stringify(result, null, 2)}\n`)
}
process.exitCode = rows.every(({ flat }) => flat) ? 0 : 1
