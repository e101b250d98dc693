import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { mostDetailed, type ReportedRun, readCurves, readPictures, reportPage } from '@lgm/report-page'
import { findRuns, groupRuns, type SavedRun } from '@lgm/runs'
import { toldApart } from './apart.js'
import type { Surroundings } from './main.js'
import { writeOutput } from './out-folder.js'
import { patiently } from './patiently.js'

/** The options of `lgm report`. */
export interface ReportOptions {
  readonly open?: boolean
  readonly out?: string
}

/** The page's name in the folder that was named first. */
const pageFile = 'report.html'
const eventsFile = 'events.jsonl'

/**
 * Writes one HTML page about the runs in folders, and on demand opens it.
 * @throws LgmError `runs` and `report` for what is wrong with the folders, `output` when the page cannot be written.
 */
export async function report(
  folders: readonly string[],
  options: ReportOptions,
  { cwd, out, err }: Surroundings,
): Promise<void> {
  const say = patiently(err)
  const places = folders.map(folder => resolve(cwd, folder))
  const { runs, unfinished } = await findRuns(places, count => say(`${count} runs read`))
  if (unfinished.length > 0) err(`not finished, and left out: ${unfinished.join(', ')}`)
  const file = options.out === undefined ? join(places[0]!, pageFile) : resolve(cwd, options.out)
  const reported = runs.length > mostDetailed ? runs : await withDetails(runs, say)
  const groups = toldApart(groupRuns(reported))
  writeOutput(file, reportPage(reported, { groups, progress: what => say(`drawing ${what}`) }))
  out(file)
  if (options.open && !(await opened(file))) err(`no program that opens pages was found; open ${file} yourself`)
}

/** The runs with their losses and pictures, of which only runs that are shown by themselves have a use. */
async function withDetails(runs: readonly SavedRun[], say: (text: string) => void): Promise<ReportedRun[]> {
  const detailed: ReportedRun[] = []
  for (const run of runs) {
    const events = join(run.folder, eventsFile)
    const size = await stat(events).then(
      found => found.size,
      () => undefined,
    )
    const told = (bytes: number) => say(`${events}: ${Math.round((100 * bytes) / (size || 1))} % read`)
    detailed.push({
      ...run,
      ...(size !== undefined && { curves: await readCurves(events, told) }),
      pictures: await readPictures(run.folder),
    })
  }
  return detailed
}

/** The command that opens a file with what the user has for it. */
export function openCommand(
  file: string,
  platform: NodeJS.Platform,
): readonly [command: string, args: readonly string[]] {
  if (platform === 'darwin') return ['open', [file]]
  // not by cmd /c start, which would read characters of the name as commands
  if (platform === 'win32') return ['explorer.exe', [file]]
  return ['xdg-open', [file]]
}

/** Opens a file or an address, and says whether that seems to have worked: the program is left to itself after a while. */
export async function opened(file: string): Promise<boolean> {
  const [command, args] = openCommand(file, process.platform)
  return new Promise(done => {
    const program = spawn(command, [...args], { detached: true, stdio: 'ignore' })
    const waiting = setTimeout(() => done(true), 1500)
    const end = (worked: boolean) => {
      clearTimeout(waiting)
      done(worked)
    }
    program.on('error', () => end(false))
    // the Explorer ends with 1 although it has opened the page
    program.on('exit', code => end(code === 0 || command === 'explorer.exe'))
    program.unref()
  })
}
