import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wasm } from '@lgm/backend-wasm'
import { main } from '@lgm/cli'
import { createLearner, learn, memorize, recall, reportSchema, run } from '@lgm/core'
import { mnist } from '@lgm/dataset-mnist'
import { dct } from '@lgm/embedder-dct'
import { accuracy } from '@lgm/evaluator-accuracy'
import { gaussian } from '@lgm/generator-gaussian'
import { mlp } from '@lgm/head-mlp'
import { folderStore } from '@lgm/store-folder'
import { split } from '@lgm/stream-split'
import { afterAll, expect, test } from 'vitest'

const home = mkdtempSync(join(tmpdir(), 'lgm-same-run-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const recipe = `
readout: ensemble
backend: wasm
dataset: mnist
stream: { use: split, tasks: 5, limit: 60, testLimit: 40, order: shuffled }
embedder: { use: dct, coefficients: 36 }
head: { use: mlp, widths: [20] }
generator: { use: gaussian, components: 2 }
phases: [ { use: recall, perClass: 60 }, { use: learn, iterations: 40 }, memorize ]
evaluators: [ accuracy ]
observers: []
`

test('a recipe and the same plugins in code give the same run, bit for bit', async () => {
  writeFileSync(join(home, 'recipe.yaml'), recipe)
  const silent = { cwd: home, out: () => {}, err: () => {} }
  expect(await main(['run', 'recipe.yaml', '--seed', '7', '--out', 'yaml', '--quiet'], silent)).toBe(0)

  const learner = await createLearner(
    [
      wasm(),
      mnist(),
      split({ tasks: 5, limit: 60, testLimit: 40, order: 'shuffled' }),
      dct({ coefficients: 36 }),
      mlp({ widths: [20] }),
      gaussian({ components: 2 }),
      recall({ perClass: 60 }),
      learn({ iterations: 40 }),
      memorize(),
      accuracy(),
    ],
    { seed: 7, readout: 'ensemble' },
  )
  const report = await run(learner)
  await learner.save(folderStore(join(home, 'code')))
  await learner.dispose()

  const written = reportSchema.parse(JSON.parse(readFileSync(join(home, 'yaml', 'report.json'), 'utf8')))
  expect(written.rows).toEqual(report.rows)
  for (const file of ['model.safetensors', 'plugins.safetensors'])
    expect(readFileSync(join(home, 'code', file)).equals(readFileSync(join(home, 'yaml', 'checkpoint', file)))).toBe(
      true,
    )
  // the command has an observer of its own, which has an Rng like every plugin
  const [ofRecipe, ofCode] = ['yaml/checkpoint', 'code'].map(folder =>
    JSON.parse(readFileSync(join(home, folder, 'manifest.json'), 'utf8')),
  )
  for (const own of ['observer/jsonl', 'observer/pictures']) delete ofRecipe.rngs[own]
  // so that the manifests' own checksums differ
  for (const manifest of [ofRecipe, ofCode]) delete manifest.crc32
  expect(ofRecipe).toEqual(ofCode)
  expect(report.summary.find(({ name }) => name === 'ACC/ensemble')!.value).toBeGreaterThan(0.5)
}, 120_000)
