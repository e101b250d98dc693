import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { expected, Interrupted, LgmError } from '@lgm/core'

/** A published file: its name below the address and in the folder, its size in bytes and its SHA-256 in hexadecimal. */
export interface PublishedFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** What `lgm data fetch` hands to the `fetchData` that the package of a data set may export. */
export interface FetchOptions {
  /** Where the files go; by default `datasets/<name>` in the user's cache folder, where the data set looks for them. */
  readonly folder?: string
  /** Address of the folder that holds the files, for a mirror; by default the official one. */
  readonly baseUrl?: string
  /** Hears one line of progress at a time; by default nobody does. */
  readonly log?: (line: string) => void
  /** Stops the download; what has arrived is kept, and the next call goes on from there. */
  readonly signal?: AbortSignal
}

/** Where the files are, and how many had to be fetched: none the second time. */
export interface FetchedData {
  readonly folder: string
  readonly fetched: number
}

/** The signature of `fetchData`. */
export type FetchData = (options?: FetchOptions) => Promise<FetchedData>

/** What is to be downloaded. */
export interface Download extends FetchOptions {
  readonly folder: string
  readonly baseUrl: string
  readonly files: readonly PublishedFile[]
  /** Who asks, for messages: `dataset "fashion-mnist"`. */
  readonly where: string
  /** What else could be done when the address cannot be reached. */
  readonly remedy: string
}

/**
 * Brings published files into a folder, one after the other. Each is written under a temporary name, checked, and only then renamed: a
 * file that stands there under its own name is whole. Files that are there already are checked and left alone; an interrupted download
 * goes on where it stopped.
 *
 * @throws LgmError `data` when the address cannot be reached or answers something else, when a checksum differs, and when the folder
 * cannot be written; Interrupted when `signal` is aborted.
 */
export async function download(order: Download): Promise<FetchedData> {
  const { folder, files, log } = order
  await mkdir(folder, { recursive: true }).catch(error => {
    throw unwritable(order, error)
  })
  let fetched = 0
  for (const file of files) {
    const target = join(folder, file.name)
    if ((await sizeOf(target)) === file.bytes && (await sha256(target)) === file.sha256) {
      log?.(`${file.name}: already there`)
      continue
    }
    const part = await claimPart(target)
    await complete(order, file, part)
    const found = await sha256(part)
    if (found !== file.sha256) {
      await rm(part, { force: true })
      throw expected(
        `${order.where}: ${file.name}`,
        `a file with SHA-256 ${file.sha256}`,
        found,
        `nothing was kept; check that ${order.baseUrl} is what you want, and try again`,
        'data',
      )
    }
    await rename(part, target)
    log?.(`${file.name}: ${megabytes(file.bytes)}, checked`)
    fetched++
  }
  return { folder, fetched }
}

/**
 * The temporary file of this process for `target`. It carries the process id, so that two processes never write to one file; what a
 * process that no longer runs has left is taken over.
 */
async function claimPart(target: string): Promise<string> {
  const mine = `${target}.part-${process.pid}`
  const prefix = `${basename(target)}.part-`
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length)))) continue
    if ((await sizeOf(mine)) === undefined) await rename(join(dirname(target), name), mine).catch(() => {})
    else await rm(join(dirname(target), name), { force: true })
  }
  return mine
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

/** Fetches what `part` still lacks. */
async function complete(order: Download, file: PublishedFile, part: string): Promise<void> {
  const { where, baseUrl, log } = order
  const there = (await sizeOf(part)) ?? 0
  if (there === file.bytes) return
  const url = new URL(file.name, baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`)
  const response = await request(order, url, there < file.bytes ? there : 0)
  const start = response.status === 206 ? there : 0
  log?.(
    `${file.name}: ${start > 0 ? `going on after ${megabytes(start)}` : `fetching ${megabytes(file.bytes)}`} from ${url}`,
  )
  const output = await open(part, start > 0 ? 'a' : 'w').catch(error => {
    throw unwritable(order, error)
  })
  const have = await receive(order, file, url, response, output, start).finally(() => output.close())
  if (have === file.bytes) return
  if (have > file.bytes) await rm(part, { force: true })
  const remedy = have > file.bytes ? `check that ${baseUrl} is what you want` : 'try again; it goes on where it stopped'
  throw expected(`${where}: ${url}`, `${file.bytes} bytes`, have > file.bytes ? 'more' : `${have}`, remedy, 'data')
}

/** Writes what arrives, and gives the number of bytes there are then; stops when there are more than there should be. */
async function receive(
  order: Download,
  file: PublishedFile,
  url: URL,
  response: Response,
  output: FileHandle,
  start: number,
): Promise<number> {
  let have = start
  let told = start
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      have += chunk.length
      if (have > file.bytes) break
      await output.appendFile(chunk).catch(error => {
        throw unwritable(order, error)
      })
      if (have - told < file.bytes / 4) continue
      told = have
      order.log?.(`${file.name}: ${Math.round((100 * have) / file.bytes)} %`)
    }
    return have
  } catch (error) {
    throw explain(order, url, error, order.signal)
  }
}

async function request(order: Download, url: URL, have: number): Promise<Response> {
  const { where, remedy, signal } = order
  const response = await fetch(url, {
    headers: have > 0 ? { range: `bytes=${have}-` } : {},
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    throw explain(order, url, error, signal)
  })
  if (response.ok && response.body) return response
  await response.body?.cancel()
  throw expected(
    `${where}: ${url}`,
    'the file',
    `status ${response.status} ${response.statusText}`.trim(),
    remedy,
    'data',
  )
}

function explain({ where, remedy }: Download, url: URL, error: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted) return new Interrupted()
  if (error instanceof LgmError) return error
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  const reason = cause?.code ?? cause?.message ?? String(error)
  return expected(`${where}: ${url}`, 'an answer', reason, `check the network; ${remedy}`, 'data')
}

function unwritable({ where, folder }: Download, error: unknown): LgmError {
  const reason = String((error as { code?: string }).code ?? error)
  return expected(where, `a folder ${folder} with room to write`, reason, 'point LGM_CACHE to another folder', 'data')
}

async function sizeOf(path: string): Promise<number | undefined> {
  return await stat(path).then(
    facts => facts.size,
    () => undefined,
  )
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

const megabytes = (bytes: number) => (bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`)
