import type * as tf from '@tensorflow/tfjs'
import type { Model, Params, Rng, SeenClasses, Stateful } from './contracts.js'
import { expected } from './errors.js'
import { disposeParams, flatten, subset, unflatten } from './params.js'
import { z } from './point.js'
import { decodeSafetensors, encodeSafetensors } from './safetensors.js'

/** Where checkpoints go: a folder, a browser's storage, or memory. `write` replaces everything or nothing. */
export interface Store {
  write(files: ReadonlyMap<string, Uint8Array>): Promise<void>
  /** @throws LgmError `checkpoint` when there is no file of that name. */
  read(name: string): Promise<Uint8Array>
}

/** A store in memory, for tests and for moving a learner between threads. */
export function memoryStore(): Store {
  let held: ReadonlyMap<string, Uint8Array> = new Map()
  return {
    async write(files) {
      held = new Map(files)
    },
    async read(name) {
      const file = held.get(name)
      if (!file) throw expected('memory store', `a file "${name}"`, 'none', 'save a learner first', 'checkpoint')
      return file
    },
  }
}

const manifestSchema = z.object({
  format: z.literal('lgm-checkpoint'),
  version: z.literal(1),
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
})

/** What a checkpoint holds beside the parts' own states. */
export interface Snapshot {
  readonly seed: number
  readonly tasks: number
  readonly exampleShape: readonly number[]
  readonly seen: SeenClasses
  readonly model: Model
}

const modelFile = 'model.safetensors'
const pluginFile = 'plugins.safetensors'

/** Writes a learner: `manifest.json`, the model's parameters, and the tensors of every stateful plugin. */
export async function writeCheckpoint(
  store: Store,
  snapshot: Snapshot,
  stateful: ReadonlyMap<string, Stateful>,
  rngs: ReadonlyMap<string, Rng>,
): Promise<void> {
  const states = new Map([...stateful].map(([name, part]) => [name, part.state()]))
  const tensors: Record<string, tf.Tensor> = {}
  for (const [name, state] of states)
    for (const [key, tensor] of Object.entries(state.tensors)) tensors[`${name}/${key}`] = tensor
  const manifest = {
    format: 'lgm-checkpoint',
    version: 1,
    seed: snapshot.seed,
    tasks: snapshot.tasks,
    exampleShape: snapshot.exampleShape,
    seen: snapshot.seen,
    plugins: Object.fromEntries([...states].map(([name, { values }]) => [name, { values }])),
    rngs: Object.fromEntries([...rngs].map(([name, rng]) => [name, rng.state()])),
  }
  const files = new Map([
    ['manifest.json', new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)],
    [modelFile, await encodeSafetensors(flatten(snapshot.model))],
    [pluginFile, await encodeSafetensors(tensors)],
  ])
  for (const state of states.values()) disposeParams(state.tensors)
  await store.write(files)
}

/**
 * Reads a checkpoint into parts built from the same plugins.
 * @throws LgmError `checkpoint` when a file is damaged, of an unknown version, or of other plugins.
 */
export async function readCheckpoint(
  store: Store,
  stateful: ReadonlyMap<string, Stateful>,
  rngs: ReadonlyMap<string, Rng>,
): Promise<Snapshot> {
  const manifest = parseManifest(await store.read('manifest.json'))
  for (const name of stateful.keys())
    if (!manifest.plugins[name])
      throw expected(
        'checkpoint',
        `the state of ${name}`,
        `states of ${Object.keys(manifest.plugins).join(', ') || 'no plugin'}`,
        'load it with the plugins it was saved with',
        'checkpoint',
      )
  const parameters = decodeSafetensors(await store.read(modelFile), modelFile)
  let tensors: Params = {}
  try {
    tensors = decodeSafetensors(await store.read(pluginFile), pluginFile)
    for (const [name, part] of stateful)
      part.restore({ tensors: subset(tensors, name) as Params, values: manifest.plugins[name]!.values })
  } catch (error) {
    disposeParams(parameters)
    throw error
  } finally {
    disposeParams(tensors)
  }
  for (const [name, rng] of rngs) if (manifest.rngs[name]) rng.restore(manifest.rngs[name])
  const model = unflatten(parameters)
  // what belongs to none of the networks
  disposeParams(parameters, model.embedder, model.head, model.decoder)
  return { ...manifest, model }
}

function parseManifest(bytes: Uint8Array): z.output<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (error) {
    const detail =
      error instanceof z.ZodError ? `${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}` : 'no JSON'
    throw expected(
      'manifest.json',
      'a manifest of an LGM checkpoint, version 1',
      `another (${detail})`,
      'load a checkpoint written by this version',
      'checkpoint',
    )
  }
}
