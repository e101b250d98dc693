import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { definePlugin, expected, inject, type LearnerEvent, Observer, Options, writeRemedy, z } from '@lgm/core'
import { writeAtomically } from './out-folder.js'

const options = z.strictObject({
  folder: z.string().min(1).describe('where pictures go; it is made for the first'),
})

class Pictures implements Observer {
  readonly #folder: string

  constructor(@inject(Options) { folder }: z.output<typeof options>) {
    this.#folder = folder
  }

  notice(event: LearnerEvent): void {
    if (event.type !== 'picture') return
    // a name is a plugin's own: nothing in it may lead out of the folder
    const path = join(this.#folder, `${event.name.replace(/[^\w-]+/g, '-')}-task-${event.task + 1}.png`)
    try {
      // not what it is in: a run's folder that vanished is not made again for a picture
      if (!existsSync(this.#folder)) mkdirSync(this.#folder)
      writeAtomically(path, event.png)
    } catch (error) {
      throw expected(
        'observer "pictures"',
        `to write ${path}`,
        (error as Error).message,
        writeRemedy(error, 'free some space or choose another folder'),
        'write',
      )
    }
  }
}

/**
 * Writes every picture of a run to `<name>-task-<n>.png`, tasks counted from 1, each whole or not at all.
 * @throws LgmError `write` when a file cannot be written.
 */
export const pictures = definePlugin({
  point: Observer,
  name: 'pictures',
  summary: 'every picture of a run as a file',
  options,
  class: Pictures,
})
