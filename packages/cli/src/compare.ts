import { resolve } from 'node:path'
import { expected } from '@lgm/core'
import { findRuns, groupRuns, type SavedRun } from '@lgm/runs'
import { refuseTwins, toldApart } from './apart.js'
import { compareGroups } from './comparison.js'
import { type Format, formats } from './comparison-formats.js'
import type { Surroundings } from './main.js'
import { writeAtomically } from './out-folder.js'

/** The options of `lgm compare`. */
export interface CompareOptions {
  readonly figure?: readonly string[]
  readonly baseline?: string
  readonly format?: Format
  readonly apart?: boolean
  readonly out?: string
}

/**
 * Compares the runs in folders, a row for each recipe, means over seeds; prints the tables, or writes them to a file.
 * @throws LgmError `comparison` where recipes of one name differ in more than the seed, or a figure or row is not there; `runs` and `report`
 * for what is wrong with the folders.
 */
export async function compare(
  folders: readonly string[],
  options: CompareOptions,
  { cwd, out, err }: Surroundings,
): Promise<void> {
  const { runs, unfinished } = await read(
    folders.map(folder => resolve(cwd, folder)),
    err,
  )
  const groups = groupRuns(runs)
  if (!options.apart) refuseTwins(groups)
  const comparison = compareGroups(toldApart(groups), options.figure, options.baseline)
  const left = unfinished.length > 0 ? [`not finished, and left out: ${unfinished.join(', ')}`] : []
  const complete = { ...comparison, notes: [...comparison.notes, ...left] }
  const format = options.format ?? formatOf(options.out)
  const text = formats[format](complete)
  if (options.out === undefined) out(text)
  else write(resolve(cwd, options.out), `${text}${format === 'csv' ? '\r\n' : '\n'}`)
  if (format === 'csv') for (const note of complete.notes) err(`note: ${note}`)
}

/** Milliseconds without a word, and between two. */
const patience = 2000

async function read(
  folders: readonly string[],
  err: (text: string) => void,
): Promise<{ readonly runs: readonly SavedRun[]; readonly unfinished: readonly string[] }> {
  let last = performance.now()
  return findRuns(folders, count => {
    if (performance.now() - last < patience) return
    last = performance.now()
    err(`${count} runs read`)
  })
}

const endings: Readonly<Record<string, Format>> = { csv: 'csv', md: 'markdown', tex: 'latex' }

/** The format that a file's name asks for; the table for the terminal otherwise. */
function formatOf(file: string | undefined): Format {
  const ending = file?.split('.').at(-1)?.toLowerCase() ?? ''
  return Object.hasOwn(endings, ending) ? endings[ending]! : 'table'
}

function write(file: string, text: string): void {
  try {
    writeAtomically(file, text)
  } catch (error) {
    throw expected(`--out ${file}`, 'a file that can be written', (error as Error).message, 'name another', 'output')
  }
}
