import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { decodeAnswers, encodeAnswers, type SavedAnswers } from '@lgm/answers'
import { expected, type RunSettings, writeRemedy } from '@lgm/core'
import { changing, writeAtomically } from './out-folder.js'

const folderName = 'answers'
const fileName = (task: number) => `task-${task}.safetensors`

/** The folder `answers` of a run: a file after each task, counted from 1. It is there from the beginning of a run that saves answers. */
export class AnswerFiles {
  static readonly folder = folderName
  readonly #run: string
  readonly #folder: string

  constructor(run: string) {
    this.#run = run
    this.#folder = join(run, folderName)
  }

  get exist(): boolean {
    return existsSync(this.#folder)
  }

  /** Makes the folder, without the files of a run that starts over. */
  begin(): void {
    changing(this.#folder, () => {
      rmSync(this.#folder, { recursive: true, force: true })
      mkdirSync(this.#folder)
    })
  }

  /** @throws LgmError `write` when the file cannot be written. */
  readonly save: NonNullable<RunSettings['answered']> = (state, answers, facts) => {
    const path = join(this.#folder, fileName(state.task.index + 1))
    try {
      writeAtomically(path, encodeAnswers(state, answers, facts))
    } catch (error) {
      const { message } = error as Error
      const remedy = writeRemedy(error, 'free some space and go on: --resume')
      throw expected('--save-answers', `to write ${path}`, message, remedy, 'write')
    }
  }

  /** @throws LgmError `output` when the answers after one of the first tasks are missing, which a run that goes on would not give. */
  checkFirst(tasks: number): void {
    for (let task = 1; task <= tasks; task++)
      if (!existsSync(join(this.#folder, fileName(task))))
        throw expected(
          `--save-answers, ${this.#run}`,
          'a run whose answers were saved from the beginning',
          `one without ${join(folderName, fileName(task))}`,
          'run the recipe anew in another folder',
          'output',
        )
  }

  /** Takes up where a run stopped after its first tasks; what it had written of the next goes. @throws LgmError `output` as `checkFirst`. */
  goOn(tasks: number): void {
    this.checkFirst(tasks)
    const first = new Set(Array.from({ length: tasks }, (_, index) => fileName(index + 1)))
    for (const name of readdirSync(this.#folder)) if (!first.has(name)) rmSync(join(this.#folder, name))
  }

  /**
   * Reads what was saved after each of `tasks` tasks, one at a time.
   * @throws LgmError `answers` when there is nothing, or not all, `checkpoint` when a file is damaged.
   */
  *read(tasks: number): Generator<SavedAnswers> {
    const remedy = `run the recipe again with --save-answers: lgm run ${join(this.#run, 'recipe.resolved.yaml')} --save-answers --out FOLDER`
    if (!this.exist) throw expected(this.#run, 'saved answers', `no folder ${folderName}`, remedy, 'answers')
    const found = new Set(readdirSync(this.#folder))
    for (let task = 1; task <= tasks; task++)
      if (!found.has(fileName(task)))
        throw expected(this.#folder, `a file after each of ${tasks} tasks`, `no ${fileName(task)}`, remedy, 'answers')
    for (let task = 1; task <= tasks; task++) {
      const path = join(this.#folder, fileName(task))
      yield decodeAnswers(readFileSync(path), path)
    }
  }
}
