import { crc32, deflateRawSync } from 'node:zlib'

/** A member to be packed, and what the directory and its own header say instead of the truth. */
export interface Member {
  readonly name: string
  readonly data: Uint8Array
  readonly change?: { flags?: number; method?: number; crc?: number; packed?: number; size?: number; at?: number }
}

/** A zip file of deflated members. */
export function zip(members: readonly Member[], tail = { entries: members.length, size: -1, comment: '' }): Uint8Array {
  const local: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const { name, data, change } of members) {
    const packed = deflateRawSync(data)
    const facts = {
      ...{ flags: 0, method: 8, crc: crc32(data), packed: packed.length, size: data.length, at },
      ...change,
    }
    const title = Buffer.from(name)
    const fields = [facts.crc, facts.packed, facts.size].map(word)
    const common = [half(20), half(facts.flags), half(facts.method), half(0), half(0), ...fields, half(title.length)]
    local.push(Buffer.concat([word(0x04034b50), ...common, half(0), title, packed]))
    directory.push(
      Buffer.concat([
        word(0x02014b50),
        half(20),
        ...common,
        half(0),
        half(0),
        half(0),
        half(0),
        word(0),
        word(facts.at),
        title,
      ]),
    )
    at += local.at(-1)!.length
  }
  const size = tail.size < 0 ? Buffer.concat(directory).length : tail.size
  const counts = [half(0), half(0), half(tail.entries), half(tail.entries), word(size), word(at)]
  return Buffer.concat([
    ...local,
    ...directory,
    word(0x06054b50),
    ...counts,
    half(tail.comment.length),
    Buffer.from(tail.comment),
  ])
}
const half = (value: number) => Buffer.from(Uint16Array.of(value).buffer)
const word = (value: number) => Buffer.from(Uint32Array.of(value).buffer)
