import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  expected,
  type Learner,
  LgmError,
  type Progress,
  progressSchema,
  readRecord,
  type Store,
  type TaskRecord,
  type Underway,
} from '@lgm/core'
import { folderStore } from '@lgm/store-folder'
import { changing } from './out-folder.js'

const progressFile = 'progress.json'
const underwayFolder = 'underway'
const folderName = /^task-(\d+)$/

/** How many of the last checkpoints are kept: one more than the newest, in case that one is damaged. */
const most = 2

/** The checkpoints of a run, a folder after each task: the learner's files and `progress.json`, written together or not at all. */
export class Checkpoints {
  readonly #folder: string
  readonly #check: () => void

  /** @param check throws where the run's folder is no place to save in any more; called before each save */
  constructor(folder: string, check: () => void) {
    this.#folder = folder
    this.#check = check
  }

  /** Saves the learner and how far its run has come; older checkpoints go, but for the last. */
  async save(learner: Learner, progress: Progress): Promise<void> {
    this.#check()
    const bytes = new TextEncoder().encode(JSON.stringify(progress))
    await learner.save(withFile(folderStore(this.#place(progress.tasks)), progressFile, bytes))
    changing(this.#folder, () => {
      for (const tasks of this.#found().slice(most)) rmSync(this.#place(tasks), { recursive: true, force: true })
    })
  }

  /**
   * Loads the newest checkpoint that can be read into a new learner; `undefined` where there is none. `warn` hears of damaged ones.
   * @throws LgmError `checkpoint` when there are some, and none can be read.
   */
  async load(learner: Learner, warn: (line: string) => void): Promise<Progress | undefined> {
    const found = changing(this.#folder, () => this.#found())
    for (const tasks of found) {
      const place = this.#place(tasks)
      try {
        const progress = progressSchema.parse(JSON.parse(readFileSync(join(place, progressFile), 'utf8')))
        await learner.load(folderStore(place))
        return progress
      } catch (error) {
        warn(`${place} cannot be read: ${error instanceof LgmError ? error.message : 'it is damaged'}`)
      }
    }
    if (found.length === 0) return undefined
    throw expected(
      this.#folder,
      'a checkpoint that can be read',
      'none',
      'start the run anew in another folder',
      'checkpoint',
    )
  }

  /** Keeps how far a task has come, every so many minutes; `found` is where to go on. */
  underway(minutes: number, found: TaskRecord | undefined): Underway {
    const store = folderStore(join(this.#folder, underwayFolder))
    let last = performance.now()
    return {
      due: () => performance.now() - last >= 60_000 * minutes,
      save: async files => {
        this.#check()
        await store.write(files)
        last = performance.now()
      },
      ...(found && { found }),
    }
  }

  /** How far a task had come, if that was saved and can be read; else the task begins again. `warn` hears of what cannot. */
  async loadUnderway(warn: (line: string) => void): Promise<TaskRecord | undefined> {
    const place = join(this.#folder, underwayFolder)
    const store = folderStore(place)
    if (!existsSync(place) && !existsSync(`${place}.previous`)) return undefined
    try {
      return await readRecord(name => store.read(name))
    } catch (error) {
      if (!(error instanceof LgmError)) throw error
      warn(`${place} cannot be read, the task begins again: ${error.message}`)
      return undefined
    }
  }

  /** Takes all of them away. */
  clear(): void {
    changing(this.#folder, () => rmSync(this.#folder, { recursive: true, force: true }))
  }

  /** By how many tasks they hold, the newest first; what a killed process was still writing goes. */
  #found(): readonly number[] {
    if (!existsSync(this.#folder)) return []
    const names = readdirSync(this.#folder)
    for (const name of names)
      if (name.endsWith('.partial')) rmSync(join(this.#folder, name), { recursive: true, force: true })
    return names
      .map(name => Number(folderName.exec(name)?.[1] ?? Number.NaN))
      .filter(Number.isInteger)
      .sort((a, b) => b - a)
  }

  #place(tasks: number): string {
    return join(this.#folder, `task-${tasks}`)
  }
}

/** The store with one more file in whatever is written. */
function withFile(store: Store, name: string, bytes: Uint8Array): Store {
  return { ...store, write: files => store.write(new Map([...files, [name, bytes]])) }
}
