import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expected, writeRemedy } from '@lgm/core'
import { lockFile } from './lock.js'

/**
 * Makes a folder for results, or takes an empty one, and checks that it can be written to, so that no run is lost for want of a place.
 * @throws LgmError `output` when it holds something, or cannot be written to.
 */
export function makeOutFolder(folder: string): void {
  const entries = attempt(folder, () => {
    mkdirSync(folder, { recursive: true })
    return readdirSync(folder).filter(name => !name.startsWith(lockFile))
  })
  if (entries.length > 0) {
    const got = entries.slice(0, 3).join(', ') + (entries.length > 3 ? `, … (${entries.length})` : '')
    throw expected(
      `--out ${folder}`,
      'an empty folder or none',
      `one with ${got}`,
      'name another, or empty it, or go on with the run in it: --resume',
      'output',
    )
  }
  const probe = join(folder, '.probe')
  attempt(folder, () => writeAtomically(probe, ''))
  rmSync(probe)
}

function attempt<Result>(folder: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw expected(
      `--out ${folder}`,
      'a folder that can be written to',
      (error as Error).message,
      writeRemedy(error, 'name another folder'),
      'output',
    )
  }
}

/** Takes away what was written for a run that did not begin, and unless `keep` the folder, so that it can be named again. */
export function discard(folder: string, names: readonly string[], keep: boolean): void {
  for (const name of names) rmSync(join(folder, name), { recursive: true, force: true })
  if (!keep && existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder)
}

/**
 * Does something to the files of a run that goes on.
 * @throws LgmError `write` naming the file or folder, when the system refuses.
 */
export function changing<Result>(path: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    const remedy = writeRemedy(error, 'free some space and go on: --resume')
    throw expected(path, 'a place that can be written', (error as Error).message, remedy, 'write')
  }
}

/**
 * Writes a file that the user named or may name.
 * @throws LgmError `output` when it cannot be written.
 */
export function writeOutput(file: string, text: string): void {
  try {
    writeAtomically(file, text)
  } catch (error) {
    throw expected(
      file,
      'a file that can be written',
      (error as Error).message,
      writeRemedy(error, 'name another: --out FILE'),
      'output',
    )
  }
}

/** Writes a file whole: under a temporary name, brought to the disk, then renamed. */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.partial`)
  try {
    const file = openSync(partial, 'w')
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(partial, path)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}
