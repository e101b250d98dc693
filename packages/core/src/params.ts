import * as tf from '@tensorflow/tfjs'
import type { Model, Params, Regularizer, State } from './contracts.js'
import { expected } from './errors.js'

/** Applies `change` to every tensor. */
export function mapParams(params: Params, change: (tensor: tf.Tensor, name: string) => tf.Tensor): Params {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, change(tensor, name)]))
}

/** The same values under new handles, which belong to the caller; no data is copied. */
export function cloneParams(params: Params): Params {
  return mapParams(params, tensor => tf.keep(tensor.clone()))
}

/** Disposes every tensor of `params` that is not also in one of `except`. */
export function disposeParams(params: Params, ...except: readonly Params[]): void {
  const spared = new Set(except.flatMap(other => Object.values(other)))
  for (const tensor of Object.values(params)) if (!spared.has(tensor) && !tensor.isDisposed) tensor.dispose()
}

/** Several records as one, such as E, C and D, named `embedder/…`, `head/…`, `decoder/…`; `subset` takes one out again. */
export function flatten<Part extends string>(parts: { readonly [part in Part]?: Params }): Params {
  const flat: Record<string, tf.Tensor> = {}
  for (const [part, params] of Object.entries(parts))
    for (const [name, tensor] of Object.entries(params as Params)) flat[`${part}/${name}`] = tensor
  return flat
}

/** The inverse of `flatten`. */
export function unflatten(params: Params): Model {
  return { embedder: subset(params, 'embedder'), head: subset(params, 'head'), decoder: subset(params, 'decoder') }
}

/** The parameters under `prefix/`, without the prefix. */
export function subset(params: Params, prefix: string): Params {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, tensor]) =>
      name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), tensor]] : [],
    ),
  )
}

/** Which numbers a regularizer protects: those of E, or of E and C. */
export type Protection = 'embedder' | 'embedder+head'

/** The parameters that a regularizer protects, with their full names. */
export function protectedParams(params: Params, protect: Protection): Params {
  return Object.fromEntries(
    Object.entries(params).filter(
      ([name]) => name.startsWith('embedder/') || (protect === 'embedder+head' && name.startsWith('head/')),
    ),
  )
}

/**
 * As `protectedParams`, for a regularizer that would hold nothing without them.
 * @throws LgmError `composition` when there are none, in the name of `where`.
 */
export function requireProtected(where: string, model: Model, protect: Protection): Params {
  const found = protectedParams(flatten(model), protect)
  if (Object.keys(found).length > 0) return found
  throw expected(
    where,
    `parameters to hold in the ${protect}`,
    'none',
    'use an embedder that learns, or protect: embedder+head',
    'composition',
  )
}

/**
 * Checks that the embedder has parameters, for a regularizer that teaches it something.
 * @throws LgmError `composition` when it has none, in the name of `where`.
 */
export function requireEmbedder(where: string, { embedder }: Model): void {
  if (Object.keys(embedder).length === 0)
    throw expected(
      where,
      'an embedder with parameters',
      'one without',
      'use an embedder that learns, or leave the regularizer out',
      'composition',
    )
}

/** The parameters as the network uses them for one task: through the views of all regularizers, in the order listed. */
export function viewParams(regularizers: readonly Regularizer[], params: Params, task: number): Params {
  return regularizers.reduce((seen, regularizer) => regularizer.view?.(seen, task) ?? seen, params)
}

/** How many numbers `params` holds. */
export function countNumbers(params: Params): number {
  return Object.values(params).reduce((sum, tensor) => sum + tensor.size, 0)
}

/** The state of something that keeps nothing. */
export const emptyState: State = { tensors: {}, values: {} }

/** Weights drawn uniformly from ±√(6 / fanIn) · gain (He et al. 2015, arXiv:1502.01852; uniform form), in JavaScript. */
export function uniformWeights(
  shape: readonly number[],
  fanIn: number,
  uniform: (count: number) => Float32Array,
  gain = 1,
): tf.Tensor {
  const limit = gain * Math.sqrt(6 / fanIn)
  const values = uniform(shape.reduce((a, b) => a * b, 1))
  for (let i = 0; i < values.length; i++) values[i] = (2 * values[i]! - 1) * limit
  return tf.tensor(values, shape as number[])
}
