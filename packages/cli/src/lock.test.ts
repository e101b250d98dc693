import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { balanced, call, enterHome, program, removeHome } from './home.fixture.js'
import { lockFile, lockFolder, refuseLocked } from './lock.js'

let home: string
beforeAll(() => {
  home = enterHome({ 'long.yaml': recipe(1_000_000), 'short.yaml': recipe(2) }, balanced(4, 40))
})
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => removeHome(home))

const recipe = (iterations: number) => `
name: locked
backend: wasm
dataset: { use: mnist, folder: data }
stream: { use: split, classes: [[0, 1], [2, 3]] }
embedder: { use: dct, coefficients: 4 }
head: linear
phases: [ { use: learn, iterations: ${iterations}, batchSize: 8 } ]
evaluators: [ accuracy ]
observers: []
`

const lgm = (...argv: string[]) => call(home, argv)

/** A run in a process of its own that has begun to learn and has long to go. */
async function running(out: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, 'run', 'long.yaml', '--out', out], { cwd: home, stdio: 'ignore' })
  children.push(child)
  await expect.poll(() => existsSync(join(home, out, 'events.jsonl')), { interval: 20, timeout: 90_000 }).toBe(true)
  return child
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

const locks = (folder: string) => readdirSync(folder).filter(name => name.startsWith(lockFile))

describe('two runs on one folder', () => {
  test('the second is refused with the number of the first, and leaves it alone; once the first is killed, it goes on', async () => {
    const first = await running('one')
    const before = readdirSync(join(home, 'one')).sort()
    for (const more of [[], ['--resume']]) {
      const { code, err } = await lgm('run', 'long.yaml', '--out', 'one', ...more)
      expect([code, err]).toEqual([
        2,
        `--out ${join(home, 'one')}: expected a folder that no run works on, got one of process ${first.pid}; name another folder, or wait until it ends`,
      ])
    }
    expect(readdirSync(join(home, 'one')).sort()).toEqual(before)
    await ended(first, 'SIGKILL')
    expect(locks(join(home, 'one'))).toEqual([lockFile])
    const resumed = await lgm('run', 'short.yaml', '--out', 'one', '--resume')
    // the lock did not keep it: what does is the other recipe
    expect(resumed.err).toContain('expected the recipe that the run began with')
    expect(locks(join(home, 'one'))).toEqual([])
  }, 120_000)

  test('a run that is interrupted gives the folder back', async () => {
    const first = await running('two')
    await ended(first, 'SIGINT')
    expect(first.exitCode).toBe(130)
    expect(locks(join(home, 'two'))).toEqual([])
  }, 120_000)

  test('a finished run leaves no lock, nor does one that fails, nor one that is refused', async () => {
    expect(await lgm('run', 'short.yaml', '--out', 'three')).toMatchObject({ code: 0 })
    expect(locks(join(home, 'three'))).toEqual([])
    writeFileSync(join(home, 'three', lockFile), JSON.stringify(holder({ pid: process.pid })))
    // a reader needs none
    expect((await lgm('run', 'short.yaml', '--out', 'three', '--resume')).code).toBe(0)
    rmSync(join(home, 'three', lockFile))
    expect((await lgm('run', 'short.yaml', '--out', 'three')).err).toContain('expected an empty folder or none')
    expect(locks(join(home, 'three'))).toEqual([])
    const failing = ['--set', 'dataset.folder=nowhere', '--out', 'four']
    expect((await lgm('run', 'short.yaml', ...failing)).code).toBe(2)
    expect(readdirSync(join(home, 'four'))).toEqual([])
  }, 60_000)
})

/** A process that is no more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid!
}

const holder = (over: object = {}) => ({
  pid: 1,
  host: hostname(),
  token: '5a0f5e0c-6b0c-4c1c-9d53-0d7f3a1b2c4d',
  ...over,
})

describe('a lock', () => {
  const folderWith = (name: string, content?: unknown) => {
    const folder = join(home, name)
    mkdirSync(folder)
    if (content !== undefined)
      writeFileSync(join(folder, lockFile), typeof content === 'string' ? content : JSON.stringify(content))
    return folder
  }

  test('is held by one at a time, within a process as well, and free when it is released', () => {
    const folder = join(home, 'new/folder')
    const release = lockFolder(folder)
    expect(() => lockFolder(folder)).toThrow(`got one of process ${process.pid}; `)
    expect(() => refuseLocked(folder)).toThrow(expect.objectContaining({ code: 'locked' }))
    release()
    expect(readdirSync(folder)).toEqual([])
    const again = lockFolder(folder)
    release()
    expect(() => lockFolder(folder), 'released twice, it is another’s').toThrow(/locked|no run works on/)
    again()
  })

  test('of a dead process does not keep, nor one whose number another process has', async () => {
    const dead = folderWith('dead', holder({ pid: await deadPid() }))
    refuseLocked(dead)
    lockFolder(dead)()
    expect(readdirSync(dead)).toEqual([])
    const reused = folderWith('reused', holder({ pid: process.pid, began: 'long ago' }))
    // without /proc there is no telling
    if (existsSync('/proc/self/stat')) lockFolder(reused)()
    else expect(() => lockFolder(reused)).toThrow()
  })

  test('that cannot be read was left by a process killed while it wrote', () => {
    for (const [name, content] of Object.entries({ empty: '', garbage: '{', other: '{"pid":-1}' })) {
      const folder = folderWith(name, content)
      lockFolder(folder)()
      expect(readdirSync(folder)).toEqual([])
    }
  })

  test('of another machine keeps, and the error says which and what to remove', () => {
    const folder = folderWith('elsewhere', holder({ pid: 7, host: 'node7' }))
    expect(() => lockFolder(folder)).toThrow(
      `got one of process 7 on node7; name another folder, or wait until it ends; if it does not run any more, remove ${join(folder, lockFile)}`,
    )
  })

  test('left while it was being replaced is replaced in turn, and swept away', async () => {
    const pid = await deadPid()
    const folder = folderWith('claimed', holder({ pid }))
    writeFileSync(
      join(folder, `${lockFile}.${holder().token}`),
      JSON.stringify(holder({ pid, token: crypto.randomUUID() })),
    )
    writeFileSync(join(folder, `${lockFile}.old`), '')
    const release = lockFolder(folder)
    expect(readdirSync(folder)).toEqual([lockFile])
    release()
  })

  test('that a living process is about to replace keeps', async () => {
    const folder = folderWith('replacing', holder({ pid: await deadPid() }))
    const claim = join(folder, `${lockFile}.${holder().token}`)
    writeFileSync(claim, JSON.stringify(holder({ pid: process.ppid, token: crypto.randomUUID() })))
    expect(() => lockFolder(folder)).toThrow(`got one of process ${process.ppid}; `)
    expect(readFileSync(claim, 'utf8')).toContain(`${process.ppid}`)
  })

  test('cannot be had where nothing can be written', () => {
    writeFileSync(join(home, 'file'), '')
    expect(() => lockFolder(join(home, 'file/folder'))).toThrow(
      expect.objectContaining({ code: 'output', message: expect.stringContaining('a folder that can be written to') }),
    )
  })
})
