// `npm test`: sets up what is missing, then runs all checks. One line a stage; a failing stage shows all it has to say.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { answersWrongInput, learnsOn } from './end-to-end.mjs'
import { setup } from './setup.mjs'
import { checkSnippets } from './snippets.mjs'
import { endOnInterrupt, explain, mustRun, root, run, StepFailed, step, turbo } from './steps.mjs'

/** @typedef {{ passed: number, failed: number, output?: string, note?: string }} Outcome */

const total = { passed: 0, failed: 0 }

/**
 * Runs one stage: counts what passed and failed, and prints its line.
 * @param {string} name
 * @param {(progress: (now: string) => void) => Promise<Outcome>} work
 */
async function stage(name, work) {
  /** @type {Outcome} */
  let outcome = { passed: 0, failed: 1 }
  try {
    await step(name, async progress => {
      outcome = await work(progress)
      if (outcome.failed > 0) throw new StepFailed(`${name}: ${counted(outcome)}`, { output: outcome.output ?? '' })
      return `${counted(outcome)}${outcome.note ? `, ${outcome.note}` : ''}`
    })
  } catch (error) {
    explain(error)
  }
  total.passed += outcome.passed
  total.failed += outcome.failed
}

/** @param {{ passed: number, failed: number }} outcome */
const counted = ({ passed, failed }) => `${passed} passed, ${failed} failed`

/**
 * A stage that is one task of turbo.json.
 * @param {string} task
 */
const one = task => async () => {
  const note = await turbo(task)
  return { passed: 1, failed: 0, ...(note === 'unchanged' ? { note } : {}) }
}

/** What follows from code and data: project files, parts of the documentation, the pages of results and of studies. */
async function generated() {
  const writers = ['generate', 'points', 'results', 'experiments']
  for (const name of writers) await mustRun(process.execPath, [join(root, 'tools', `${name}.mjs`), '--check'])
  return { passed: writers.length, failed: 0 }
}

/** @param {(now: string) => void} progress */
async function unit(progress) {
  const results = join(root, 'node_modules', '.lgm-vitest.json')
  rmSync(results, { force: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const parameters = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  let files = 0
  const { code, output } = await run(process.execPath, parameters, {
    line: line => {
      if (/\.test\.ts.*tests?/.test(line)) progress(`${++files} files`)
    },
    environment: { NO_COLOR: '1' },
  })
  if (!existsSync(results)) return { passed: 0, failed: 1, output }
  const { numPassedTests: passed, numFailedTests, testResults } = JSON.parse(readFileSync(results, 'utf8'))
  const broken = testResults.filter(
    (/** @type {{ status: string, assertionResults: unknown[] }} */ file) =>
      file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = numFailedTests + broken.length
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, output, note: `${testResults.length} files` }
}

async function examples() {
  const folders = ['demo', 'recipes'].map(name => join(root, 'examples', name))
  const recipes = folders.flatMap(folder =>
    readdirSync(folder)
      .filter(name => name.endsWith('.yaml'))
      .map(name => join(folder, name)),
  )
  await mustRun(process.execPath, [join(root, 'packages', 'cli', 'bin', 'lgm.mjs'), 'validate', ...recipes])
  return { passed: recipes.length, failed: 0 }
}

/**
 * @param {() => Promise<{ passed: number, problems: string[] }>} work
 * @returns {() => Promise<Outcome>}
 */
const listed = work => async () => {
  const { passed, problems } = await work()
  return { passed, failed: problems.length, output: problems.join('\n') }
}

const start = performance.now()
try {
  const { engine } = await setup()
  const release = endOnInterrupt()
  await stage('generated files', generated)
  await stage('lint', one('lint'))
  await stage('types', one('typecheck'))
  await stage('docs', one('docs'))
  await stage('snippets', listed(checkSnippets))
  await stage('example recipes', examples)
  await stage('unit and conformance', unit)
  await stage('wrong input', listed(answersWrongInput))
  if (engine === 'native')
    await stage(
      'end to end, native',
      listed(() => learnsOn('native')),
    )
  else console.log(`${'end to end, native'.padEnd(26)} not run: see the line "engine" above`)
  await stage(
    'end to end, wasm',
    listed(() => learnsOn('wasm')),
  )
  release()
} catch (error) {
  explain(error)
  total.failed++
}
console.log(`${((performance.now() - start) / 1000).toFixed(0)} s in all`)
console.log(counted(total))
process.exitCode = total.failed > 0 ? 1 : 0
