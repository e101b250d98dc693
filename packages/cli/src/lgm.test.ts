import { spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as core from '@lgm/core'
import { reportSchema } from '@lgm/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { composeOnly } from './compose.js'
import { balanced, call, enterHome, imagesWithRows, removeHome, writeData } from './home.fixture.js'
import { readRecipe } from './recipe.js'
import { resolvedRecipe } from './resolved.js'

/** A folder with the recipe `tiny.yaml` and the data that it names, `data`. */
let home: string

const labels = balanced(4, 160)

const recipe = `
readout: ensemble
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3]] }
embedder: { use: dct, coefficients: 16 }
head: linear
generator: { use: gaussian, components: 1 }
phases: [ { use: recall, perClass: 50 }, { use: learn, iterations: 60, batchSize: 32, optimizer: { rate: 0.01 } }, memorize ]
evaluators: [ accuracy ]
observers: []
`

beforeAll(() => {
  home = enterHome({ 'tiny.yaml': recipe }, labels)
  Object.assign(globalThis, { lgmCore: core })
})
afterAll(() => removeHome(home))

const lgm = (...argv: string[]) => call(home, argv)

describe('lgm run', () => {
  test('leaves the resolved recipe, report, events, checkpoint and picture; the resolved recipe repeats the run', async () => {
    const { code, out } = await lgm('run', 'tiny.yaml', '--out', 'results/first')
    expect(code).toBe(0)
    expect(out).toMatch(/read-out.*ACC.*BWT.*forgetting/)
    expect(out).toMatch(/numbers kept between tasks: [\d,]+ \(.*generator\/gaussian/)
    const folder = join(home, 'results/first')
    const left = ['accuracy.svg', 'checkpoint', 'events.jsonl', 'recipe.resolved.yaml', 'report.json']
    expect(readdirSync(folder).sort()).toEqual(left)
    expect(existsSync(join(folder, 'checkpoint/manifest.json'))).toBe(true)
    const report = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')))
    expect(report).toMatchObject({ name: 'tiny', seed: 0, scenario: 'class', engine: { name: 'wasm' } })
    expect(report.versions).toMatchObject({
      node: process.versions.node,
      '@lgm/core': expect.any(String),
      tfjs: expect.any(String),
    })
    expect(report.summary.find(({ name }) => name === 'ACC/ensemble')!.value).toBeGreaterThan(0.9)
    const events = readFileSync(join(folder, 'events.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line).type)
    expect([events[0], events.at(-1)]).toEqual(['run-start', 'run-end'])
    expect(events.filter(type => type === 'task-end')).toHaveLength(2)
    const resolved = parse(readFileSync(join(folder, 'recipe.resolved.yaml'), 'utf8'))
    expect(resolved).toMatchObject({
      name: 'tiny',
      seed: 0,
      temperature: 4,
      embedder: { use: 'dct', coefficients: 16 },
    })
    expect(resolved.phases[1]).toMatchObject({ use: 'learn', iterations: 60, replaySize: 128 })

    const again = await lgm('run', 'results/first/recipe.resolved.yaml', '--json')
    expect(again).toMatchObject({ code: 0, err: '' })
    const repeated = reportSchema.parse(JSON.parse(again.out))
    expect(repeated.rows).toEqual(report.rows)
    expect(repeated.kept).toEqual(report.kept)
  })

  test('the default phases, where none are named, stand in the resolved recipe with their options', async () => {
    writeFileSync(join(home, 'default.yaml'), recipe.replace(/phases: .*\n/, ''))
    const read = await readRecipe('default.yaml', home)
    const learner = await composeOnly(read)
    const { phases, observers } = parse(resolvedRecipe(read, learner))
    await learner.dispose()
    expect(phases.map(({ use }: { use: string }) => use)).toEqual(['recall', 'learn', 'memorize'])
    expect(phases[1]).toMatchObject({ iterations: 500, optimizer: { use: 'adam' } })
    expect(observers).toEqual([])
  })

  test('one example of each class is enough', async () => {
    writeData(join(home, 'one'), [0, 1, 2, 3])
    const { code, err } = await lgm('run', 'tiny.yaml', '--set', 'dataset.folder=one', '--quiet')
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })

  test('several recipes and seeds are compared in one table, each run in a folder of its own', async () => {
    writeFileSync(
      join(home, 'naive.yaml'),
      recipe
        .replace(/readout.*\n|generator.*\n/g, '')
        .replace(/phases.*\n/, 'phases: [ { use: learn, iterations: 5 } ]\n'),
    )
    const { code, out, err } = await lgm(
      'run',
      'naive.yaml',
      'tiny.yaml',
      '--seeds',
      '0,2',
      '--out',
      'several',
      '--quiet',
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')).toHaveLength(6)
    expect(out).toMatch(/method.*read-out.*final accuracy.*forgetting.*numbers kept.*time/)
    expect(out).toMatch(/naive.*head.*± .* %/)
    expect(out).toMatch(/tiny.*ensemble.*± .* %/)
    for (const folder of ['naive/seed-0', 'naive/seed-2', 'tiny/seed-0', 'tiny/seed-2'])
      expect(existsSync(join(home, 'several', folder, 'accuracy.svg'))).toBe(true)
    const seeds = ['seed-0', 'seed-2'].map(
      folder => parse(readFileSync(join(home, 'several/tiny', folder, 'recipe.resolved.yaml'), 'utf8')).seed,
    )
    expect(seeds).toEqual([0, 2])
  })

  test('--json prints one object, with several runs a list in it', async () => {
    const { code, out } = await lgm(
      'run',
      'tiny.yaml',
      '--json',
      '--seeds',
      '0..1',
      '--set',
      'phases.learn.iterations=2',
    )
    expect(code).toBe(0)
    expect(JSON.parse(out).runs.map(({ seed }: { seed: number }) => seed)).toEqual([0, 1])
  })
})

describe('what is wrong with the input is said in one line, with exit code 2', () => {
  const broken = (name: string, change: (folder: string) => void) => {
    cpSync(join(home, 'data'), join(home, name), { recursive: true })
    change(join(home, name))
    return ['--set', `dataset.folder=${name}`]
  }
  const cases: [what: string, argv: () => string[], message: RegExp][] = [
    ['no such recipe', () => ['run', 'none.yaml'], /^none\.yaml: expected a recipe, got no such file; /],
    [
      'an unknown plugin',
      () => ['--set', 'head=perceptron'],
      /^head "perceptron" is not installed; add it with: pnpm add @lgm\/head-perceptron$/,
    ],
    ['a mistyped plugin', () => ['--set', 'head=linaer'], /^head "linaer" is not installed; did you mean "linear"\?$/],
    [
      'a mistyped key',
      () => ['--set', 'hed=linear'],
      /^tiny\.yaml: expected a key of a recipe, got "hed"; did you mean "head"\?$/,
    ],
    [
      'a mistyped option',
      () => ['--set', 'phases.learn.iteration=3'],
      /^phase "learn": expected a known option, got "iteration"; did you mean "iterations"\?$/,
    ],
    [
      'a wrong type',
      () => ['--set', 'phases.learn.iterations=many'],
      /^phase "learn": iterations: expected number, got "many"; /,
    ],
    [
      'a value out of range',
      () => ['--set', 'phases.learn.iterations=0'],
      /^phase "learn": iterations: expected .*, got 0; /,
    ],
    [
      'a regularizer that no phase calls',
      () => ['--set', 'regularizers=[ewc]'],
      /^phases: expected "consolidate", since there is a regularizer, got /,
    ],
    ['a missing part', () => ['--set', 'head=null'], /^composition: expected one head, got none; /],
    ['a missing stream', () => ['--set', 'stream=null'], /^.*expected a stream among the plugins, got none; /],
    [
      'a read-out without a generator',
      () => ['--set', 'generator=null', '--set', 'phases=[learn]'],
      /expected a read-out among head, got ensemble; /,
    ],
    [
      'a missing data folder',
      () => ['--set', 'dataset.folder=nowhere'],
      /^dataset "mnist": expected a folder of IDX files at nowhere, got no such folder; /,
    ],
    [
      'a missing file',
      () => broken('missing', folder => rmSync(join(folder, 'train-labels-idx1-ubyte'))),
      /^dataset "mnist": expected train-labels-idx1-ubyte or .*, got no such file; /,
    ],
    [
      'a truncated IDX file',
      () =>
        broken('truncated', folder =>
          writeFileSync(join(folder, 'train-images-idx3-ubyte'), imagesWithRows(labels).subarray(0, 1000)),
        ),
      /truncated\/train-images-idx3-ubyte: expected .*, got .*; /,
    ],
    [
      'an IDX file of another magic',
      () => broken('magic', folder => writeFileSync(join(folder, 't10k-labels-idx1-ubyte'), 'PK\u0003\u0004 and more')),
      /magic\/t10k-labels-idx1-ubyte: expected .*, got .*; /,
    ],
    [
      'labels out of range',
      () => broken('labels', folder => writeData(folder, [0, 1, 2, 3, 10])),
      /labels\/.*: expected .*, got .*10.*; /,
    ],
    [
      'a class that appears twice',
      () => ['--set', 'stream.classes=[[0, 1], [1, 2]]'],
      /^stream "split": .*expected .*, got .*; /,
    ],
    [
      'a class that does not exist',
      () => ['--set', 'stream.classes=[[0, 1], [2, 77]]'],
      /^stream "split": .*expected .*, got .*77.*; /,
    ],
    ['an empty task', () => ['--set', 'stream.classes=[[0, 1], [8, 9]]'], /expected .*, got .*; /],
    [
      'no example of a class',
      () => broken('none', folder => writeData(folder, [0, 1, 2])),
      /^stream "split": task 2 \("2, 3"\): expected training examples of the class "3", got none; /,
    ],
    [
      'NaN in the data',
      () => ['--set', 'dataset=./nan.mjs'],
      /expected finite numbers, got NaN in example 2, position 1; /,
    ],
    [
      'shapes that do not fit',
      () => [
        '--set',
        'embedder={ use: mlp, codes: 40 }',
        '--set',
        'decoder=dct',
        '--set',
        'phases=[recall, learn, decode, memorize]',
      ],
      /expected .*, got .*; /,
    ],
    [
      'an output folder that holds something',
      () => ['--out', 'data'],
      /^--out .*data: expected an empty folder or none, got one with t10k-images-idx3-ubyte, .*; /,
    ],
    [
      'an output folder that cannot be',
      () => ['--out', 'tiny.yaml/results'],
      /^--out .*tiny\.yaml\/results: expected a folder that can be written to, got .*; /,
    ],
    [
      'two recipes of one name',
      () => ['run', 'tiny.yaml', 'tiny.yaml'],
      /^recipes: expected a name for each, got "tiny" twice; /,
    ],
  ]

  test.each(cases)('%s', async (_, argv, message) => {
    writeFileSync(join(home, 'nan.mjs'), nanDataset)
    const given = argv()
    const full = given[0] === 'run' ? given : ['run', 'tiny.yaml', ...given]
    const withOut = full.includes('--out') ? full : [...full, '--out', 'refused']
    const before = readdirSync(home)
    const { code, out, err } = await lgm(...withOut)
    expect(err).toMatch(message)
    expect(err.split('\n')).toHaveLength(1)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    rmSync(join(home, 'refused'), { recursive: true, force: true })
    expect(readdirSync(home)).toEqual(before)
  })

  test('a run that did not begin leaves its folder as it was, so that the corrected one can have it', async () => {
    expect((await lgm('run', 'tiny.yaml', '--set', 'dataset.folder=nowhere', '--out', 'later')).code).toBe(2)
    expect(readdirSync(join(home, 'later'))).toEqual([])
    expect(
      (await lgm('run', 'tiny.yaml', '--set', 'phases.learn.iterations=1', '--out', 'later', '--quiet')).code,
    ).toBe(0)
  })

  test.each([
    [['runn', 'tiny.yaml'], /unknown command 'runn'/],
    [['run'], /missing required argument 'recipe'/],
    [['run', 'tiny.yaml', '--sed', '3'], /unknown option '--sed'/],
    [['run', 'tiny.yaml', '--seed', '-3'], /expected a whole number from 0/],
    [['run', 'tiny.yaml', '--seeds', '4..0'], /expected up to 1000 different seeds/],
    [['run', 'tiny.yaml', '--seeds', '1,1'], /expected up to 1000 different seeds/],
    [['run', 'tiny.yaml', '--seed', '1', '--seeds', '0..1'], /cannot be used with option/],
    [['run', 'tiny.yaml', '--quiet', '--json'], /cannot be used with option/],
    [['plugins', 'regularisers'], /expected a point, got "regularisers"; did you mean "regularizers"\?/],
    [['data', 'fetch', 'mnits'], /dataset "mnits" is not installed; did you mean "mnist"\?/],
    [
      ['data', 'fetch', 'mnist'],
      /expected one that is downloaded, got one that comes with its package or from you; these are: fashion-mnist/,
    ],
  ])('%s', async (argv, message) => {
    const { code, err } = await lgm(...argv)
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})

test('a loss that is NaN fails the run with exit code 1, and says the step, the term and the likely cause', async () => {
  const { code, err } = await lgm('run', 'tiny.yaml', '--set', 'phases.learn.optimizer.rate=1e38', '--out', 'nan')
  expect(code).toBe(1)
  expect(err).toMatch(
    /^learn: expected finite losses, got NaN in the term "current" at step \d+ of 60; likely too high a rate/,
  )
  expect(readdirSync(join(home, 'nan')).sort()).toEqual(['events.jsonl', 'recipe.resolved.yaml'])
  expect(readFileSync(join(home, 'nan/events.jsonl'), 'utf8')).toContain('"type":"run-failed"')
})

test('--debug shows where an error comes from', async () => {
  const { code, err } = await lgm('run', 'none.yaml', '--debug')
  expect(code).toBe(2)
  expect(err).toMatch(/\n {4}at /)
})

describe('lgm validate', () => {
  test('says what is fine without starting an engine, and with --data lists the tasks', async () => {
    const checked = await lgm('validate', 'tiny.yaml', '--set', 'backend=native')
    expect(checked).toMatchObject({ code: 0, err: '' })
    expect(checked.out).toMatch(/^tiny\.yaml: fine \(dataset\/mnist, stream\/split, .*backend\/native\)$/)
    expect((await lgm('validate', 'tiny.yaml', '--data')).out).toMatch(/2, 3.*80.*0.*80/)
  })

  test('says what does not fit', async () => {
    expect(await lgm('validate', 'tiny.yaml', '--set', 'head=null')).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected one head'),
    })
  })
})

describe('what the plugins say of themselves', () => {
  test('is listed by point', async () => {
    const { out } = await lgm('plugins')
    expect(out).toMatch(/^dataset \(at most one; key dataset\): /)
    expect(out).toMatch(/\n {2}gaussian +\S/)
    expect(out).not.toContain('does not load')
  })

  test('is shown with options, types, defaults and meanings', async () => {
    const { out } = await lgm('plugins', 'phase/learn')
    expect(out).toMatch(/iterations +integer > 0 +default 500\n +training steps per task\n/)
    expect(out).toMatch(/optimizer\.use +sgd \| adam \| adamw +default "adam"/)
    expect((await lgm('plugins', 'observers')).out).toMatch(/console[\s\S]*jsonl/)
  })

  test('gives the JSON schema of recipes', async () => {
    const schema = JSON.parse((await lgm('schema')).out)
    expect(schema.$schema).toContain('2020-12')
    expect(schema.properties).toMatchObject({ seed: { type: 'integer', minimum: 0 }, phases: { type: 'array' } })
    const learn = schema.$defs['phase-learn']
    expect(learn).toMatchObject({
      properties: { use: { const: 'learn' }, iterations: { default: 500 } },
      additionalProperties: false,
      required: ['use'],
    })
    expect(schema.properties.head.anyOf).toContainEqual({ $ref: '#/$defs/head-linear' })
  })
})

test('lgm doctor tells what the machine has', async () => {
  const { code, out } = await lgm('doctor')
  expect(code).toBe(0)
  for (const about of [
    'Node',
    'memory',
    'threads',
    'native engine',
    'wasm engine',
    'TensorFlow.js',
    'cache folder',
    'installed plugins',
  ])
    expect(out).toMatch(new RegExp(`^. ${about}: .+`, 'm'))
})

describe('as a process of its own', () => {
  /** Starts the command from its sources, and tells what it does. */
  function start(...argv: string[]) {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../../tools/lgm.mjs', import.meta.url)), ...argv],
      { cwd: home },
    )
    const said = { out: '', err: '' }
    child.stdout.on('data', chunk => {
      said.out += chunk
    })
    child.stderr.on('data', chunk => {
      said.err += chunk
    })
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    const until = (text: string) =>
      new Promise<void>(resolve => {
        const look = setInterval(() => {
          if (!existsSync(join(home, text))) return
          clearInterval(look)
          resolve()
        }, 20)
      })
    return { child, said, ended, until }
  }

  test('Ctrl-C stops it with exit code 130, leaves what --resume needs, and says so', async () => {
    const { child, said, ended, until } = start(
      'run',
      'tiny.yaml',
      '--set',
      'phases.learn.iterations=1000000',
      '--out',
      'stopped',
    )
    await until('stopped/events.jsonl')
    const events = () => readFileSync(join(home, 'stopped/events.jsonl'), 'utf8')
    await expect.poll(events, { timeout: 60_000 }).toContain('"type":"step"')
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(said.out).toBe('')
    expect(said.err.trim().split('\n')).toEqual([
      'interrupted: stopping within 20 steps; once more stops at once',
      'stopped; the same command with --resume goes on from here',
    ])
    expect(readdirSync(join(home, 'stopped')).sort()).toEqual(['checkpoints', 'events.jsonl', 'recipe.resolved.yaml'])
    expect(readdirSync(join(home, 'stopped/checkpoints/underway')).sort()).toEqual([
      'fit-1.safetensors',
      'manifest.json',
    ])
    expect(readFileSync(join(home, 'stopped/events.jsonl'), 'utf8')).toContain('interrupted')
  })

  test('results go to the standard output and progress to the error output', async () => {
    const { said, ended } = start(
      'run',
      'tiny.yaml',
      '--set',
      'observers=[console]',
      '--set',
      'phases.learn.iterations=5',
    )
    expect(await ended).toBe(0)
    expect(said.out).toContain('numbers kept between tasks')
    expect(said.err).toContain('✔ task 2/2 (2, 3)')
    expect(said.err).not.toContain('┌')
  })
})

/** A data set with a value that is no number, as a file of a user. */
const nanDataset = `
  const definition = {
    point: { name: 'dataset', arity: 'optional', token: Symbol.for('lgm/dataset') }, name: 'nan', summary: '',
    class: class {
      async load() {
        const { arrayExamples } = globalThis.lgmCore
        return { train: arrayExamples(Float32Array.of(0, 1, 2, 3, 4, NaN), [2], Int32Array.of(0, 1, 2)), test: undefined, classes: [] }
      }
    },
  }
  export const nan = Object.assign(() => ({ definition, options: {} }), { definition })
`
