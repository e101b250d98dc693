import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { expected, type Store, writeRemedy } from '@lgm/core'

/**
 * Keeps a checkpoint as a folder of files, all or nothing.
 *
 * `write` makes the folder under another name beside the place, brings it to the disk, and renames it. What stood there before is set
 * aside as `<folder>.previous` until the new one is in place; a machine that stops between the two renames leaves that one, and
 * both verbs take it up again. So at every moment the place holds one whole checkpoint, the old or the new.
 *
 * @throws LgmError `checkpoint` when a file is asked for that is not there; `write` when the place cannot be written.
 * @example
 * await learner.save(folderStore('runs/1/checkpoint'))
 */
export function folderStore(path: string): Store {
  const place = resolve(path)
  const previous = `${place}.previous`

  return {
    async write(files) {
      const partial = join(dirname(place), `.${basename(place)}.${process.pid}.partial`)
      for (const name of files.keys()) checkName(place, name)
      await refuseForeign(place, files)
      try {
        await rm(partial, { recursive: true, force: true })
        await mkdir(partial, { recursive: true })
        for (const [name, bytes] of files) await writeDurably(join(partial, name), bytes)
        await sync(partial)
        if (existsSync(place)) {
          await rm(previous, { recursive: true, force: true })
          await rename(place, previous)
        }
        await rename(partial, place)
        await sync(dirname(place))
        await rm(previous, { recursive: true, force: true })
      } catch (error) {
        await rm(partial, { recursive: true, force: true }).catch(() => {})
        // where even that fails, both verbs find it under its other name
        if (!existsSync(place) && existsSync(previous)) await rename(previous, place).catch(() => {})
        throw expected(
          place,
          'a folder that can be written',
          reason(error),
          writeRemedy(error, 'free some space or choose another folder'),
          'write',
        )
      }
    },

    async read(name) {
      checkName(place, name)
      const folder = !existsSync(place) && existsSync(previous) ? previous : place
      try {
        return new Uint8Array(await readFile(join(folder, name)))
      } catch (error) {
        throw expected(
          place,
          `a checkpoint with the file ${name}`,
          reason(error),
          'name the folder of a saved checkpoint',
          'checkpoint',
        )
      }
    },
  }
}

/** What is replaced must be an earlier checkpoint: some folder of the user's, named by mistake, must not vanish. */
async function refuseForeign(place: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const entries = await readdir(place, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw expected(place, 'a folder', reason(error), writeRemedy(error, 'choose another place'), 'write')
  })
  const ours = entries.every(entry => entry.isFile()) && entries.some(entry => files.has(entry.name))
  if (entries.length > 0 && !ours)
    throw expected(
      place,
      'an empty folder or an earlier checkpoint',
      `${entries.length} other files or folders`,
      'choose another place',
      'write',
    )
}

/** Names come from manifests, which others may have written: none leads out of the folder. */
function checkName(place: string, name: string): void {
  if (name === '' || name.startsWith('.') || /[\\/:\0]/.test(name))
    throw expected(place, 'file names without path', `"${name}"`, 'use a checkpoint that lgm wrote', 'checkpoint')
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Brings a folder's list of names to the disk, on systems that can. */
async function sync(folder: string): Promise<void> {
  const file = await open(folder, 'r').catch(() => undefined)
  if (file === undefined) return
  await file.sync().catch(() => {})
  await file.close()
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ENOENT' ? 'none' : (message ?? String(error))
}
