import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Interrupted } from '@lgm/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cacheFolder, datasetCacheFolder } from './cache-folder.js'
import { type Download, download } from './download.js'

const contents = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251)
const files = [
  { name: 'a.bin', bytes: contents.length, sha256: createHash('sha256').update(contents).digest('hex') },
  { name: 'b.bin', bytes: 5, sha256: createHash('sha256').update(contents.subarray(0, 5)).digest('hex') },
]

let folder: string
let baseUrl: string
let asked: string[]
let answer: (request: IncomingMessage, response: ServerResponse) => void
const server = createServer((request, response) => {
  asked.push(`${request.url} ${request.headers.range ?? 'whole'}`)
  answer(request, response)
})

/** What an ordinary file server does, ranges included. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const whole = request.url === '/data/a.bin' ? contents : contents.subarray(0, 5)
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': whole.length - from }).end(whole.subarray(from))
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lgm-download-'))
  asked = []
  answer = serve
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

const fetchAll = (more: Partial<Download> = {}) =>
  download({
    folder: join(folder, 'deep', 'er'),
    baseUrl,
    files,
    where: 'dataset "some"',
    remedy: 'install it',
    ...more,
  })
const present = () => readdir(join(folder, 'deep', 'er'))

test('brings every file, checked, tells about it, and leaves nothing else behind', async () => {
  const lines: string[] = []
  expect(await fetchAll({ log: line => lines.push(line) })).toEqual({ folder: join(folder, 'deep', 'er'), fetched: 2 })
  expect((await readFile(join(folder, 'deep', 'er', 'a.bin'))).equals(contents)).toBe(true)
  expect(await present()).toEqual(['a.bin', 'b.bin'])
  expect(lines[0]).toBe(`a.bin: fetching 0.2 MB from ${baseUrl}/a.bin`)
  expect(lines).toContain('a.bin: 0.2 MB, checked')
})

test('the second time nothing is fetched', async () => {
  await fetchAll()
  asked = []
  expect((await fetchAll()).fetched).toBe(0)
  expect(asked).toEqual([])
})

test('a file that was damaged on disk is fetched again', async () => {
  await fetchAll()
  await writeFile(join(folder, 'deep', 'er', 'b.bin'), 'wrong')
  expect((await fetchAll()).fetched).toBe(1)
})

test('a download that broke off goes on where it stopped', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': contents.length })
    response.write(contents.subarray(0, 150_000), () => setTimeout(() => response.destroy(), 50))
  }
  await expect(fetchAll()).rejects.toThrow(/expected an answer, got .+; check the network; install it/)
  expect(await present()).toEqual([`a.bin.part-${process.pid}`])
  answer = serve
  asked = []
  expect((await fetchAll()).fetched).toBe(2)
  expect(asked).toEqual(['/data/a.bin bytes=150000-', '/data/b.bin whole'])
  expect(await present()).toEqual(['a.bin', 'b.bin'])
})

test('what a process that no longer runs has left is taken over', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  await fetchAll()
  await rm(join(folder, 'deep', 'er', 'a.bin'))
  await writeFile(join(folder, 'deep', 'er', `a.bin.part-${pid}`), contents.subarray(0, 1000))
  asked = []
  await fetchAll()
  expect(asked).toEqual(['/data/a.bin bytes=1000-'])
  expect(await present()).toEqual(['a.bin', 'b.bin'])
})

test('a server that knows no ranges sends the whole file again', async () => {
  await fetchAll()
  await rm(join(folder, 'deep', 'er', 'a.bin'))
  await writeFile(join(folder, 'deep', 'er', `a.bin.part-${process.pid}`), 'rubbish')
  answer = (_, response) => void response.end(contents)
  expect((await fetchAll()).fetched).toBe(1)
  expect((await readFile(join(folder, 'deep', 'er', 'a.bin'))).equals(contents)).toBe(true)
})

test('a wrong checksum is an error, and nothing is kept', async () => {
  answer = (_, response) => void response.end(contents.map(value => value ^ 1))
  await expect(fetchAll()).rejects.toThrow(
    /^dataset "some": a\.bin: expected a file with SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}; nothing was kept/,
  )
  expect(await present()).toEqual([])
})

test('more bytes than published are not even taken in', async () => {
  answer = (_, response) => void response.end(Buffer.alloc(10_000_000))
  await expect(fetchAll()).rejects.toThrow(`expected ${contents.length} bytes, got more`)
  expect(await present()).toEqual([])
})

test('a missing file says what else can be done', async () => {
  answer = (_, response) => void response.writeHead(404).end()
  await expect(fetchAll()).rejects.toThrow(
    `dataset "some": ${baseUrl}/a.bin: expected the file, got status 404 Not Found; install it`,
  )
})

test('an address that cannot be reached says so', async () => {
  await expect(fetchAll({ baseUrl: 'http://127.0.0.1:1/' })).rejects.toThrow(
    /^dataset "some": http:\/\/127\.0\.0\.1:1\/a\.bin: expected an answer, got .+; check the network; install it/,
  )
})

test('a folder that cannot be made is a clear error', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(fetchAll({ folder: join(folder, 'file', 'sub') })).rejects.toThrow(
    /got ENOTDIR; point LGM_CACHE to another folder/,
  )
})

test('a signal stops it', async () => {
  answer = (_, response) => {
    response.writeHead(200)
    response.write(contents.subarray(0, 1000))
  }
  const stop = new AbortController()
  const running = fetchAll({ signal: stop.signal, log: () => setTimeout(() => stop.abort(), 20) })
  await expect(running).rejects.toThrow(Interrupted)
})

test('the cache folder follows LGM_CACHE, then XDG_CACHE_HOME, then the platform', () => {
  expect(cacheFolder({ LGM_CACHE: '/a/b', XDG_CACHE_HOME: '/x' })).toBe('/a/b')
  expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/lgm')
  expect(cacheFolder({}, 'linux')).toMatch(/\/\.cache\/lgm$/)
  expect(cacheFolder({}, 'darwin')).toMatch(/\/Library\/Caches\/lgm$/)
  expect(datasetCacheFolder('some', { LGM_CACHE: '/a' })).toBe('/a/datasets/some')
})
