import { expected, type Params, type Rng, subset, type TaskState } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { gates } from './gates.js'
import { gateName, type Layer, scaleUnits } from './layers.js'

// Task embeddings e_t are parameters of E beside the layers': `hat/0/1/gate` for task 0 and the layer `1/`.

const prefix = 'hat/'

/** The name of a task's embedding of a layer among the parameters of E. */
export function embeddingName(task: number, layer: Layer): string {
  return `${prefix}${task}/${gateName(layer)}`
}

/** The tasks of which parameters of E, without prefix, have embeddings. */
export function tasksOf(params: Params): readonly number[] {
  return Object.keys(params)
    .flatMap(name => /^hat\/(\d{1,9})\//.exec(name)?.[1] ?? [])
    .map(Number)
}

/** Embeddings from N(0, 1) for the gated layers that have none of the task yet, or nothing. */
export function newEmbeddings({ task, model }: TaskState, gated: readonly Layer[], rng: Rng): Params | undefined {
  const missing = gated.filter(layer => !model.embedder[embeddingName(task.index, layer)])
  if (missing.length === 0) return undefined
  return Object.fromEntries(
    missing.map(layer => [embeddingName(task.index, layer), tf.tensor1d(rng.normal(layer.units))]),
  )
}

/**
 * a^t by layer, from parameters of E without prefix.
 * @throws LgmError when the task has no embeddings.
 */
export function gatesOf(params: Params, gated: readonly Layer[], task: number, slope: number): Params {
  return Object.fromEntries(
    gated.map(layer => {
      const embedding = params[embeddingName(task, layer)]
      if (!embedding)
        throw expected('regularizer "hat"', `gates of task ${task + 1}`, 'none', 'ask for a task that it has learned')
      return [gateName(layer), gates(embedding, slope)]
    }),
  )
}

/** Parameters of a whole model as the network uses them: without embeddings, and with the units of gated layers times `open`. */
export function gatedView(params: Params, gated: readonly Layer[], open: Params): Params {
  const layers = Object.entries(params).filter(([name]) => !name.startsWith(`embedder/${prefix}`))
  const embedder = subset(params, 'embedder')
  const scaled = gated.flatMap(layer => Object.entries(scaleUnits(embedder, layer, open[gateName(layer)]!)))
  return Object.fromEntries([...layers, ...scaled.map(([name, tensor]) => [`embedder/${name}`, tensor] as const)])
}
