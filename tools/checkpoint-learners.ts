import {
  decodeArrays,
  definePlugin,
  encodeArrays,
  learn,
  type NamedArray,
  type Plugin,
  type Store,
  Stream,
  type Task,
  z,
} from '@lgm/core'
import { mlp } from '@lgm/embedder-mlp'
import { linear } from '@lgm/head-linear'
import { tinyTasks } from '@lgm/testing'

class TaskStream implements Stream {
  readonly scenario = 'task'
  async tasks(): Promise<Task[]> {
    return tinyTasks({ scenario: 'task', count: 6 })
  }
}

/** Says that tasks are told at prediction. */
export const taskStream = definePlugin({
  point: Stream,
  name: 'tiny',
  summary: 'tiny tasks, told',
  options: z.strictObject({}),
  class: TaskStream,
})

/** The smallest learner that these plugins can stand in; phases are the default ones, of two steps. */
export function small(...plugins: readonly Plugin[]): readonly Plugin[] {
  return [mlp({ widths: [3], codes: 2 }), linear(), ...plugins]
}

/** Two steps, told by name. */
export const quick = learn({ iterations: 2, batchSize: 4, replaySize: 4 })

/** A checkpoint as one of the version that had no checksums, with some files changed. */
export async function withoutChecksums(
  store: Store,
  changed: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Store> {
  const { files: _, crc32: __, ...manifest } = JSON.parse(new TextDecoder().decode(await store.read('manifest.json')))
  const old = new TextEncoder().encode(JSON.stringify({ ...manifest, version: 1 }))
  return { ...store, read: async name => changed.get(name) ?? (name === 'manifest.json' ? old : store.read(name)) }
}

/** Every way to do without one array, or to give it one row more, another type, or a wrong name. */
export function* misfits(file: Uint8Array): Generator<readonly [string, Uint8Array]> {
  const { arrays } = decodeArrays(file)
  for (const [name, array] of Object.entries(arrays)) {
    const { [name]: _, ...others } = arrays
    const [rows = 1, ...sides] = array.shape
    const size = sides.reduce((product, side) => product * side, 1)
    const longer = array.values.slice().constructor as new (count: number) => NamedArray['values']
    const retyped = array.values instanceof Int32Array ? Float32Array : Int32Array
    yield [`without ${name}`, encodeArrays(others)]
    yield [`${name} misnamed`, encodeArrays({ ...others, [`${name}x`]: array })]
    yield [
      `${name} with a row more`,
      encodeArrays({ ...arrays, [name]: { shape: [rows + 1, ...sides], values: new longer((rows + 1) * size) } }),
    ]
    yield [
      `${name} of another type`,
      encodeArrays({ ...arrays, [name]: { shape: array.shape, values: retyped.from(array.values) } }),
    ]
  }
}
