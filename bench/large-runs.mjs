// Folders of runs that never were, as `lgm run --out` leaves them: as large as reports have to be fast for.
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {import('@lgm/core').Report} Report */

const readouts = ['head', 'bayes', 'ensemble']

/**
 * A run with its whole log and every array that `accuracy` has.
 * @param {string} folder made here
 * @param {{ tasks: number, steps: number }} size tasks, and logged steps of each
 */
export function leaveLongRun(folder, { tasks, steps }) {
  leaveRun(folder, { name: 'long', seed: 0, tasks, strength: 1, detail: true })
  const file = openSync(join(folder, 'events.jsonl'), 'w')
  for (let task = 0; task < tasks; task++) writeSync(file, logOf(task, tasks, steps))
  closeSync(file)
}

/**
 * Runs of several recipes and seeds, `<recipe>/seed-<seed>`.
 * @param {string} folder made here
 * @param {{ recipes: number, seeds: number, tasks: number }} size
 */
export function leaveRuns(folder, { recipes, seeds, tasks }) {
  for (let recipe = 0; recipe < recipes; recipe++)
    for (let seed = 0; seed < seeds; seed++) {
      const name = `recipe-${recipe}`
      leaveRun(join(folder, name, `seed-${seed}`), { name, seed, tasks, strength: recipe, detail: false })
    }
}

/** @param {string} folder @param {{ name: string, seed: number, tasks: number, strength: number, detail: boolean }} run */
function leaveRun(folder, { name, seed, tasks, strength, detail }) {
  mkdirSync(folder, { recursive: true })
  const all = range(tasks)
  const matrix = all.map(t => all.map(j => (j > t ? null : accuracyOf(t, j, seed + strength))))
  const rows = all.map(t => rowOf(t, matrix[t] ?? [], detail))
  /** @type {Report} */
  const report = {
    version: 1,
    name,
    seed,
    engine: { name: 'native', version: 'TensorFlow 2.21.0', threads: 1 },
    scenario: 'class',
    readouts,
    tasks: all.map(t => ({ name: `task ${t + 1}`, classes: [`${2 * t}`, `${2 * t + 1}`], train: 1000, test: 200 })),
    rows,
    summary: readouts.flatMap(readout => [
      { name: `ACC/${readout}`, value: mean(matrix.at(-1) ?? []), unit: 'fraction', aggregation: 'mean over tasks' },
      { name: `BWT/${readout}`, value: -0.1, unit: 'difference of fractions', aggregation: 'mean over tasks' },
      { name: `forgetting/${readout}`, value: 0.1, unit: 'difference of fractions', aggregation: 'mean over tasks' },
      {
        name: `accuracy-matrix/${readout}`,
        value: matrix.flat(),
        unit: 'fraction',
        axis: 'task learned × task tested, row-major',
        aggregation: 'mean over the test set of the task',
      },
    ]),
    kept: { head: { numbers: 1000, bytes: 4000 }, 'generator/vae': { numbers: 100_000 + strength, bytes: 400_000 } },
    seconds: all.map(t => ({ recall: 0.01 * t, learn: 2, memorize: 1, evaluate: 0.5 })),
    totalSeconds: 3.6 * tasks,
    versions: { node: '20.19.0', '@lgm/core': '0.1.0', tfjs: '4.22.0' },
  }
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(join(folder, 'recipe.resolved.yaml'), recipeOf(name, seed, strength))
}

/** @param {number} t @param {(number | null)[]} accuracies @param {boolean} detail @returns {Report['rows'][number]} */
function rowOf(t, accuracies, detail) {
  const classes = 2 * (t + 1)
  const lists = [...readouts.map(readout => `accuracy/${readout}`), ...readouts.map(name => `task-guessing/${name}`)]
  return [
    ...['accuracy/head', ...lists.slice(1), 'chance', 'drift-total-variance', 'cka'].map(name => ({
      name,
      value: accuracies,
      unit: 'fraction',
      axis: 'task',
      aggregation: `mean of ${name}`,
    })),
    ...(detail
      ? [
          {
            name: 'confusion/head',
            value: range(classes ** 2).map(cell => (cell % (classes + 1) === 0 ? 90 : cell % 3)),
            unit: 'examples',
            axis: 'true class × guessed class, row-major',
            aggregation: 'count over the test sets of all tasks learned',
          },
        ]
      : []),
    { name: 'expected-calibration-error/head', value: 0.02, unit: 'fraction', aggregation: 'mean' },
    { name: 'footprint/kept/numbers', value: 1000 * (t + 1), unit: 'numbers', aggregation: 'sum over owners' },
    { name: 'footprint/data/numbers', value: 80_000 * (t + 1), unit: 'numbers', aggregation: 'training data so far' },
  ]
}

/** One task of a log, line by line as the observer `jsonl` writes it. @param {number} task @param {number} tasks @param {number} steps */
function logOf(task, tasks, steps) {
  const time = '2026-01-01T00:00:00.000Z'
  const names = range(tasks).map(t => `task ${t + 1}`)
  const events = [
    ...(task === 0 ? [{ type: 'run-start', tasks: names, seed: 0, engine: { name: 'native' } }] : []),
    { type: 'task-start', task, name: names[task], classes: [`${2 * task}`, `${2 * task + 1}`] },
    { type: 'phase-start', task, phase: 'learn' },
    ...range(steps).map(k => {
      const current = 1 / (k + 1) + 0.1 * (((k + 1) * 7919 + task) % 13)
      const terms = { current, recall: 0.5 * current, 'regularizer/ewc': 0.01 * task }
      const shares = { 'regularizer/ewc': 0.1 + 0.001 * (k % 7) }
      return { type: 'step', fit: 'learn', step: 20 * (k + 1), of: 20 * steps, terms, shares }
    }),
    { type: 'phase-end', task, phase: 'learn', seconds: 2 },
  ]
  return events.map(event => `${JSON.stringify({ time, ...event })}\n`).join('')
}

/** Accuracy on task j after task t: falls with every task, and differs a little between runs. @param {number} t @param {number} j @param {number} run */
function accuracyOf(t, j, run) {
  return Math.max(0.3, 0.98 - 0.03 * (t - j) + 0.001 * ((7 * run + 3 * j) % 11))
}

/** @param {string} name @param {number} seed @param {number} strength */
function recipeOf(name, seed, strength) {
  return `name: ${name}
readout: ensemble
seed: ${seed}
dataset:
  use: mnist
stream:
  use: split
  tasks: 5
embedder:
  use: mlp
  widths: [400, 400]
head:
  use: linear
regularizers:
  - use: ewc
    strength: ${strength}
evaluators:
  - use: accuracy
`
}

/** @param {number} count */
function range(count) {
  return Array.from({ length: count }, (_, i) => i)
}

/** @param {readonly (number | null)[]} values */
function mean(values) {
  return values.reduce((/** @type {number} */ sum, value) => sum + (value ?? 0), 0) / values.length
}
