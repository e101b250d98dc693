import { resolve } from 'node:path'
import { findRuns, groupRuns } from '@lgm/runs'
import { refuseTwins, toldApart } from './apart.js'
import { compareGroups } from './comparison.js'
import { type Format, formats } from './comparison-formats.js'
import type { Surroundings } from './main.js'
import { writeOutput } from './out-folder.js'
import { patiently } from './patiently.js'

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
 * for what is wrong with the folders, `output` when the file cannot be written.
 */
export async function compare(
  folders: readonly string[],
  options: CompareOptions,
  { cwd, out, err }: Surroundings,
): Promise<void> {
  const say = patiently(err)
  const places = folders.map(folder => resolve(cwd, folder))
  const { runs, unfinished } = await findRuns(places, count => say(`${count} runs read`))
  const groups = groupRuns(runs)
  if (!options.apart) refuseTwins(groups)
  const comparison = compareGroups(toldApart(groups), options.figure, options.baseline)
  const left = unfinished.length > 0 ? [`not finished, and left out: ${unfinished.join(', ')}`] : []
  const complete = { ...comparison, notes: [...comparison.notes, ...left] }
  const format = options.format ?? formatOf(options.out)
  const text = formats[format](complete)
  if (options.out === undefined) out(text)
  else writeOutput(resolve(cwd, options.out), `${text}${format === 'csv' ? '\r\n' : '\n'}`)
  if (format === 'csv') for (const note of complete.notes) err(`note: ${note}`)
}

const endings: Readonly<Record<string, Format>> = { csv: 'csv', md: 'markdown', tex: 'latex' }

/** The format that a file's name asks for; the table for the terminal otherwise. */
function formatOf(file: string | undefined): Format {
  const ending = file?.split('.').at(-1)?.toLowerCase() ?? ''
  return Object.hasOwn(endings, ending) ? endings[ending]! : 'table'
}
