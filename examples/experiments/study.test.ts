import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { composeOnly, readRecipe } from '@lgm/cli'
import { afterAll, expect, test } from 'vitest'
import { study as drift } from './embedder-drift/rows.mjs'
import { study as continual } from './generators-continual/rows.mjs'
import { study as iid } from './generators-iid/rows.mjs'
import { study as memories } from './memorizer/rows.mjs'
import { finalRuns, isDone, seedsOf, textOf, tuningRuns } from './study.mjs'

const folder = mkdtempSync(join(tmpdir(), 'lgm-study-'))
afterAll(() => rmSync(folder, { recursive: true }))
const here = fileURLToPath(new URL('.', import.meta.url))
const settings = { out: folder, seeds: [0, 1] }

/** A study of two rows, of which one has strengths. */
const study = {
  ...drift,
  datasets: ['mnist'],
  shared: { stream: { use: 'split' }, generator: { use: 'gaussian' }, phases: [{ use: 'learn' }] },
  rows: [
    { name: 'plain', title: 'plain', recipe: () => ({}) },
    { name: 'held', title: 'held', strengths: [1, 10, 100], recipe: (strength: number) => ({ temperature: strength }) },
    {
      name: 'built',
      title: 'built on held',
      after: 'held',
      strengths: [2, 3],
      recipe: (strength: number, given: number) => ({ temperature: given, seed: strength }),
    },
  ],
}

function finish(run: Parameters<typeof textOf>[0], accuracy: number): void {
  mkdirSync(run.folder, { recursive: true })
  writeFileSync(`${run.folder}.yaml`, textOf(run))
  const report = { summary: [{ name: 'ACC/head', value: accuracy }] }
  writeFileSync(join(run.folder, 'report.json'), JSON.stringify(report))
}

test('final runs take the strength that was best on validation data, and so do the rows that build on it', () => {
  expect(() => finalRuns(study, settings)).toThrow('held, mnist: strength 1 has not been tried yet')
  expect(() => tuningRuns(study, settings, 'mnist', true)).toThrow('held, mnist: strength 1 has not been tried yet')
  const tuning = tuningRuns(study, settings, 'mnist', false)
  expect(tuning.map(run => [run.row, run.strength, run.seed])).toEqual([
    ['held', 1, 100],
    ['held', 10, 100],
    ['held', 100, 100],
  ])
  expect(tuning[1]!.recipe).toMatchObject({
    name: 'held',
    dataset: 'mnist',
    temperature: 10,
    stream: { use: 'split', validation: 0.1, measureOn: 'validation' },
  })
  finish(tuning[0]!, 0.5)
  finish(tuning[1]!, 0.75)
  finish(tuning[2]!, 1)
  rmSync(join(tuning[2]!.folder, 'report.json'))
  writeFileSync(join(tuning[2]!.folder, 'failed.json'), JSON.stringify({ failed: 'expected finite losses' }))
  const built = tuningRuns(study, settings, 'mnist', true)
  expect(built.map(run => [run.row, run.strength, run.recipe.temperature, run.recipe.seed])).toEqual([
    ['built', 2, 10, 2],
    ['built', 3, 10, 3],
  ])
  for (const run of built) finish(run, 0.5)
  const final = finalRuns(study, settings)
  expect(final.map(run => [run.row, run.strength, run.seed])).toEqual([
    ['plain', 0, 0],
    ['held', 10, 0],
    ['built', 2, 0],
    ['plain', 0, 1],
    ['held', 10, 1],
    ['built', 2, 1],
  ])
  // another choice: what was built on the first one is no longer done
  expect(built.map(isDone)).toEqual([true, true])
  finish(tuning[0]!, 0.9)
  expect(tuningRuns(study, settings, 'mnist', true).map(isDone)).toEqual([false, false])
  expect(() => finalRuns(study, settings)).toThrow('built, mnist: strength 2 has not been tried yet')
  finish(tuning[0]!, 0.5)
  expect(final[1]!.recipe.stream).toEqual({ use: 'split' })
  expect(final[2]!.recipe.temperature).toBe(10)
})

test('on a data set near another, the strength that was best there and its neighbours are tried', () => {
  const strengths = [1, 10, 100]
  const near = {
    ...study,
    near: { 'fashion-mnist': 'mnist' },
    rows: [
      { name: 'held', title: 'held', strengths, recipe: () => ({}) },
      { name: 'edge', title: 'edge', strengths, recipe: () => ({}) },
      { name: 'whole', title: 'whole', strengths, everywhere: true, recipe: () => ({}) },
    ],
  }
  const there = { ...settings, out: join(folder, 'near') }
  for (const run of tuningRuns(near, there, 'mnist', false))
    finish(run, run.strength === (run.row === 'edge' ? 100 : 10) ? 0.75 : 0.5)
  const runs = tuningRuns(near, there, 'fashion-mnist', false)
  expect(runs.map(run => [run.row, run.strength])).toEqual([
    ...strengths.map(strength => ['held', strength]),
    ['edge', 10],
    ['edge', 100],
    ...strengths.map(strength => ['whole', strength]),
  ])
})

test('on a data set with the same choice as another, nothing is tried', () => {
  const there = { ...settings, seeds: [0], out: join(folder, 'same') }
  const recipe = (strength: number) => ({ temperature: strength })
  const same = {
    ...study,
    datasets: ['mnist', 'fashion-mnist'],
    same: { 'fashion-mnist': 'mnist' },
    rows: [{ name: 'held', title: 'held', strengths: [1, 10, 100], recipe }],
  }
  for (const run of tuningRuns(same, there, 'mnist', false)) finish(run, run.strength === 10 ? 0.75 : 0.5)
  expect(tuningRuns(same, there, 'fashion-mnist', false)).toEqual([])
  expect(finalRuns(same, there).map(run => [run.dataset, run.recipe.temperature])).toEqual([
    ['mnist', 10],
    ['fashion-mnist', 10],
  ])
})

test('a row can be the best of others on validation data, changed', () => {
  const there = { ...settings, seeds: [0], out: join(folder, 'best') }
  const strengths = [1, 10]
  const recipe = (strength: number) => ({ temperature: strength })
  const change = (recipe: object) => ({ ...recipe, seed: 7 })
  const of = {
    ...study,
    rows: [
      { name: 'a', title: 'a', strengths, recipe },
      { name: 'b', title: 'b', strengths, recipe: (strength: number) => ({ temperature: 2 * strength }) },
      { name: 'c', title: 'c', strengths, recipe: () => ({}) },
      { name: 'top', title: 'the best of a and b', recipe: () => ({}), best: ['a', 'b'], change },
    ],
  }
  const accuracies = [0.5, 0.6, 0.5, 0.7, 0.9, 0.9]
  for (const [i, run] of tuningRuns(of, there, 'mnist', false).entries()) finish(run, accuracies[i]!)
  const top = finalRuns(of, there).at(-1)!
  expect(top.recipe).toMatchObject({ name: 'top', temperature: 20, seed: 7, stream: { use: 'split' } })
})

test('seeds are a range or a list', () => {
  expect(seedsOf('0..2')).toEqual([0, 1, 2])
  expect(seedsOf('3,5')).toEqual([3, 5])
})

const studies = [drift, memories, iid, continual]

test.each(studies.flatMap(study => study.rows.map(row => [study.name, row.name, study, row] as const)))(
  '%s: the row %s is made of plugins and options that there are, in choosing and in final runs',
  async (_, name, study, row) => {
    const own = study.rows.find(({ name }) => name === row.best?.[0]) ?? row
    const made = { ...study.shared, ...own.recipe(own.strengths?.[3] ?? 0, 0.1), name, dataset: 'mnist' }
    const recipe = row.change?.(made) ?? made
    for (const [stage, made] of Object.entries({ final: recipe, tuning: study.forTuning(recipe) })) {
      const file = join(folder, `${study.name}-${name}-${stage}.yaml`)
      writeFileSync(file, JSON.stringify(made))
      const learner = await composeOnly(await readRecipe(file, here))
      await learner.dispose()
    }
  },
)

test('embedder drift: every method with a strength has seven or nine to choose from, a decade apart', () => {
  const tuned = drift.rows.filter(row => row.strengths)
  expect(tuned.length).toBeGreaterThan(10)
  for (const { strengths } of tuned) {
    expect([7, 9]).toContain(strengths!.length)
    for (const [i, strength] of strengths!.slice(1).entries()) expect(strength / strengths![i]!).toBeCloseTo(10, 9)
  }
})

test('embedder drift: no row has another embedder, head, number of steps or batch than the others', () => {
  const same = drift.rows.filter(({ name }) => name !== 'longer')
  const budgets = same.map(row => {
    const recipe = { ...drift.shared, ...row.recipe(1, 1) } as Record<string, unknown> & {
      phases: { iterations?: number }[]
    }
    const steps = recipe.phases.reduce((sum, phase) => sum + (phase.iterations ?? 0), 0)
    return [row.name === 'joint' ? steps / 5 : steps, recipe.embedder, recipe.head, recipe.decoder]
  })
  for (const budget of budgets) expect(budget).toEqual(budgets[0])
})

test.each([iid, continual])(
  '$name: each row has four values of its dial, and all that learn by steps as many and of as many codes',
  study => {
    const budgets = study.rows.flatMap(row => {
      expect(row.strengths, row.name).toHaveLength(4)
      const { generator } = row.recipe(row.strengths![0]!, 0) as {
        generator: { use: string; iterations?: number; batchSize?: number; replaySize?: number }
      }
      const { use, iterations, batchSize, replaySize } = generator
      return use === 'gaussian' ? [] : [{ iterations, batchSize, replaySize }]
    })
    expect(budgets).toHaveLength(study.rows.length - 2)
    expect(budgets[0]!.iterations).toBeGreaterThan(0)
    for (const budget of budgets) expect(budget).toEqual(budgets[0])
  },
)
