import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeAnswers, evaluationSchema } from '@lgm/answers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { balanced, call, enterHome, removeHome } from './home.fixture.js'

let home: string

const evaluators = `
  - { use: accuracy, detail: [classes, confusion] }
  - { use: calibration, bins: 7, detail: [tasks, bins] }`

const recipe = `
name: tiny
seed: 3
readout: ensemble
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3], [4, 5]] }
embedder: { use: dct, coefficients: 16 }
head: linear
generator: { use: gaussian, components: 1 }
phases: [ { use: recall, perClass: 20 }, { use: learn, iterations: 30, early: 3 }, memorize ]
evaluators: ${evaluators}
observers: []
`

beforeAll(async () => {
  // every fifth image has the next label's row
  const row = (label: number, i: number) => (i % 5 === 0 ? (label + 1) % 6 : label)
  home = enterHome({ 'tiny.yaml': recipe, 'seconds.mjs': secondsEvaluator }, balanced(6, 120), { row })
  const { code, err } = await lgm('run', 'tiny.yaml', '--save-answers', '--out', 'run')
  expect({ code, err }).toEqual({ code: 0, err: 'results are in run' })
}, 60_000)
afterAll(() => removeHome(home))

const lgm = (...argv: string[]) => call(home, argv)

const json = (path: string) => JSON.parse(readFileSync(join(home, path), 'utf8'))
const evaluation = (path: string) => evaluationSchema.parse(json(path))
const copyOf = (name: string) => cpSync(join(home, 'run'), join(home, name), { recursive: true })
const bytes = (name: string) =>
  readdirSync(join(home, name, 'answers'))
    .sort()
    .map(file => [file, readFileSync(join(home, name, 'answers', file), 'hex')])

describe('lgm run --save-answers', () => {
  test('writes what every read-out answers on the test sets met, after each task', () => {
    const file = (task: number) => readFileSync(join(home, `run/answers/task-${task}.safetensors`))
    expect(readdirSync(join(home, 'run/answers')).sort()).toEqual([1, 2, 3].map(task => `task-${task}.safetensors`))
    const { answers, task, seen } = decodeAnswers(file(2))
    expect([task, seen.names, seen.scenario]).toEqual([1, ['0', '1', '2', '3'], 'class'])
    expect(
      answers.map(({ task, labels, classes, scores }) => [task, labels.length, classes, Object.keys(scores)]),
    ).toEqual([0, 1].map(task => [task, 40, 4, ['head', 'bayes', 'ensemble']]))
  })

  test('changes nothing in the run', async () => {
    expect((await lgm('run', 'tiny.yaml', '--out', 'without', '--quiet')).code).toBe(0)
    expect(existsSync(join(home, 'without/answers'))).toBe(false)
    const [withAnswers, without] = ['run', 'without'].map(name => json(`${name}/report.json`))
    expect(without.rows).toEqual(withAnswers.rows)
    expect(readFileSync(join(home, 'without/recipe.resolved.yaml'))).toEqual(
      readFileSync(join(home, 'run/recipe.resolved.yaml')),
    )
  }, 60_000)

  test('has the same files after a run that was taken up again, said again or not, from a task or from the start', async () => {
    for (const [name, left, again] of [
      ['midway', 2, []],
      ['begun', 0, []],
      ['told', 2, ['--save-answers']],
    ] as const) {
      await stoppedBeforeTheEnd(name)
      for (const task of [2, 3].filter(task => task > left))
        rmSync(join(home, name, `checkpoints/task-${task}`), { recursive: true, force: true })
      // what a killed run had written of the task underway, and no more
      rmSync(join(home, name, 'answers/task-3.safetensors'))
      writeFileSync(join(home, name, 'answers/.task-3.safetensors.1.partial'), 'half')
      const { code } = await lgm('run', 'tiny.yaml', '--out', name, '--resume', '--quiet', ...again)
      expect(code).toBe(0)
      expect(bytes(name)).toEqual(bytes('run'))
    }
  }, 120_000)

  test('is refused without a folder, and by a run that began without it', async () => {
    expect(await lgm('run', 'tiny.yaml', '--save-answers')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--save-answers: expected --out with the folder of the run'),
    })
    await stoppedBeforeTheEnd('late')
    rmSync(join(home, 'late/answers'), { recursive: true })
    const late = await lgm('run', 'tiny.yaml', '--out', 'late', '--resume', '--save-answers')
    expect(late.code).toBe(2)
    expect(late.err).toMatch(
      /late: expected a run whose answers were saved from the beginning, got one without answers\/task-1\.safetensors; run the recipe anew/,
    )
    copyOf('finished')
    rmSync(join(home, 'finished/answers'), { recursive: true })
    const finished = await lgm('run', 'tiny.yaml', '--out', 'finished', '--resume', '--save-answers')
    expect([finished.code, finished.err]).toEqual([2, expect.stringContaining('from the beginning')])
  }, 60_000)

  test('leaves nothing where the run did not begin', async () => {
    const argv = ['run', 'tiny.yaml', '--save-answers', '--set', 'dataset.folder=nowhere', '--out', 'not-begun']
    expect((await lgm(...argv)).code).toBe(2)
    expect(readdirSync(join(home, 'not-begun'))).toEqual([])
  })
})

describe('lgm evaluate', () => {
  test('finds in saved answers, without the model, the rows and the summary of the report, to the bit', async () => {
    copyOf('only-answers')
    rmSync(join(home, 'only-answers/checkpoint'), { recursive: true })
    const before = readFileSync(join(home, 'only-answers/report.json'))
    const { code, out, err } = await lgm('evaluate', 'only-answers')
    expect({ code, err }).toEqual({
      code: 0,
      err: `results are in ${join(home, 'only-answers/evaluation.json')}`,
    })
    const { rows, summary, leftOut, evaluators, ...rest } = evaluation('only-answers/evaluation.json')
    const report = json('only-answers/report.json')
    expect(rows).toEqual(report.rows)
    expect(summary).toEqual(report.summary)
    expect(JSON.stringify([rows, summary])).toBe(JSON.stringify([report.rows, report.summary]))
    expect(summary.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ACC/ensemble', 'LCA', 'expected-calibration-error/bayes']),
    )
    expect(rest).toEqual({ version: 1, name: 'tiny', seed: 3 })
    expect([leftOut, evaluators.map(({ use }) => use)]).toEqual([[], ['accuracy', 'calibration']])
    expect(evaluators[1]).toMatchObject({ bins: 7, binning: 'equal-width' })
    expect(readFileSync(join(home, 'only-answers/report.json'))).toEqual(before)
    expect(out).toMatch(/^tiny, seed 3, from saved answers\n[\s\S]*read-out.*ACC.*expected-calibration-error/)
    expect(readdirSync(join(home, 'only-answers')).filter(name => name.startsWith('.'))).toEqual([])
  })

  test('finds what a run with other options would have found', async () => {
    const set = ['--set', 'evaluators.calibration.bins=3']
    expect((await lgm('evaluate', 'run', '--evaluators', 'calibration', ...set, '--out', 'three.json')).code).toBe(0)
    expect((await lgm('run', 'tiny.yaml', ...set, '--out', 'three', '--quiet')).code).toBe(0)
    const ofCalibration = (rows: { name: string; unit: string }[][]) =>
      rows.map(row => row.filter(({ name }) => /calibration|likelihood|brier|reliability/.test(name)))
    const { rows, evaluators } = evaluation('three.json')
    const expectedRows = ofCalibration(json('three/report.json').rows)
    expect(expectedRows[2]!.length).toBeGreaterThan(6)
    expect(ofCalibration(rows)).toEqual(expectedRows)
    expect(ofCalibration(rows)).not.toEqual(ofCalibration(json('run/report.json').rows))
    // the options of the recipe's own stay
    expect(evaluators).toEqual([{ use: 'calibration', bins: 3, binning: 'equal-width', detail: ['tasks', 'bins'] }])
    expect(existsSync(join(home, 'run/evaluation.json'))).toBe(false)
  }, 60_000)

  test('says of each evaluator that needs the model that it is left out, and why', async () => {
    const { code, out, err } = await lgm(
      'evaluate',
      'run',
      '--evaluators',
      'drift,accuracy,./seconds.mjs',
      '--out',
      'some.json',
    )
    expect(code).toBe(0)
    expect(err.split('\n').slice(0, 2)).toEqual([
      'drift is left out: it works on the model itself (embedder, decoder, regularizer); name it in the recipe of a run',
      'seconds is left out: it reads what is not saved (seconds by phase); name it in the recipe of a run',
    ])
    expect(out).toContain('ACC')
    expect(evaluation('some.json').leftOut.map(({ evaluator }) => evaluator)).toEqual(['drift', 'seconds'])
    const none = await lgm('evaluate', 'run', '--evaluators', 'drift,footprint')
    expect([none.code, none.out]).toEqual([2, ''])
    expect(none.err).toMatch(
      /an evaluator that works from answers.*, got drift: .*; footprint: .*; run the recipe again/,
    )
  })

  test('evaluates several runs, each into its own folder', async () => {
    for (const name of ['many/a', 'many/b']) copyOf(name)
    const { code, out } = await lgm('evaluate', 'many', '--evaluators', 'accuracy')
    expect(code).toBe(0)
    expect(out.match(/from saved answers/g)).toHaveLength(2)
    expect(evaluation('many/a/evaluation.json')).toEqual(evaluation('many/b/evaluation.json'))
    expect((await lgm('evaluate', 'many', '--out', 'x.json')).err).toMatch(/--out: expected one run, got 2/)
  })

  test('says how many tasks it has read, where that takes long', async () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 3000))
    const { code, err } = await lgm('evaluate', 'run', '--evaluators', 'accuracy')
    vi.restoreAllMocks()
    expect(code).toBe(0)
    expect(err.split('\n').slice(0, -1)).toEqual([1, 2, 3].map(task => `${join(home, 'run')}: task ${task} of 3`))
  })

  test('refuses what cannot be evaluated, and says what to do', async () => {
    mkdirSync(join(home, 'empty'))
    for (const [name, damage] of [
      ['no-answers', (folder: string) => rmSync(join(folder, 'answers'), { recursive: true })],
      ['one-missing', (folder: string) => rmSync(join(folder, 'answers/task-2.safetensors'))],
      ['cut', (folder: string) => truncateSync(join(folder, 'answers/task-2.safetensors'), 2000)],
      ['cut-short', (folder: string) => truncateSync(join(folder, 'answers/task-2.safetensors'), 3)],
    ] as const) {
      copyOf(name)
      damage(join(home, name))
    }
    for (const [argv, message] of [
      [['nowhere'], /nowhere/],
      [['empty'], /expected runs, got no folder with a report\.json/],
      [
        ['no-answers'],
        /expected saved answers, got no folder answers; run the recipe again with --save-answers: lgm run .*recipe\.resolved\.yaml --save-answers --out FOLDER/,
      ],
      [['one-missing'], /expected a file after each of 3 tasks, got no task-2\.safetensors; run the recipe again/],
      [['cut'], /cut\/answers\/task-2\.safetensors: expected .*; the file is damaged/],
      [['cut-short'], /task-2\.safetensors: expected at least 8 bytes, got 3/],
      [['run', '--evaluators', 'acuracy'], /evaluator "acuracy" is not installed; did you mean "accuracy"\?/],
      [['run', '--set', 'evaluators.calibration.bins=0'], /evaluator "calibration": bins: expected .* got 0/],
      [
        ['run', '--set', 'evaluators=[]'],
        /expected evaluators, got a recipe without any; name some: --evaluators accuracy/,
      ],
      [
        ['run', '--set', 'seed=4'],
        /--set seed=4: expected a change of evaluators, got another; the run itself is over/,
      ],
      [['run', '--out', 'no/such/folder/x.json'], /x\.json: expected a file that can be written/],
    ] as const) {
      const { code, out, err } = await lgm('evaluate', ...argv)
      expect(err).toMatch(message)
      expect(err).not.toMatch(/unexpected|\n\s+at /)
      expect([code, out]).toEqual([2, ''])
    }
  })
})

/** A run whose report cannot be written: it ends with all checkpoints there. */
async function stoppedBeforeTheEnd(name: string): Promise<void> {
  mkdirSync(join(home, name))
  const stopped = lgm('run', 'tiny.yaml', '--save-answers', '--out', name)
  // a file where the last checkpoint is to be a folder
  await expect.poll(() => existsSync(join(home, name, 'events.jsonl')), { interval: 5, timeout: 30_000 }).toBe(true)
  writeFileSync(join(home, name, 'checkpoint'), '')
  expect((await stopped).code).toBe(1)
  rmSync(join(home, name, 'checkpoint'))
}

/** An evaluator of a user that needs no part of the learner, but what was not saved. */
const secondsEvaluator = `
  const definition = {
    point: { name: 'evaluator', arity: 'many', token: Symbol.for('lgm/evaluator') }, name: 'seconds', summary: '',
    class: class {
      evaluate(state, answers, facts) {
        return [{ name: 'seconds', value: facts.seconds.learn, unit: 'seconds', aggregation: 'of the phase learn' }]
      }
    },
  }
  export const seconds = Object.assign(() => ({ definition, options: {} }), { definition })
`
