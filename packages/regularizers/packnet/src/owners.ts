import { countNumbers, expected, mapParams, type Params } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

// Owners are integers of a kernel's shape, by its name in E: 1 + the task that a weight belongs to, or 0 while it is free.

/** The owners with the claim of one more: of each kernel's free weights, the `share` of greatest magnitude. */
export async function claims(embedder: Params, owners: Params, owner: number, share: number): Promise<Params> {
  const kernels = Object.entries(embedder).filter(([, tensor]) => tensor.rank > 1)
  const claimed = kernels.map(async ([name, kernel]) => {
    const owned = (await owners[name]?.data()) ?? new Int32Array(kernel.size)
    return [name, tf.tensor(claim(await kernel.data(), owned, owner, share), kernel.shape, 'int32')] as const
  })
  return Object.fromEntries(await Promise.all(claimed))
}

function claim(weights: tf.TypedArray, owners: tf.TypedArray, owner: number, share: number): Int32Array {
  const claimed = Int32Array.from(owners)
  const free = claimed.map((_, i) => i).filter(i => owners[i] === 0)
  free.sort((i, j) => Math.abs(weights[j]!) - Math.abs(weights[i]!))
  for (const i of free.subarray(0, Math.max(1, Math.round(share * free.length)))) claimed[i] = owner
  return claimed
}

/** The share of weights that are free; 1 before there are owners. */
export async function freeShare(owners: Params): Promise<number> {
  const counts = await Promise.all(
    Object.values(owners).map(async owner => (await owner.data()).filter(k => k === 0).length),
  )
  return counts.length === 0 ? 1 : counts.reduce((sum, count) => sum + count, 0) / countNumbers(owners)
}

/** E with its free weights at 0. */
export function pruned(embedder: Params, owners: Params): Params {
  return mapParams(embedder, (tensor, name) =>
    owners[name] ? tf.tidy(() => tensor.mul(owners[name]!.greater(0).toFloat())) : tensor,
  )
}

/** @throws LgmError `checkpoint` for a kernel of E, in a whole model, whose weights belong to nobody, not even to no task yet. */
export function checkOwned(where: string, params: Params, owners: Params): void {
  for (const [name, { rank }] of Object.entries(params))
    if (rank > 1 && name.startsWith('embedder/') && !owners[name.slice('embedder/'.length)])
      throw expected(where, `the owners of ${name}`, 'none', 'load an earlier checkpoint', 'checkpoint')
}

/** The kernels of E, named as in a whole model, with the weights of the owners up to `last` alone. */
export function ownedUpTo(last: number, params: Params, owners: Params): Params {
  return Object.fromEntries(
    Object.entries(owners).map(([name, owner]) => {
      const own = tf.logicalAnd(owner.greater(0), owner.lessEqual(last))
      return [`embedder/${name}`, params[`embedder/${name}`]!.mul(own.toFloat())]
    }),
  )
}
