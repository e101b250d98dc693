import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expected, type Report, readReport } from '@lgm/core'
import { plainYaml } from './plain-yaml.js'

/** The files of a run, as `lgm run --out` writes them. */
const reportFile = 'report.json'
const recipeFile = 'recipe.resolved.yaml'

/** What is longer than this many bytes is another file. The reports of a hundred tasks with all details have a tenth of it. */
const longest = { report: 256_000_000, recipe: 1_000_000 }

/** Folders of runs lie no deeper than this below one that is named: `study/dataset/recipe/seed-0`. */
const deepest = 4

/** Where more folders than this are looked into, a wrong one was named. */
const mostFolders = 20_000

/** Folders within a run, and such as hold no runs. */
const passedOver = new Set(['checkpoint', 'checkpoints', 'pictures', 'node_modules'])

/** What `lgm run` left in a folder. */
export interface SavedRun {
  readonly folder: string
  readonly report: Report
  /** The recipe with every default filled in, as data. */
  readonly recipe: Readonly<Record<string, unknown>>
}

/** What lies in folders. */
export interface FoundRuns {
  readonly runs: readonly SavedRun[]
  /** Folders of runs that have not ended, or never will. */
  readonly unfinished: readonly string[]
}

/**
 * The run in a folder: its report, brought to today's version of the schema, and its recipe.
 * @throws LgmError `runs` when there is no finished run, `report` when its report cannot be read.
 */
export async function readRun(folder: string): Promise<SavedRun> {
  const { kind } = await look(folder)
  if (kind === 'unfinished')
    throw expected(folder, 'a finished run', `one without ${reportFile}`, 'go on with it: lgm run --resume', 'runs')
  if (kind === 'other')
    throw expected(folder, 'the folder of a run', `one without ${reportFile}`, 'name the --out of lgm run', 'runs')
  return readFinished(folder)
}

/**
 * The runs in folders, each of which is that of a run, or holds such at most four levels down, as `lgm run --seeds --out` makes them. Each
 * run is there once, in the order of the folders named, and of names within; numbers in names count as numbers.
 * @param read told how many runs have been read, after each
 * @throws LgmError `runs` when a folder does not exist or holds no run, or none has one that is finished; `report` when a report cannot be
 * read.
 */
export async function findRuns(
  folders: readonly string[],
  read: (count: number) => void = () => {},
): Promise<FoundRuns> {
  const found: Found = { finished: new Map(), unfinished: new Map(), folders: 0 }
  for (const folder of folders)
    if (!(await search(folder, deepest, found)))
      throw expected(folder, 'runs', `no folder with a ${reportFile}`, 'name the --out of lgm run', 'runs')
  const unfinished = [...found.unfinished.values()]
  if (found.finished.size === 0)
    throw expected(
      folders.join(', '),
      'finished runs',
      `only unfinished ones (${unfinished.slice(0, 3).join(', ')}${unfinished.length > 3 ? ', …' : ''})`,
      'go on with them: lgm run --resume',
      'runs',
    )
  const runs: SavedRun[] = []
  for (const folder of found.finished.values()) read(runs.push(await readFinished(folder)))
  return { runs, unfinished }
}

/** Folders of runs by their real paths, as they were named. */
interface Found {
  readonly finished: Map<string, string>
  readonly unfinished: Map<string, string>
  folders: number
}

/** Adds the runs in a folder to those found. Links within it are not followed. @returns whether there is any, found before or not */
async function search(folder: string, levels: number, found: Found): Promise<boolean> {
  if (++found.folders > mostFolders)
    throw expected(
      folder,
      'folders of runs',
      `more than ${mostFolders} folders`,
      'name the folders of the runs',
      'runs',
    )
  const { kind, folders } = await look(folder)
  if (kind !== 'other') {
    const place = await realpath(folder)
    const to = found[kind]
    if (!to.has(place)) to.set(place, folder)
    return true
  }
  let any = false
  for (const name of levels > 0 ? folders : [])
    if (!name.startsWith('.') && !passedOver.has(name))
      any = (await search(join(folder, name), levels - 1, found)) || any
  return any
}

const naturalOrder = new Intl.Collator('en', { numeric: true })

/** What a folder is, and the folders in it, in order. */
async function look(folder: string): Promise<{ kind: 'finished' | 'unfinished' | 'other'; folders: string[] }> {
  const entries = await attempt(folder, 'a folder of runs', () => readdir(folder, { withFileTypes: true }))
  const has = (file: string) => entries.some(({ name }) => name === file)
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
  return {
    kind: has(reportFile) ? 'finished' : has(recipeFile) ? 'unfinished' : 'other',
    folders: folders.sort(naturalOrder.compare),
  }
}

async function readFinished(folder: string): Promise<SavedRun> {
  const [reportPath, recipePath] = [join(folder, reportFile), join(folder, recipeFile)]
  const json = await attempt(reportPath, 'a report', async () => JSON.parse(await text(reportPath, longest.report)))
  const report = readReport(json, reportPath)
  const written = await attempt(recipePath, 'the recipe of the run', () => text(recipePath, longest.recipe))
  return { folder, report, recipe: recipeOf(written, recipePath) }
}

/**
 * The recipe that a run left, from its text.
 * @throws LgmError `report` when it is no mapping in plain YAML.
 */
export function recipeOf(written: string, path: string): Readonly<Record<string, unknown>> {
  const wrong = (got: string) => expected(path, 'a recipe', got, 'run the recipe again', 'report')
  const found = plainYaml(written)
  if ('problem' in found) throw wrong(`no plain YAML (${found.problem})`)
  const { value } = found
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('no mapping of keys to values')
  return value as Readonly<Record<string, unknown>>
}

/** The text of a file that is no longer than it may be. */
async function text(path: string, most: number): Promise<string> {
  const { size } = await stat(path)
  if (size > most) throw new Error(`${size} bytes, more than ${most}`)
  return readFile(path, 'utf8')
}

async function attempt<Result>(path: string, what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const got = code === 'ENOENT' ? 'nothing there' : code === 'ENOTDIR' ? 'a file' : message
    throw expected(path, what, got, 'name the --out of lgm run', 'report')
  }
}
