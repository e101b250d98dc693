import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { folderStore } from './index.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (array: Uint8Array) => new TextDecoder().decode(array)

/** Runs `work` in a process whose files may have `bytes` bytes at most, as if the disk were full. */
async function withLargestFile(bytes: number, work: () => void | Promise<void>): Promise<void> {
  const limit = (most: number | string) =>
    execFileSync('prlimit', [`--pid=${process.pid}`, `--fsize=${most}:unlimited`])
  limit(bytes)
  try {
    await work()
  } finally {
    limit('unlimited')
  }
}
const mayLimit = existsSync('/usr/bin/prlimit')

describe('the folder store', () => {
  let root: string
  let place: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lgm-store-'))
    place = join(root, 'deep', 'checkpoint')
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const first = new Map([
    ['manifest.json', bytes('{"version":1}')],
    ['embedder.safetensors', bytes('one')],
  ])

  test('gives back the bytes it was given, and leaves nothing else', async () => {
    await folderStore(place).write(first)
    expect(text(await folderStore(place).read('embedder.safetensors'))).toBe('one')
    expect(readdirSync(place).sort()).toEqual(['embedder.safetensors', 'manifest.json'])
    expect(readdirSync(join(root, 'deep'))).toEqual(['checkpoint'])
  })

  test('replaces an earlier checkpoint whole: files of the old one do not stay', async () => {
    await folderStore(place).write(first)
    await folderStore(place).write(new Map([['manifest.json', bytes('{"version":2}')]]))
    expect(readdirSync(place)).toEqual(['manifest.json'])
    expect(readdirSync(join(root, 'deep'))).toEqual(['checkpoint'])
  })

  test('stopped between its two renames, it still has the old checkpoint', async () => {
    await folderStore(place).write(first)
    renameSync(place, `${place}.previous`)
    expect(text(await folderStore(place).read('embedder.safetensors'))).toBe('one')
    await folderStore(place).write(new Map([['manifest.json', bytes('new')]]))
    expect(text(await folderStore(place).read('manifest.json'))).toBe('new')
    expect(readdirSync(join(root, 'deep'))).toEqual(['checkpoint'])
  })

  test('does not replace a folder that holds something else', async () => {
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'thesis.tex'), 'years of work')
    await expect(folderStore(place).write(first)).rejects.toThrow(
      /expected an empty folder or an earlier checkpoint, got 1 other/,
    )
    expect(readFileSync(join(place, 'thesis.tex'), 'utf8')).toBe('years of work')
  })

  test('says what is wrong when the place cannot be a folder', async () => {
    writeFileSync(join(root, 'file'), '')
    const inside = folderStore(join(root, 'file', 'checkpoint')).write(first)
    await expect(inside).rejects.toMatchObject({
      code: 'write',
      message: expect.stringMatching(/expected a folder.*; /),
    })
    expect(readdirSync(root)).toEqual(['file'])
  })

  test.skipIf(!mayLimit)('when the new checkpoint does not fit, the old one stays and nothing else', async () => {
    await folderStore(place).write(first)
    const large = new Map([...first, ['head.safetensors', new Uint8Array(5000)]])
    await withLargestFile(1000, async () => {
      await expect(folderStore(place).write(large)).rejects.toMatchObject({
        code: 'write',
        message: expect.stringMatching(/expected a folder that can be written, got EFBIG.*; raise the limit/),
      })
    })
    expect(text(await folderStore(place).read('embedder.safetensors'))).toBe('one')
    expect(readdirSync(place).sort()).toEqual(['embedder.safetensors', 'manifest.json'])
    expect(readdirSync(join(root, 'deep'))).toEqual(['checkpoint'])
    await folderStore(place).write(large)
    expect(readdirSync(place)).toHaveLength(3)
  })

  test('says what is missing, and reads nothing outside the folder', async () => {
    await folderStore(place).write(first)
    await expect(folderStore(place).read('head.safetensors')).rejects.toMatchObject({ code: 'checkpoint' })
    await expect(folderStore(join(root, 'absent')).read('manifest.json')).rejects.toThrow(/got none; name the folder/)
    for (const name of ['../secret', '/etc/hostname', '..', '.hidden', 'a/b', 'c:d'])
      await expect(folderStore(place).read(name)).rejects.toThrow(/expected file names without path/)
    await expect(folderStore(place).write(new Map([['../secret', bytes('')]]))).rejects.toThrow(/expected file names/)
  })
})
