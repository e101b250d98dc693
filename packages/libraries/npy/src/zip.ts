import { crc32, inflateRawSync } from 'node:zlib'
import { expected, type LgmError, show } from '@lgm/core'

// Node has the two parts of a zip reader that are work, inflating and checksums. The kept small library for it, fflate, checks no
// checksums, so that damage would become other numbers, and gives what is longer than declared cut short.

const signatures = { member: 0x04034b50, entry: 0x02014b50, end: 0x06054b50 }
const lengths = { member: 30, entry: 46, end: 22, longestComment: 0xffff }

/** A byte of deflated data can stand for no more. */
const mostInflated = 1032
/** No more is unpacked at a time. */
const largestUnpacked = 2 ** 31
const remedy = 'save it again with numpy.savez; the file is damaged'

interface Entry {
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly at: number
}

/**
 * The members of a zip file by name, each to be unpacked when it is called; stored or deflated ones of less than 4 GiB, unencrypted
 * (APPNOTE 6.3.3). Declared sizes are checked before anything is unpacked, and checksums after.
 *
 * @param file names the source in messages
 * @throws LgmError `data` at once for a directory that does not fit the file, and from a member that is damaged.
 */
export function readZip(bytes: Uint8Array, file: string): ReadonlyMap<string, () => Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = findEnd(view)
  if (end === undefined) throw failure(file, 'a zip file', 'one without a directory at its end')
  const [entries, size, from] = [
    view.getUint16(end + 10, true),
    view.getUint32(end + 12, true),
    view.getUint32(end + 16, true),
  ]
  if (from + size > end) throw failure(file, `a directory within its ${end} bytes`, `${size} bytes from ${from}`)
  const members = new Map<string, () => Uint8Array>()
  let at = from
  for (let i = 0; i < entries; i++) {
    if (at + lengths.entry > end || view.getUint32(at, true) !== signatures.entry)
      throw failure(file, `${entries} entries in the directory`, `${i}`)
    const [name, extra, comment] = [28, 30, 32].map(field => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ]
    const next = at + lengths.entry + name + extra + comment
    if (next > end) throw failure(file, `${entries} entries in the directory`, `${i}, and a part of one`)
    const key = new TextDecoder().decode(bytes.subarray(at + lengths.entry, at + lengths.entry + name))
    if (members.has(key)) throw failure(file, 'each name once', `${show(key)} twice`)
    const entry = readEntry(view, at)
    members.set(key, () => unpack(bytes, view, entry, `${file}: ${key}`))
    at = next
  }
  return members
}

/** The end of the directory, which only a comment may follow. */
function findEnd(view: DataView): number | undefined {
  const first = Math.max(0, view.byteLength - lengths.end - lengths.longestComment)
  for (let at = view.byteLength - lengths.end; at >= first; at--)
    if (
      view.getUint32(at, true) === signatures.end &&
      at + lengths.end + view.getUint16(at + 20, true) === view.byteLength
    )
      return at
  return undefined
}

function readEntry(view: DataView, at: number): Entry {
  return {
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    at: view.getUint32(at + 42, true),
  }
}

function unpack(
  bytes: Uint8Array,
  view: DataView,
  { flags, method, crc, packed, size, at }: Entry,
  where: string,
): Uint8Array {
  if (flags & 1) throw failure(where, 'an unencrypted member', 'an encrypted one')
  if (method !== 0 && method !== 8) throw failure(where, 'a stored or deflated member', `method ${method}`)
  if (at + lengths.member > bytes.length || view.getUint32(at, true) !== signatures.member)
    throw failure(where, `a member at byte ${at}`, 'none')
  // names and extra fields differ in length from those in the directory; sizes may be given after the data only
  const from = at + lengths.member + view.getUint16(at + 26, true) + view.getUint16(at + 28, true)
  if (from + packed > bytes.length) throw failure(where, `${packed} bytes`, `${Math.max(0, bytes.length - from)}`)
  if (method === 0 && size !== packed) throw failure(where, `${packed} bytes, stored`, `a declared size of ${size}`)
  const most = Math.min(mostInflated * packed, largestUnpacked)
  if (method === 8 && size > most) throw failure(where, `at most ${most} bytes`, `a declared size of ${size}`)
  const data = bytes.subarray(from, from + packed)
  const unpacked = method === 0 ? data : inflate(data, size, where)
  if (unpacked.length !== size) throw failure(where, `${size} bytes, as declared`, `${unpacked.length}`)
  if (crc32(unpacked) !== crc) throw failure(where, `the checksum ${crc}`, `${crc32(unpacked)}`)
  return unpacked
}

function inflate(data: Uint8Array, size: number, where: string): Uint8Array {
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(1, size) })
  } catch (error) {
    throw failure(where, `deflated data of ${size} bytes`, (error as Error).message)
  }
}

function failure(where: string, what: string, got: string): LgmError {
  return expected(where, what, got, remedy, 'data')
}
