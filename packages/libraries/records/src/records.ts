import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { expected, type LgmError } from '@lgm/core'

/** Where the records of a file lie: `count` of them, `bytes` each, one behind the other from `offset`. */
export interface RecordLayout {
  readonly offset: number
  readonly bytes: number
  readonly count: number
}

/** Records of equal length in a file, of which only those asked for are in memory. */
export interface Records extends RecordLayout {
  readonly file: string
  /**
   * The bytes of the records at `indices`, in that order, `[indices.length, bytes]`; they belong to the caller.
   * @throws LgmError `input` for an index that is none; `data` when the file is gone, or is no longer the one that was opened.
   */
  read(indices: Int32Array): Uint8Array<ArrayBuffer>
}

/** What the layout of a file follows from. */
export interface FileStart {
  /** Bytes of the whole file. */
  readonly size: number
  /** The first bytes of it, as many as were asked for or as there are. */
  readonly start: Uint8Array<ArrayBuffer>
}

/**
 * Opens a file of records. The layout follows from the size of the file and its first `startBytes`; what it says must lie within the
 * file. Each reading opens and closes the file anew, which takes 20 µs: a data set has no end at which a descriptor could be closed.
 * Reading is synchronous, because 128 rows of 8 kB, one promise each, took three times as long (4 ms instead of 1.4).
 *
 * @param layout throws where the file is not what it should be; what else it returns stays with the records
 * @throws LgmError `data` when the file is missing, cannot be read, or is shorter than its layout.
 */
export function openRecords<Layout extends RecordLayout>(
  file: string,
  startBytes: number,
  layout: (facts: FileStart) => Layout,
): Layout & Records {
  const { size, mtimeMs, laidOut } = openFile(file, (descriptor, { size, mtimeMs }) => {
    const start = readAt(file, descriptor, 0, Math.min(startBytes, size))
    return { size, mtimeMs, laidOut: layout({ size, start }) }
  })
  const { offset, bytes, count } = laidOut
  if (!(offset + bytes * count <= size)) throw truncated(file, offset + bytes * count, size)
  return {
    ...laidOut,
    file,
    read(indices) {
      const bad = indices.find(index => !(index >= 0 && index < count))
      if (bad !== undefined) throw expected(file, `an index from 0 to ${count - 1}`, `${bad}`, 'correct the call')
      return openFile(file, (descriptor, now) => {
        if (now.size !== size || now.mtimeMs !== mtimeMs)
          throw expected(file, 'the file that was opened', 'one that has changed since', 'start again', 'data')
        return gather(indices, bytes, (from, target) => readInto(file, descriptor, offset + from * bytes, target))
      })
    },
  }
}

/** Neighbours that are asked for one after the other are read at once. */
function gather(
  indices: Int32Array,
  bytes: number,
  read: (from: number, target: Uint8Array) => void,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(indices.length * bytes)
  for (let i = 0; i < indices.length; ) {
    let end = i + 1
    while (end < indices.length && indices[end] === indices[end - 1]! + 1) end++
    read(indices[i]!, all.subarray(i * bytes, end * bytes))
    i = end
  }
  return all
}

/**
 * A whole file.
 * @param most bytes that it may have
 * @throws LgmError `data` when it is missing, cannot be read, or has more.
 */
export function readWhole(file: string, most: number, remedy: string): Uint8Array<ArrayBuffer> {
  return openFile(file, (descriptor, { size }) => {
    if (size > most) throw expected(file, `at most ${most} bytes`, `${size}`, remedy, 'data')
    return readAt(file, descriptor, 0, size)
  })
}

function openFile<Result>(file: string, use: (descriptor: number, stats: Stats) => Result): Result {
  let descriptor: number
  try {
    // without waiting: a pipe that nobody writes to would hold the process for ever
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw unreadable(file, error)
  }
  try {
    const stats = fstatSync(descriptor)
    // a pipe or a device has no size, and might have no end
    if (!stats.isFile()) throw expected(file, 'a file', 'something else', 'name a file', 'data')
    return use(descriptor, stats)
  } finally {
    closeSync(descriptor)
  }
}

function readAt(file: string, descriptor: number, position: number, bytes: number): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(bytes)
  readInto(file, descriptor, position, target)
  return target
}

/** A call reads at most this much: the systems' own limits are at 2 GiB. */
const mostAtOnce = 2 ** 30

function readInto(file: string, descriptor: number, position: number, target: Uint8Array): void {
  for (let at = 0; at < target.length; ) {
    const got = readSome(file, descriptor, target, at, position)
    if (got === 0) throw truncated(file, position + target.length, position + at)
    at += got
  }
}

function readSome(file: string, descriptor: number, target: Uint8Array, at: number, position: number): number {
  try {
    return readSync(descriptor, target, at, Math.min(target.length - at, mostAtOnce), position + at)
  } catch (error) {
    throw unreadable(file, error)
  }
}

const reasons: Readonly<Record<string, string>> = { ENOENT: 'no such file', ENOTDIR: 'no such file' }

function unreadable(file: string, error: unknown): LgmError {
  const code = String((error as { code?: unknown }).code ?? error)
  const remedy = code in reasons ? 'correct its name, or put it there' : 'look at its permissions and its disk'
  return expected(file, 'a file that can be read', reasons[code] ?? code, remedy, 'data')
}

function truncated(file: string, wanted: number, got: number): LgmError {
  return expected(file, `at least ${wanted} bytes`, `${got}`, 'fetch or write the file again; it is truncated', 'data')
}
