import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { native } from '@lgm/backend-native'
import { findEngines } from '@lgm/backend-native/setup'
import { main } from '@lgm/cli'
import { type Architecture, initAnalysis } from '@lgm/conditional'
import {
  arrayExamples,
  Backend,
  createRng,
  mapParams,
  oneHot,
  type Params,
  range,
  reportSchema,
  sizeOf,
  upload,
} from '@lgm/core'
import { gradientPenalty } from '@lgm/generator-gan'
import { build, expectClose, finiteDifferences } from '@lgm/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const recipes = fileURLToPath(new URL('.', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'lgm-mergan-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const missing = findEngines().length === 0
if (missing) process.stderr.write('native engine: not set up here, MeRGANs are not run; run: npx lgm-setup-native\n')

describe.skipIf(missing)('on the native engine', () => {
  beforeAll(async () => {
    await build(Backend, native()).start()
  })

  test.each<[Architecture, number[]]>([
    [{ net: 'mlp', filters: [1], widths: [5, 4] }, [3]],
    [{ net: 'conv', filters: [2, 2], widths: [3] }, [4, 3, 1]],
  ])('the gradient penalty of a critic %o has the gradients of finite differences', async (architecture, shape) => {
    const rng = createRng(1)
    // Away from zero biases, where what gets nothing from the layer before stands at a kink.
    const critic = mapParams(initAnalysis('test', architecture, shape, 2, 1, rng), (tensor, name) =>
      name.endsWith('/bias') ? tensor.add(0.1) : tensor,
    )
    const tensor = (values: Float32Array, each: number[]) =>
      upload(arrayExamples(values, each, new Int32Array(4)), range(0, 4))
    const x = await tensor(rng.normal(4 * sizeOf(shape)), shape)
    const y = oneHot(Int32Array.of(0, 1, 1, 0), 2)
    const weights = await tensor(Float32Array.of(1, 2, 0.5, 0.1), [])
    const penalty = (at: Params) => gradientPenalty(at, x, y, weights)
    const { gradients } = penalty(critic)
    for (const [name, numbers] of Object.entries(finiteDifferences(at => penalty(at).value, critic, 5e-4)))
      expectClose(gradients[name] ?? numbers.map(() => 0), numbers, 0.01 * Math.max(1, ...numbers.map(Math.abs)))
  })

  test.each(['ra', 'jtr'])('the recipe MeRGAN-%s goes through two tasks', async kind => {
    const settings = {
      backend: 'native',
      'stream.tasks': 2,
      'stream.limit': 20,
      'stream.testLimit': 20,
      'phases.0.perClass': 10,
      'phases.1.iterations': 3,
      'generator.iterations': 3,
      'generator.widths': '[20]',
      'evaluators.sample-quality.samples': 40,
      'evaluators.sample-quality.classifier.iterations': 3,
    }
    const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const file = join(recipes, `split-mnist-mergan-${kind}.yaml`)
    const out = join(home, kind)
    const said: string[] = []
    const surroundings = { cwd: home, out: () => {}, err: (text: string) => void said.push(text) }
    const code = await main(['run', file, '--seed', '0', '--out', out, '--quiet', ...set], surroundings)
    expect(code, said.join('')).toBe(0)
    const { rows } = reportSchema.parse(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')))
    const names = rows.map(row => row.map(({ name }) => name).filter(name => name.startsWith('generator/gan/')))
    const common = ['auxiliary', 'critic-auxiliary', 'penalty', 'score', 'wasserstein']
    const measured = (more: string[]) => [...common, ...more].map(name => `generator/gan/${name}`).sort()
    for (const row of rows) expect(row.map(({ name }) => name)).toContain('label-consistency')
    expect(names.map(row => row.sort())).toEqual([measured([]), measured(kind === 'ra' ? ['alignment'] : [])])
  })
})
