// `node bench/tasks.mjs`: what each task of a long stream costs, by phase, from fifty permutations of MNIST by the command line.
// Writes docs/results/bench/tasks.json and the table of docs/benchmarks.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setup } from '../tools/setup.mjs'
import { explain, root, StepFailed } from '../tools/steps.mjs'
import { writeResults } from './tables.mjs'
import { median } from './workloads.mjs'

/** Fewer test examples than the recipe has: all tasks have the same classes, so all fifty test sets are measured after every task. */
const parameters = [
  'run',
  join('examples', 'recipes', 'permuted-mnist-50.yaml'),
  '--set',
  'stream.testLimit=100',
  ...process.argv.slice(2),
]

/** Tasks, by number from 1, that are compared: early ones that have recall, and the last. */
const early = [2, 6]
const late = [46, 50]

async function main() {
  await setup()
  const folder = mkdtempSync(join(tmpdir(), 'lgm-tasks-'))
  try {
    const load = loadavg()[0]
    const lgm = join(root, 'packages', 'cli', 'bin', 'lgm.mjs')
    const { status } = spawnSync(process.execPath, [lgm, ...parameters, '--out', join(folder, 'run')], {
      cwd: root,
      stdio: 'inherit',
    })
    if (status !== 0) throw new StepFailed(`lgm run: ended with exit code ${status}; see above`)
    const report = JSON.parse(readFileSync(join(folder, 'run', 'report.json'), 'utf8'))
    writeResults('tasks.json', {
      version: 1,
      command: `lgm ${parameters.join(' ')}`,
      load,
      early,
      late,
      ...measured(report),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Median seconds of each phase over the early and over the late tasks; measuring is told apart.
 * @param {import('@lgm/core').Report} report
 */
function measured({ seconds, engine, kept, tasks }) {
  const over = (/** @type {number[]} */ [from = 0, to = 0], /** @type {(task: number) => number} */ value) =>
    median(seconds.slice(from - 1, to).map((_, i) => value(from - 1 + i)))
  const names = Object.keys(seconds[1] ?? {}).filter(name => name !== 'evaluate')
  const total = (/** @type {number} */ task) => names.reduce((sum, name) => sum + (seconds[task]?.[name] ?? 0), 0)
  const row = (/** @type {string} */ name, /** @type {(task: number) => number} */ value) => ({
    name,
    early: over(early, value),
    late: over(late, value),
  })
  return {
    engine,
    tasks: tasks.length,
    kept,
    phases: [
      ...names.map(name => row(name, task => seconds[task]?.[name] ?? 0)),
      row('all phases', total),
      row(`evaluation on ${tasks.length} test sets`, task => seconds[task]?.evaluate ?? 0),
    ],
    seconds,
  }
}

try {
  await main()
} catch (error) {
  process.exitCode = explain(error)
}
