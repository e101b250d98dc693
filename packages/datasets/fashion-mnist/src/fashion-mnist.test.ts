import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dataset, LgmError } from '@lgm/core'
import { encodeIdx } from '@lgm/idx'
import { build, checkDataset } from '@lgm/testing'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { debianFolder, fashionMnist } from './fashion-mnist.js'
import { fetchData, publishedFiles } from './fetch-data.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lgm-fashion-'))
  for (const [part, count] of [
    ['train', 20],
    ['t10k', 10],
  ] as const) {
    const pixels = Uint8Array.from({ length: count * 784 }, (_, i) => (i * 7) % 256)
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10)
    await writeFile(join(folder, `${part}-images-idx3-ubyte`), encodeIdx({ shape: [count, 28, 28], values: pixels }))
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), encodeIdx({ shape: [count], values: labels }))
  }
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => rm(folder, { recursive: true, force: true }))

checkDataset({ plugin: () => fashionMnist({ folder }) })

const load = (options?: Parameters<typeof fashionMnist>[0]) => build(Dataset, fashionMnist(options)).load()
const installed = existsSync(debianFolder)

test.runIf(installed)('the Debian package is all of Fashion-MNIST, 6000 and 1000 of each class', async () => {
  const { train, test: tests, classes } = await load()
  expect([train.shape, classes[0], classes[9]]).toEqual([[28, 28, 1], 'T-shirt/top', 'Ankle boot'])
  const counts = (labels: Int32Array) => classes.map((_, id) => labels.filter(label => label === id).length)
  expect(counts(train.labels)).toEqual(new Array(10).fill(6000))
  expect(counts(tests.labels)).toEqual(new Array(10).fill(1000))
  // The first test image, an ankle boot, sums to 33,456 over its 784 bytes.
  expect((await tests.read(Int32Array.of(0))).reduce((a, b) => a + b, 0)).toBeCloseTo(33_456 / 255, 3)
})

/** MD5 of the published files, as the authors state them in their README. */
const md5: Readonly<Record<string, string>> = {
  'train-images-idx3-ubyte.gz': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
  'train-labels-idx1-ubyte.gz': '25c81989df183df01b3e8a0aad5dffbe',
  't10k-images-idx3-ubyte.gz': 'bef4ecab320f06d8554ea6380940ec79',
  't10k-labels-idx1-ubyte.gz': 'bb300cfdad3c16e7a12a480ee83cd310',
}

/**
 * A published file, made of the Debian package's: Debian takes name and time out of the gzip header and leaves the compressed data as they
 * are. The times, in seconds of 1970, are those with which the authors' MD5 come out.
 */
async function published(name: string): Promise<Buffer> {
  const time = Buffer.alloc(4)
  time.writeUInt32LE(name.startsWith('train') ? 1_504_176_606 : 1_504_176_627)
  const stripped = await readFile(join(debianFolder, name))
  const head = Buffer.concat([
    Buffer.of(0x1f, 0x8b, 8, 8),
    time,
    Buffer.of(0, 3),
    Buffer.from(`${name.slice(0, -3)}\0`),
  ])
  return Buffer.concat([head, stripped.subarray(10)])
}

test.runIf(installed)('the checksums are those of the files whose MD5 the authors state', async () => {
  expect(publishedFiles.map(file => file.name).sort()).toEqual(Object.keys(md5).sort())
  for (const { name, bytes, sha256 } of publishedFiles) {
    const file = await published(name)
    expect(createHash('md5').update(file).digest('hex'), name).toBe(md5[name])
    expect(createHash('sha256').update(file).digest('hex'), name).toBe(sha256)
    expect(file.length, name).toBe(bytes)
  }
})

/** Runs something with a server that answers each request for a file with what `contents` gives. */
async function withServer(
  contents: (name: string) => Promise<Buffer>,
  run: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(async (request, response) => void response.end(await contents(request.url!.slice(1))))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

test.runIf(installed)(
  'what has been fetched into the cache folder can be loaded, and is not fetched twice',
  async () => {
    const cache = join(folder, 'cache')
    vi.stubEnv('LGM_CACHE', cache)
    const lines: string[] = []
    await withServer(published, async baseUrl => {
      const fetched = await fetchData({ baseUrl, log: line => lines.push(line) })
      expect(fetched).toEqual({ folder: join(cache, 'datasets', 'fashion-mnist'), fetched: 4 })
      expect((await load({ folder: fetched.folder })).train.count).toBe(60_000)
      expect((await fetchData({ baseUrl })).fetched).toBe(0)
    })
    expect(lines).toContain('train-images-idx3-ubyte.gz: 26.4 MB, checked')
  },
)

test('files other than the published ones are refused', async () => {
  const target = join(folder, 'wrong')
  await withServer(
    async name => Buffer.alloc(publishedFiles.find(file => file.name === name)!.bytes),
    async baseUrl => {
      await expect(fetchData({ folder: target, baseUrl })).rejects.toThrow(
        /^dataset "fashion-mnist": train-images-idx3-ubyte\.gz: expected a file with SHA-256 3aede38d/,
      )
    },
  )
})

test('a missing folder names both ways to get the data', async () => {
  const missing = join(folder, 'nowhere')
  const error = await load({ folder: missing }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LgmError)
  expect((error as LgmError).message).toBe(
    `dataset "fashion-mnist": expected a folder of IDX files at ${missing}, got no such folder; install them with: apt install dataset-fashion-mnist, or fetch them with: lgm data fetch fashion-mnist`,
  )
})

test('a folder that lacks a file names it', async () => {
  const empty = join(folder, 'empty')
  await mkdir(empty)
  await expect(load({ folder: empty })).rejects.toThrow(
    /expected train-images-idx3-ubyte or train-images-idx3-ubyte\.gz in .*; install them/,
  )
})
