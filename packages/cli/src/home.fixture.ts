import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeIdx } from '@lgm/idx'
import { main } from './main.js'

/** The command as a user starts it, for processes of their own; built before. */
export const program = fileURLToPath(new URL('../bin/lgm.mjs', import.meta.url))

/** An empty folder that a test works in. */
export const makeHome = () => realpathSync(mkdtempSync(join(tmpdir(), 'lgm-home-')))

/** The same with data in `data` and these files, as the working directory. */
export function enterHome(files: Readonly<Record<string, string>>, train: readonly number[], tiny?: TinyData): string {
  const home = makeHome()
  writeData(join(home, 'data'), train, tiny)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text)
  process.chdir(home)
  return home
}

/** Takes the folder away, also where it is the working directory. */
export function removeHome(home: string): void {
  if (process.cwd().startsWith(home)) process.chdir(tmpdir())
  rmSync(home, { recursive: true, force: true })
}

/** Calls `lgm` in this process. */
export async function call(home: string, argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await main(argv, { cwd: home, out: text => out.push(text), err: text => err.push(text) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const side = 6

/** An IDX file of images [side, side] with one bright row each, and a little noise that is the same every time. */
export function imagesWithRows(rows: readonly number[]): Uint8Array {
  const values = rows.flatMap((row, i) =>
    Array.from({ length: side * side }, (_, p) => (Math.floor(p / side) === row ? 200 : 0) + ((i * 7 + p * 13) % 50)),
  )
  return encodeIdx({ shape: [rows.length, side, side], values: Uint8Array.from(values) })
}

/** What writeData writes beside the training labels. */
export interface TinyData {
  /** Labels of the test set; those of training. */
  readonly testing?: readonly number[]
  /** The bright row of the image at `index`; its label. */
  readonly row?: (label: number, index: number) => number
}

/** The four files of MNIST in `folder`, with images that a line could tell apart. */
export function writeData(folder: string, train: readonly number[], { testing = train, row }: TinyData = {}): void {
  mkdirSync(folder, { recursive: true })
  for (const [part, labels] of [
    ['train', train],
    ['t10k', testing],
  ] as const) {
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), imagesWithRows(row ? labels.map(row) : labels))
    const ids = encodeIdx({ shape: [labels.length], values: Uint8Array.from(labels) })
    writeFileSync(join(folder, `${part}-labels-idx1-ubyte`), ids)
  }
}

/** As many labels of each of the first `classes` classes, in turn. */
export const balanced = (classes: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => i % classes)

/** What a finished run leaves but for times: every byte of the checkpoint, the figures, the events. */
export function leftBy(folder: string): object {
  const bytes = readdirSync(join(folder, 'checkpoint')).map(file => [
    file,
    readFileSync(join(folder, 'checkpoint', file), 'hex'),
  ])
  const { rows, summary, kept } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
  const events = eventsIn(folder)
    .filter(({ type }) => type !== 'run-resume')
    .map(({ time, seconds, ...event }) => event)
  return { bytes: Object.fromEntries(bytes), rows, summary, kept, events, files: readdirSync(folder).sort() }
}

/** The events that a run has told of, each a whole line. */
export function eventsIn(folder: string): Record<string, unknown>[] {
  const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').split('\n')
  return lines.slice(0, -1).map(line => JSON.parse(line))
}
