import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { evenly } from './measurements.js'

/** A picture that a run drew after a task, tasks counted from 0. */
export interface Picture {
  readonly name: string
  readonly task: number
  readonly width: number
  readonly height: number
  readonly png: Uint8Array
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** The pictures in the folder of that name in the folder of a run, by name and task; none where there is no folder. Other files are passed over. */
export async function readPictures(folder: string): Promise<readonly Picture[]> {
  const files = await readdir(join(folder, 'pictures')).catch(() => [])
  const pictures: Picture[] = []
  for (const file of files) {
    const [, name, task] = /^(.+)-task-(\d{1,6})\.png$/.exec(file) ?? []
    if (name === undefined || Number(task) < 1) continue
    const png = await readFile(join(folder, 'pictures', file))
    if (png.length < 24 || !png.subarray(0, 8).equals(signature)) continue
    pictures.push({ name, task: Number(task) - 1, width: png.readUInt32BE(16), height: png.readUInt32BE(20), png })
  }
  return pictures.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.task - b.task))
}

/** As many of the pictures as fit into `bytes` as data URIs, evenly spaced, with the first and the last. */
export function fitting(pictures: readonly Picture[], bytes: number): readonly Picture[] {
  for (let count = pictures.length; count > 0; count--) {
    const chosen = evenly(pictures.length, count).map(place => pictures[place]!)
    if (chosen.reduce((sum, { png }) => sum + uriLength(png), 0) <= bytes) return chosen
  }
  return []
}

/** The length of a picture as a data URI. */
export function uriLength(png: Uint8Array): number {
  return Math.ceil(png.length / 3) * 4 + 120
}
