import fc from 'fast-check'

/** One change of a file: what is done, where (0 to 1 of its length), and with what. */
interface Edit {
  readonly kind: 'flip' | 'set' | 'truncate' | 'insert' | 'remove' | 'repeat' | 'number'
  readonly at: number
  readonly value: number
  readonly length: number
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('flip', 'set', 'truncate', 'insert', 'remove', 'repeat', 'number'),
  // headers are where the harm can be done, and they come first
  at: fc.oneof(fc.nat(150), fc.nat(1000)).map(share => share / 1000),
  value: fc.nat(255),
  length: fc.oneof(fc.nat(8), fc.nat(300)),
})

/** Numbers at which lengths and offsets go wrong. */
const borders = [
  0n,
  1n,
  0x7fn,
  0xffffn,
  0x7fff_ffffn,
  0xffff_ffffn,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]

/** Any bytes, and `valid` files damaged in up to five places. */
export function hostileBytes(valid: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const damaged = fc
    .tuple(fc.constantFrom(...valid), fc.array(edit, { minLength: 0, maxLength: 5 }))
    .map(([file, edits]) => edits.reduce(applied, file.slice()))
  return fc.oneof({ arbitrary: fc.uint8Array({ maxLength: 64 }), weight: 1 }, { arbitrary: damaged, weight: 4 })
}

function applied(bytes: Uint8Array, { kind, at, value, length }: Edit): Uint8Array {
  const from = Math.floor(at * bytes.length)
  const to = Math.min(from + length, bytes.length)
  if (kind === 'truncate') return bytes.slice(0, from)
  if (kind === 'remove') return joined(bytes.subarray(0, from), bytes.subarray(to))
  if (kind === 'insert')
    return joined(bytes.subarray(0, from), new Uint8Array(length).fill(value), bytes.subarray(from))
  if (kind === 'repeat') return joined(bytes.subarray(0, to), bytes.subarray(from))
  const changed = bytes.slice()
  if (kind === 'number') {
    const size = [2, 4, 8][length % 3]!
    const number = new DataView(new ArrayBuffer(8))
    number.setBigUint64(0, borders[value % borders.length]!, value % 2 === 0)
    const start = value % 2 === 0 ? 0 : 8 - size
    changed.set(new Uint8Array(number.buffer).subarray(start, start + Math.min(size, bytes.length - from)), from)
  } else if (from < changed.length) changed[from] = kind === 'flip' ? changed[from]! ^ (1 << (value % 8)) : value
  return changed
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Any text, and `valid` ones damaged as bytes are; those that are JSON also in their values, keys and nesting. */
export function hostileText(valid: readonly string[]): fc.Arbitrary<string> {
  const [encode, decode] = [new TextEncoder(), new TextDecoder()]
  const damaged = hostileBytes(valid.map(text => encode.encode(text))).map(bytes => decode.decode(bytes))
  const documents = valid.flatMap(text => {
    try {
      return [JSON.parse(text) as unknown]
    } catch {
      return []
    }
  })
  const further = documents.length > 0 ? [{ arbitrary: hostileJson(documents), weight: 4 }] : []
  return fc.oneof(
    { arbitrary: fc.string({ unit: 'binary', maxLength: 64 }), weight: 1 },
    { arbitrary: damaged, weight: 3 },
    ...further,
  )
}

/** JSON texts of values that break what trusts them: of another kind, without end, too deep, or named as what all objects inherit. */
export const hostileValues: readonly string[] = [
  ...[
    'null',
    'true',
    '0',
    '-1',
    '1.5',
    '1e999',
    '-1e308',
    '9007199254740993',
    '4294967296',
    '""',
    '"x"',
    '[]',
    '{}',
    '[[]]',
  ],
  ...['"NaN"', '"\\u0000"', '"\\u001b[31m\\nred"', '"\\ud800"', '"__proto__"', '"constructor"', '"toString"'],
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"length":4294967295}'],
  ...['{"toString":1,"valueOf":1}', '{"toJSON":1}', '["F32"]', '[null]', '[0,0]', '[-1,4]', '[9007199254740991,2]'],
]

/** As above, and large. Once in fifty, because they take the most time. */
const largeValues: readonly string[] = [
  `"${'long '.repeat(5000)}"`,
  `[${'1,'.repeat(5000)}1]`,
  `${'['.repeat(15_000)}${']'.repeat(15_000)}`,
  `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`,
]

const hostileKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  '0',
  'x'.repeat(3000),
  '\n\u001b[2J',
  'version',
]

/** Where and how a document is changed: at each level the share of its entries that are passed over. */
const change = fc.record({
  path: fc.array(
    fc.nat(999).map(share => share / 1000),
    { minLength: 0, maxLength: 7 },
  ),
  kind: fc.constantFrom('replace', 'replace', 'remove', 'rename', 'add', 'double'),
  value: fc.oneof(
    { arbitrary: fc.constantFrom(...hostileValues), weight: 49 },
    { arbitrary: fc.constantFrom(...largeValues), weight: 1 },
  ),
  key: fc.constantFrom(...hostileKeys),
})
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never

/** Documents as JSON texts, with up to three of their parts replaced, left out, renamed, or there twice. */
export function hostileJson(documents: readonly unknown[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(change, { minLength: 0, maxLength: 3 }))
    .map(([document, changes]) => written(document, changes))
}

/** JSON text; values that cannot stand in a document, such as too deep ones, are put in as text. */
function written(value: unknown, changes: readonly Change[]): string {
  const [here] = changes.filter(({ path, kind }) => path.length === 0 && kind === 'replace')
  if (here) return here.value
  if (typeof value !== 'object' || value === null) return changes[0]?.value ?? JSON.stringify(value)
  const entries = Object.entries(value).map(([key, entry]) => ({ key, entry, changes: [] as Change[] }))
  const inner: Change[] = []
  for (const { path, ...rest } of changes) {
    const target = entries[Math.floor((path[0] ?? 0) * entries.length)]
    if (target && path.length > 1) target.changes.push({ ...rest, path: path.slice(1) })
    else inner.push({ ...rest, path })
  }
  const parts = entries.map(({ key, entry, changes }) => [key, written(entry, changes)] as const)
  for (const { path, ...rest } of inner)
    changeEntry(parts as [string, string][], Math.floor((path[0] ?? 0) * parts.length), rest)
  if (Array.isArray(value)) return `[${parts.map(([, text]) => text).join()}]`
  return `{${parts.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join()}}`
}

function changeEntry(parts: [string, string][], at: number, { kind, value, key }: Omit<Change, 'path'>): void {
  const part = parts[at]
  if (kind === 'add' || !part) parts.push([key, value])
  else if (kind === 'remove') parts.splice(at, 1)
  else if (kind === 'rename') parts[at] = [key, part[1]]
  else if (kind === 'double') parts.push([part[0], value])
  else parts[at] = [part[0], value]
}
