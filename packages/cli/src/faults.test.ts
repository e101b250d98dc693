import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { balanced, call, enterHome, eventsIn, leftBy, program, removeHome } from './home.fixture.js'

let home: string

/** What is kept grows with the classes: by some 13 KB a task. */
const recipe = `
name: faulty
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3], [4, 5]] }
embedder: { use: dct, coefficients: 16 }
head: linear
generator: buffer
phases: [ { use: recall, perClass: 20 }, { use: learn, iterations: 20, batchSize: 16 }, memorize ]
evaluators: [ accuracy ]
observers: [ ./fault.mjs ]
`

/** An observer that brings about what LGM_TEST_FAULT names, when the third task begins; the others are saved by then. */
const fault = `
import { chmodSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
const faults = {
  moved: run => renameSync(run, run + '-moved'),
  picture: run => mkdirSync(run + '/accuracy.svg'),
  file: run => writeFileSync(run + '/checkpoints/task-3', ''),
  readOnly: run => {
    for (const folder of [run, run + '/checkpoints']) chmodSync(folder, 0o555)
    // nothing is read-only for root
    if (process.geteuid() === 0) process.seteuid(65534)
  },
  descriptors: () => {
    try {
      while (true) openSync('/dev/null')
    } catch {}
  },
}
const definition = {
  point: { name: 'observer', arity: 'many', token: Symbol.for('lgm/observer') }, name: 'fault', summary: '',
  class: class {
    notice(event) {
      const [name, run] = (process.env.LGM_TEST_FAULT ?? '').split(':')
      if (event.type === 'task-start' && event.task === 2) faults[name]?.(run)
    }
  },
}
export const fault = Object.assign(() => ({ definition, options: {} }), { definition })
`

beforeAll(async () => {
  home = enterHome({ 'faulty.yaml': recipe, 'fault.mjs': fault }, balanced(6, 600))
  expect(await run('whole')).toEqual({ code: 0, err: 'results are in whole' })
}, 120_000)
afterEach(() => {
  delete process.env.LGM_TEST_FAULT
})
afterAll(() => removeHome(home))

async function run(out: string, ...more: string[]): Promise<{ code: number; err: string }> {
  const { code, err } = await call(home, ['run', 'faulty.yaml', '--out', out, ...more])
  return { code, err }
}

/** Starts the command behind lines of the shell, as `ulimit -n 64`. */
async function limited(shell: string, ...argv: string[]): Promise<{ code: number; err: string }> {
  const child = spawn('sh', ['-c', shell, process.execPath, program, ...argv], { cwd: home })
  let err = ''
  child.stderr.on('data', chunk => {
    err += chunk
  })
  child.stdout.resume()
  const [code] = await once(child, 'close')
  return { code, err: err.trimEnd() }
}

/** That a run which failed in its third task left two good checkpoints and nothing half-written, and goes on to the same bits. */
async function expectToGoOn(out: string): Promise<void> {
  const folder = join(home, out)
  const files = readdirSync(folder).filter(name => !name.startsWith('.lgm-lock'))
  expect(files.sort()).toEqual(['checkpoints', 'events.jsonl', 'recipe.resolved.yaml'])
  expect(readdirSync(join(folder, 'checkpoints')).sort()).toEqual(['task-1', 'task-2'])
  expect(readFileSync(join(folder, 'events.jsonl'), 'utf8').endsWith('}\n')).toBe(true)
  expect(eventsIn(folder).filter(({ type }) => type === 'task-end')).toHaveLength(3)
  expect(await run(out, '--resume')).toEqual({ code: 0, err: `results are in ${out}` })
  expect(leftBy(folder)).toEqual(leftBy(join(home, 'whole')))
}

describe('a run whose disk fails ends with one line and exit code 1, and goes on afterwards to the same bits', () => {
  test('when a file becomes larger than it may, as on a full disk', async () => {
    // in blocks of 512 bytes: enough for what two tasks leave
    const { code, err } = await limited('ulimit -f 64; exec "$0" "$@"', 'run', 'faulty.yaml', '--out', 'full')
    expect(err).toMatch(
      /^[^\n]*full\/checkpoints\/task-3: expected a folder that can be written, got EFBIG[^\n]*; raise the limit of the size of files: ulimit -f$/,
    )
    expect(code).toBe(1)
    await expectToGoOn('full')
  })

  test('when no more files can be opened', async () => {
    process.env.LGM_TEST_FAULT = 'descriptors:'
    const { code, err } = await limited('ulimit -n 256; exec "$0" "$@"', 'run', 'faulty.yaml', '--out', 'open')
    expect(err).toMatch(
      /^[^\n]*open\/checkpoints\/task-3: expected [^\n]*, got EMFILE[^\n]*; raise the limit of open files: ulimit -n$/,
    )
    expect(code).toBe(1)
    delete process.env.LGM_TEST_FAULT
    await expectToGoOn('open')
  })

  test('when its folder becomes read-only', async () => {
    chmodSync(home, 0o755)
    const folder = join(home, 'fixed')
    process.env.LGM_TEST_FAULT = `readOnly:${folder}`
    const { code, err } = await run('fixed').finally(() => {
      if (process.getuid?.() === 0) process.seteuid?.(0)
      for (const name of ['', 'checkpoints']) chmodSync(join(folder, name), 0o755)
    })
    expect(err).toMatch(
      /^[^\n]*fixed\/checkpoints\/task-3: expected a folder that can be written, got EACCES[^\n]*; allow writing there/,
    )
    expect(code).toBe(1)
    delete process.env.LGM_TEST_FAULT
    // its lock could not be removed, and its process, this one, lives on
    rmSync(join(folder, '.lgm-lock'))
    await expectToGoOn('fixed')
  })

  test('when its folder vanishes, which is not made again with half of the run in it', async () => {
    const folder = join(home, 'gone')
    for (const often of [['--checkpoint-minutes', '0'], []]) {
      rmSync(folder, { recursive: true, force: true })
      process.env.LGM_TEST_FAULT = `moved:${folder}`
      const { code, err } = await run('gone', ...often)
      expect(err).toBe(
        `${folder}: expected the folder in which the run began, got none; it was removed or renamed while the run went on: run the recipe again`,
      )
      expect(code).toBe(1)
      expect(existsSync(folder)).toBe(false)
      delete process.env.LGM_TEST_FAULT
      renameSync(`${folder}-moved`, folder)
    }
    rmSync(join(folder, '.lgm-lock'))
    await expectToGoOn('gone')
  })

  test('when something else stands where a checkpoint is to be', async () => {
    const folder = join(home, 'taken')
    process.env.LGM_TEST_FAULT = `file:${folder}`
    const { code, err } = await run('taken')
    expect(err).toMatch(
      /^[^\n]*taken\/checkpoints\/task-3: expected a folder, got ENOTDIR[^\n]*; choose another place$/,
    )
    expect(code).toBe(1)
    delete process.env.LGM_TEST_FAULT
    rmSync(join(folder, 'checkpoints/task-3'))
    await expectToGoOn('taken')
  })
})

test('a run that ended before its picture was there is not finished, and goes on to both', async () => {
  const folder = join(home, 'dark')
  process.env.LGM_TEST_FAULT = `picture:${folder}`
  const { code, err } = await run('dark')
  expect(err).toMatch(/^[^\n]*dark\/accuracy\.svg: expected /)
  expect(code).toBe(1)
  expect(existsSync(join(folder, 'report.json'))).toBe(false)
  delete process.env.LGM_TEST_FAULT
  rmSync(join(folder, 'accuracy.svg'), { recursive: true })
  expect(await run('dark', '--resume')).toEqual({ code: 0, err: 'results are in dark' })
  expect(readdirSync(folder).sort()).toEqual(readdirSync(join(home, 'whole')).sort())
  expect(leftBy(folder)).toEqual(leftBy(join(home, 'whole')))
})

describe('a place where nothing can be written', () => {
  test('is refused before the run, and nothing stays there', async () => {
    const nothing = await limited('ulimit -f 0; exec "$0" "$@"', 'run', 'faulty.yaml', '--out', 'nothing')
    expect(nothing.err).toMatch(
      /^--out [^\n]*nothing: expected a folder that can be written to, got EFBIG[^\n]*; raise the limit/,
    )
    expect(nothing.code).toBe(2)
    expect(readdirSync(join(home, 'nothing'))).toEqual([])
  })

  test.skipIf(!existsSync('/sys/kernel'))(
    'is refused where the system makes no folders, for root as well',
    async () => {
      const { code, err } = await run('/sys/kernel/lgm')
      expect(err).toMatch(/^--out \/sys\/kernel\/lgm: expected a folder that can be written to, got E[^\n]*; [^\n]+$/)
      expect(code).toBe(2)
    },
  )

  test.skipIf(!existsSync('/dev/full'))('as the standard output is said on the error output, in one line', async () => {
    expect(await limited('exec "$0" "$@" >/dev/full', 'run', '--help')).toEqual({
      code: 1,
      err: expect.stringMatching(
        /^standard output: expected a place for the results, got ENOSPC[^\n]*; free some space$/,
      ),
    })
    expect(await limited('exec "$0" "$@" 2>/dev/full', 'run', 'none.yaml')).toEqual({ code: 2, err: '' })
  })
})
