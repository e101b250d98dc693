import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expected, writeRemedy, z } from '@lgm/core'

/** The lock of a run's folder, while a process works on it; what begins with this name helps to replace one that is left. */
export const lockFile = '.lgm-lock'

const holderSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** When the process began, where the system tells: a number of a process is given again. */
  began: z.string().optional(),
  token: z.uuid(),
})

/** Who holds a lock. */
type Holder = z.output<typeof holderSchema>

/** How often a lock is looked at that another process is just writing, or gives up. */
const attempts = 50
const pause = 20

/**
 * Makes a folder if there is none, and takes it for this process until the function returned is called, or the process ends. The lock of a
 * process that was killed does not keep: it is replaced, by one process only, however many try.
 * @throws LgmError `locked` naming the process that works on the folder; `output` when the folder cannot be written to.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, lockFile)
  const holder: Holder = { pid: process.pid, host: hostname(), ...beginning(process.pid), token: randomUUID() }
  try {
    mkdirSync(folder, { recursive: true })
    acquire(path, holder, folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    const { message } = error as Error
    const remedy = writeRemedy(error, 'name another folder')
    throw expected(`--out ${folder}`, 'a folder that can be written to', message, remedy, 'output')
  }
  const release = () => {
    process.off('exit', release)
    if (read(path)?.token !== holder.token) return
    try {
      rmSync(path, { force: true })
    } catch {
      // one that cannot be removed any more does not keep beyond the end of this process
    }
  }
  process.on('exit', release)
  sweep(folder)
  return release
}

/** @throws LgmError `locked` when a process works on a folder. */
export function refuseLocked(folder: string): void {
  const holder = read(join(folder, lockFile))
  if (holder && lives(holder)) throw locked(folder, holder)
}

function acquire(path: string, mine: Holder, folder: string): void {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (create(path, mine)) return
    const holder = read(path)
    if (holder && lives(holder)) throw locked(folder, holder)
    // one that cannot be read is just being written, or was left by a process killed while it wrote
    if (!holder && attempt < attempts - 2) wait()
    else replace(path, holder, mine, folder)
  }
  throw expected(`--out ${folder}`, 'a lock', `none in ${attempts} attempts`, `remove ${path}`, 'locked')
}

/** Removes the lock of a dead process. Only who holds the lock on doing so may: else a second would remove the lock of the first. */
function replace(path: string, dead: Holder | undefined, mine: Holder, folder: string): void {
  const claim = `${path}.${dead?.token ?? 'unreadable'}`
  acquire(claim, mine, folder)
  if (read(path)?.token === dead?.token) rmSync(path, { force: true })
  rmSync(claim, { force: true })
}

/** Makes the file, unless there is one; where the disk is full, none stays. */
function create(path: string, holder: Holder): boolean {
  const file = openNew(path)
  if (file === undefined) return false
  try {
    writeFileSync(file, `${JSON.stringify(holder)}\n`)
    return true
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

function openNew(path: string): number | undefined {
  try {
    return openSync(path, 'wx')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

/** Who holds the lock; `undefined` where there is none, or it cannot be read. */
function read(path: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

/** Whether a process still runs. Of one on another machine this cannot be known, and it counts as running. */
function lives({ pid, host, began }: Holder): boolean {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user's
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = beginning(pid)
  return now.ended !== true && (began === undefined || now.began === undefined || began === now.began)
}

/** When a process began: the machine's start, and clock ticks since, as Linux tells. `ended` where it only waits to be buried. */
function beginning(pid: number): { readonly began?: string; readonly ended?: true } {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // behind the name of the program, in which anything may stand: state, 18 more numbers, start
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return /[ZX]/.test(fields[0]!) ? { ended: true } : { began: `${boot} ${fields[19]}` }
  } catch {
    return {}
  }
}

/** Takes away what processes left that were killed while they replaced a lock. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${lockFile}.`)) continue
    const holder = read(join(folder, name))
    if (!holder || !lives(holder)) rmSync(join(folder, name), { force: true })
  }
}

function wait(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
}

function locked(folder: string, { pid, host }: Holder): Error {
  const elsewhere = host === hostname() ? '' : ` on ${host}`
  const remedy = elsewhere
    ? `name another folder, or wait until it ends; if it does not run any more, remove ${join(folder, lockFile)}`
    : 'name another folder, or wait until it ends'
  return expected(
    `--out ${folder}`,
    'a folder that no run works on',
    `one of process ${pid}${elsewhere}`,
    remedy,
    'locked',
  )
}
