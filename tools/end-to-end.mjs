// A tiny run on real MNIST through the command line, on one engine, from recipe to report; fewer steps than the demo.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMain, root, run } from './steps.mjs'

/** @typedef {import('@lgm/core').Report} Report */

/** Few steps; where arithmetic is slow, fewer images as well. */
const short = {
  naive: ['--set', 'phases.learn.iterations=60'],
  lgm: [
    '--set',
    'phases.learn.iterations=60',
    '--set',
    'phases.recall.perClass=300',
    '--set',
    'generator.components=3',
  ],
}
const size = {
  native: { changes: [], train: 60_000, test: 10_000 },
  wasm: { changes: ['--set', 'stream.limit=1000', '--set', 'stream.testLimit=200'], train: 10_000, test: 2000 },
}

/**
 * Runs `lgm` as a user does.
 * @param {string[]} parameters
 */
function lgm(parameters) {
  return run(process.execPath, [join(root, 'packages', 'cli', 'bin', 'lgm.mjs'), ...parameters], { seconds: 300 })
}

/**
 * Checks that each said thing is true; the rest is skipped after an exception.
 * @param {(check: (what: string, holds: boolean, got?: unknown) => void) => Promise<void>} work
 */
async function checks(work) {
  let passed = 0
  /** @type {string[]} */
  const problems = []
  try {
    await work((what, holds, got) => {
      if (holds) passed++
      else problems.push(`expected ${what}${got === undefined ? '' : `, got ${got}`}`)
    })
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
  return { passed, problems }
}

/**
 * Naive fine-tuning and LGM on one engine: the order that the literature establishes, all results, and repetition bit for bit.
 * @param {'native' | 'wasm'} engine
 */
export async function learnsOn(engine) {
  const folder = mkdtempSync(join(tmpdir(), 'lgm end to end '))
  try {
    return await checks(async check => {
      const { changes, train, test } = size[engine]
      const learn = (/** @type {'naive' | 'lgm'} */ name) =>
        report(join(root, 'examples', 'demo', `${name}.yaml`), engine, join(folder, name), [...short[name], ...changes])
      const naive = await learn('naive')
      const latent = await learn('lgm')
      for (const [name, found] of Object.entries({ naive, lgm: latent })) {
        const sum = (/** @type {'train' | 'test'} */ part) => found.tasks.reduce((count, task) => count + task[part], 0)
        check(`${name}: report version 1`, found.version === 1, found.version)
        check(`${name}: 5 tasks`, found.tasks.length === 5, found.tasks.length)
        check(`${name}: ${train} images`, sum('train') === train, sum('train'))
        check(`${name}: ${test} images to test with`, sum('test') === test, sum('test'))
        check(`${name}: the engine ${engine}`, found.engine.name === engine, found.engine.name)
        for (const file of ['recipe.resolved.yaml', 'events.jsonl', 'accuracy.svg', 'checkpoint'])
          check(`${name}: ${file} among the results`, existsSync(join(folder, name, file)))
      }
      const forgetful = accuracy(naive, 'head')
      const remembering = accuracy(latent, 'ensemble')
      check('naive fine-tuning to forget: a final accuracy below 0.3', forgetful < 0.3, forgetful)
      check('LGM to remember: a final accuracy above 0.8', remembering > 0.8, remembering)
      check('LGM to keep fewer numbers than 1000 images', kept(latent) < 784_000, kept(latent))

      await report(join(folder, 'lgm', 'recipe.resolved.yaml'), engine, join(folder, 'again'), [])
      const [first, second] = ['lgm', 'again'].map(name => checkpoint(join(folder, name, 'checkpoint')))
      check('the resolved recipe to repeat the run bit for bit', first === second)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param {string} recipe
 * @param {string} engine
 * @param {string} out
 * @param {string[]} changes
 * @returns {Promise<Report>}
 */
async function report(recipe, engine, out, changes) {
  const { code, output } = await lgm(['run', recipe, '--backend', engine, '--out', out, '--quiet', ...changes])
  if (code !== 0) throw new Error(`expected exit code 0 of lgm run ${recipe}, got ${code}:\n${output.trim()}`)
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
}

/**
 * All bytes of a checkpoint, as a digest.
 * @param {string} folder
 */
function checkpoint(folder) {
  const digest = createHash('sha256')
  for (const name of readdirSync(folder).sort()) digest.update(name).update(readFileSync(join(folder, name)))
  return digest.digest('hex')
}

/**
 * @param {Report} found
 * @param {string} readout
 */
function accuracy({ summary }, readout) {
  return Number(summary.find(({ name }) => name === `ACC/${readout}`)?.value ?? Number.NaN)
}

/** @param {Report} found */
const kept = found => Object.values(found.kept).reduce((sum, { numbers }) => sum + numbers, 0)

/** Recipes of the repository are valid, and wrong input is answered by one line and exit code 2. */
export async function answersWrongInput() {
  const folder = mkdtempSync(join(tmpdir(), 'lgm end to end '))
  const recipe = join(root, 'examples', 'demo', 'lgm.yaml')
  try {
    return await checks(async check => {
      writeFileSync(join(folder, 'thesis.tex'), 'years of work')
      /** @type {[string, string[], RegExp][]} */
      const cases = [
        ['a mistyped option', ['run', recipe, '--set', 'generator.component=3'], /did you mean "components"\?/],
        ['a plugin that is not installed', ['validate', recipe, '--set', 'generator=normalizing'], /not installed; /],
        ['a recipe that is not there', ['run', join(folder, 'none.yaml')], /no such file/],
        [
          'a folder that is in use',
          ['run', recipe, '--out', folder],
          /expected an empty folder or none, got one with thesis\.tex/,
        ],
      ]
      for (const [what, parameters, message] of cases) {
        const { code, output } = await lgm(parameters)
        check(`exit code 2 for ${what}`, code === 2, code)
        check(
          `one clear line for ${what}`,
          message.test(output) && output.trim().split('\n').length === 1,
          output.trim(),
        )
      }
      check(
        'what was in the folder to be there still',
        readFileSync(join(folder, 'thesis.tex'), 'utf8') === 'years of work',
      )
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (isMain(import.meta.url)) {
  const engines = /** @type {('native' | 'wasm')[]} */ (
    process.argv.length > 2 ? process.argv.slice(2) : ['native', 'wasm']
  )
  for (const { passed, problems } of [await answersWrongInput(), ...(await Promise.all(engines.map(learnsOn)))]) {
    for (const problem of problems) console.error(problem)
    console.log(`${passed} passed, ${problems.length} failed`)
    if (problems.length > 0) process.exitCode = 1
  }
}
