// How long reports of much take: a run of 100,000 logged steps and 100 tasks, and a comparison of 200 runs.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { endOnInterrupt, root } from '../tools/steps.mjs'
import { leaveLongRun, leaveRuns } from './large-runs.mjs'

/** Seconds that none may take. */
const bound = 10

const home = mkdtempSync(join(tmpdir(), 'lgm-report-'))
endOnInterrupt()

/** Tells at its end how long a process had a processor. */
const telling = `process.on('exit', () => { const { user, system } = process.cpuUsage(); console.error('processor ' + (user + system) / 1e6) })`

/** Seconds of the whole command, from its start, and those of them in which it had a processor. @param {string[]} parameters */
async function timed(...parameters) {
  const start = performance.now()
  const program = [
    `--import=data:text/javascript,${encodeURIComponent(telling)}`,
    join(root, 'packages/cli/bin/lgm.mjs'),
  ]
  const { stderr } = await promisify(execFile)(process.execPath, [...program, ...parameters], { cwd: home })
  return { wall: (performance.now() - start) / 1000, processor: Number(/processor (.*)/.exec(stderr)?.[1]) }
}

try {
  leaveLongRun(join(home, 'long'), { tasks: 100, steps: 1000 })
  leaveRuns(join(home, 'many'), { recipes: 40, seeds: 5, tasks: 10 })
  const megabytes = (/** @type {string} */ file) => `${(statSync(join(home, file)).size / 1e6).toFixed(1)} MB`
  console.log(`log ${megabytes('long/events.jsonl')}, report ${megabytes('long/report.json')}`)
  const rows = [
    ['lgm report, 100,000 steps and 100 tasks', 'long.html', 'report', 'long', '--out', 'long.html'],
    ['lgm compare, 200 runs', 'many.txt', 'compare', 'many', '--out', 'many.txt'],
    ['lgm report, 200 runs', 'many.html', 'report', 'many', '--out', 'many.html'],
  ]
  for (const [what = '', file = '', ...parameters] of rows) {
    const { wall, processor } = await timed(...parameters)
    if (wall > bound) process.exitCode = 1
    console.log(
      `${wall > bound ? '✘' : '✔'} ${what}: ${wall.toFixed(1)} s (of a processor ${processor.toFixed(1)} s), ${megabytes(file)}`,
    )
  }
} finally {
  rmSync(home, { recursive: true, force: true })
}
