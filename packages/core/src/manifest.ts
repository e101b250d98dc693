import { crc32 } from './crc32.js'
import { expected, show } from './errors.js'
import { z } from './point.js'

export const manifestFile = 'manifest.json'

/** Of the files beside the manifest: how many bytes, and which. */
const fileSchema = z.object({ bytes: z.int().min(0), crc32: z.string() })

const about = {
  format: z.literal('lgm-checkpoint'),
  seed: z.number(),
  tasks: z.int().min(0),
  exampleShape: z.array(z.int().positive()),
  seen: z
    .object({
      scenario: z.enum(['class', 'task', 'domain']),
      names: z.array(z.string()),
      taskOf: z.array(z.int().min(0)),
    })
    .refine(({ names, taskOf }) => names.length === taskOf.length, 'a task for each class'),
  plugins: z.record(z.string(), z.object({ values: z.record(z.string(), z.unknown()) })),
  rngs: z.record(
    z.string(),
    z
      .array(z.int32())
      .length(4)
      .refine(words => words.some(word => word !== 0), 'a state in which it does not stand still'),
  ),
}

const manifestSchema = z.discriminatedUnion('version', [
  z.object({ ...about, version: z.literal(1) }),
  z.object({ ...about, version: z.literal(2), files: z.record(z.string(), fileSchema), crc32: z.string() }),
])

export type Manifest = z.output<typeof manifestSchema>

/** What a manifest says beside the checksums. */
export type About = Omit<Extract<Manifest, { version: 1 }>, 'format' | 'version'>

const encode = (text: string) => new TextEncoder().encode(text)

/** `manifest.json`, with the sizes and checksums of the files beside it, and last the checksum of all that it says itself. */
export function encodeManifest(said: About, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const sums = Object.fromEntries(
    Array.from(files, ([name, bytes]) => [name, { bytes: bytes.length, crc32: crc32(bytes) }]),
  )
  const whole = { format: 'lgm-checkpoint', version: 2, ...said, files: sums }
  return encode(`${JSON.stringify({ ...whole, crc32: crc32(encode(JSON.stringify(whole))) }, null, 2)}\n`)
}

/**
 * Reads what `encodeManifest` wrote, or version 1, which has no checksums.
 * @throws LgmError `checkpoint` when it is damaged or of an unknown version.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const manifest = manifestSchema.parse(json)
    if (manifest.version === 2) checkSelf(json as Extract<Manifest, { version: 2 }>)
    return manifest
  } catch (error) {
    if (!(error instanceof z.ZodError || error instanceof SyntaxError || error instanceof RangeError)) throw error
    const [issue] = error instanceof z.ZodError ? error.issues : []
    const detail = issue ? `${issue.path.join('.')}: ${issue.message}` : 'no JSON'
    throw expected(
      manifestFile,
      'a manifest of an LGM checkpoint, version 1 or 2',
      `another (${detail})`,
      'load a checkpoint written by this version',
      'checkpoint',
    )
  }
}

function checkSelf({ crc32: said, ...whole }: Extract<Manifest, { version: 2 }>): void {
  const sum = crc32(encode(JSON.stringify(whole)))
  if (sum !== said) throw damaged(manifestFile, `what has the checksum ${show(said)}`, `what has ${sum}`)
}

/** @throws LgmError `checkpoint` when a file is not the one that the manifest was written with, where it says which. */
export function checkFile(manifest: Manifest, name: string, bytes: Uint8Array): void {
  if (manifest.version === 1) return
  const said = manifest.files[name]
  if (!said) throw damaged(manifestFile, `the checksum of ${name}`, 'none')
  if (bytes.length !== said.bytes) throw damaged(name, `${said.bytes} bytes`, `${bytes.length}`)
  const sum = crc32(bytes)
  if (sum !== said.crc32) throw damaged(name, `what has the checksum ${show(said.crc32)}`, `what has ${sum}`)
}

function damaged(where: string, what: string, got: string): Error {
  return expected(where, what, got, 'it is damaged, or of another checkpoint: take an earlier one', 'checkpoint')
}
