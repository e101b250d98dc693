import type * as tf from '@tensorflow/tfjs'
import type { Model, Params, Rng, SeenClasses, Stateful } from './contracts.js'
import { expected, show } from './errors.js'
import { checkFile, encodeManifest, type Manifest, manifestFile, parseManifest } from './manifest.js'
import { disposeParams, flatten, subset, unflatten } from './params.js'
import { restoreAll } from './restoration.js'
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

export const modelFile = 'model.safetensors'
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
 * Reads a checkpoint into parts built from the same plugins. If it throws, all parts are as they were.
 * @param check throws where the model does not fit the parts, which have their states by then; it may change those
 * @throws LgmError `checkpoint` when a file is damaged, of an unknown version, or of other plugins.
 */
export async function readCheckpoint(
  store: Store,
  stateful: ReadonlyMap<string, Stateful>,
  rngs: ReadonlyMap<string, Rng>,
  check: (snapshot: Snapshot) => void,
): Promise<Snapshot> {
  const manifest = parseManifest(await store.read(manifestFile))
  const read = async (name: string): Promise<Params> => {
    const bytes = await store.read(name)
    checkFile(manifest, name, bytes)
    return decodeSafetensors(bytes, name)
  }
  checkParts(manifest, stateful, rngs)
  const parameters = await read(modelFile)
  let tensors: Params = {}
  try {
    const model = unflatten(parameters)
    checkOwners(modelFile, parameters, Object.keys(model))
    tensors = await read(pluginFile)
    checkOwners(pluginFile, tensors, Object.keys(manifest.plugins))
    const parts = Array.from(stateful, ([name, part]) => {
      const state = { tensors: subset(tensors, name), values: manifest.plugins[name]!.values }
      return [name, { part, state }] as const
    })
    const words = Array.from(rngs, ([name, rng]) => [rng, manifest.rngs[name] ?? rng.state()] as const)
    restoreAll(new Map(parts), new Map(words), () => check({ ...manifest, model }))
    return { ...manifest, model }
  } catch (error) {
    disposeParams(parameters)
    throw error
  } finally {
    disposeParams(tensors)
  }
}

/** Plugins that may be other ones than before, if they keep nothing: what they draw does not go on from what they drew. */
const aside = /^(dataset|stream|evaluator|observer|backend)\//

function checkParts(
  { plugins, rngs: words }: Manifest,
  stateful: ReadonlyMap<string, Stateful>,
  rngs: ReadonlyMap<string, Rng>,
): void {
  const missing = (what: string, got: readonly string[]) =>
    expected('checkpoint', what, got.join(', ') || 'none', 'load it with the plugins it was saved with', 'checkpoint')
  for (const name of stateful.keys())
    if (!Object.hasOwn(plugins, name)) throw missing(`the state of ${name}`, Object.keys(plugins))
  for (const name of rngs.keys())
    if (!Object.hasOwn(words, name) && !aside.test(name))
      throw missing(`the random numbers of ${name}`, Object.keys(words))
}

/** @throws LgmError `checkpoint` for a tensor that would belong to nobody. */
function checkOwners(file: string, tensors: Params, owners: readonly string[]): void {
  const stray = Object.keys(tensors).find(name => !owners.some(owner => name.startsWith(`${owner}/`)))
  if (stray === undefined) return
  const remedy = 'it is damaged, or not the file of a checkpoint'
  throw expected(file, `tensors of ${owners.join(', ') || 'no plugin'}`, show(stray), remedy, 'checkpoint')
}
