/**
 * A folder that only one process on this machine may have at a time, to build in; gone when it is done or interrupted.
 */
import { mkdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The owner touches the folder every few seconds; untouched for so long, its owner was killed. */
const abandonedAfterSeconds = 60

/**
 * Runs `work` while this process holds `folder`; waits as long as another process holds it.
 * @template T
 * @param {string} folder
 * @param {{ waiting: () => void }} notice told once when there is a wait
 * @param {(folder: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withFolder(folder, { waiting }, work) {
  mkdirSync(dirname(folder), { recursive: true })
  for (let attempt = 0; !take(folder); attempt++) {
    if (attempt === 0) waiting()
    await sleep(1000)
  }
  const touching = setInterval(() => utimesSync(folder, new Date(), new Date()), 5000)
  const release = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  /** @type {(signal: NodeJS.Signals) => void} */
  const interrupted = signal => {
    release()
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    return await work(folder)
  } finally {
    clearInterval(touching)
    process.removeListener('SIGINT', interrupted)
    process.removeListener('SIGTERM', interrupted)
    release()
  }
}

/**
 * @param {string} folder
 * @returns {boolean} whether the folder is ours now
 */
function take(folder) {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
  }
  const touched = statSync(folder, { throwIfNoEntry: false })?.mtimeMs
  if (touched !== undefined && Date.now() - touched > abandonedAfterSeconds * 1000) discard(folder)
  return false
}

/**
 * Removes a folder; of several processes that try, one succeeds and the others do nothing.
 * @param {string} folder
 */
export function discard(folder) {
  const aside = `${folder}.discarded-${process.pid}-${Date.now()}`
  try {
    renameSync(folder, aside)
  } catch {
    return
  }
  rmSync(aside, { recursive: true, force: true, maxRetries: 3 })
}
