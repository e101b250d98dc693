import type * as tf from '@tensorflow/tfjs'
import type { Model, Params, Rng, SeenClasses, Stateful } from './contracts.js'
import { expected } from './errors.js'
import { checkFile, encodeManifest, manifestFile, parseManifest } from './manifest.js'
import { disposeParams, flatten, subset, unflatten } from './params.js'
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
  const { seed, tasks, exampleShape, seen, model } = snapshot
  const files = new Map([
    [modelFile, await encodeSafetensors(flatten(model))],
    [pluginFile, await encodeSafetensors(tensors)],
  ])
  for (const state of states.values()) disposeParams(state.tensors)
  const manifest = encodeManifest(
    {
      seed,
      tasks,
      exampleShape: [...exampleShape],
      seen: { scenario: seen.scenario, names: [...seen.names], taskOf: [...seen.taskOf] },
      plugins: Object.fromEntries([...states].map(([name, { values }]) => [name, { values: { ...values } }])),
      rngs: Object.fromEntries([...rngs].map(([name, rng]) => [name, [...rng.state()]])),
    },
    files,
  )
  await store.write(new Map([[manifestFile, manifest], ...files]))
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
  const manifest = parseManifest(await store.read(manifestFile))
  const read = async (name: string): Promise<Params> => {
    const bytes = await store.read(name)
    checkFile(manifest, name, bytes)
    return decodeSafetensors(bytes, name)
  }
  for (const name of stateful.keys())
    if (!manifest.plugins[name])
      throw expected(
        'checkpoint',
        `the state of ${name}`,
        `states of ${Object.keys(manifest.plugins).join(', ') || 'no plugin'}`,
        'load it with the plugins it was saved with',
        'checkpoint',
      )
  const parameters = await read(modelFile)
  let tensors: Params = {}
  try {
    tensors = await read(pluginFile)
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
