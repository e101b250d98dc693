import * as tf from '@tensorflow/tfjs'
import { checkShapes, prefixed, shapesOf } from '../check-restored.js'
import type { Params, State } from '../contracts.js'
import { expected } from '../errors.js'
import { cloneParams, emptyState, flatten, mapParams, subset } from '../params.js'

/**
 * λ/2 · Σᵢ Fᵢ (θᵢ − θ*ᵢ)² over all parameters that have an anchor θ* and an importance F: the penalty of EWC, MAS, SI and L2.
 * Its gradient is written out, λ F (θ − θ*), and everything is one node on the tape. Where a parameter has grown along some axes
 * since it was anchored, only the anchored part is held; parameters without an anchor, and anchors without a parameter, are left out.
 *
 * @throws LgmError `input` when a parameter is smaller than its anchor.
 */
export function quadraticPenalty(params: Params, anchors: Params, importances: Params, strength: number): tf.Scalar {
  const names = Object.keys(anchors).filter(name => params[name] && importances[name])
  if (names.length === 0) return tf.scalar(0)
  const compute = ((...inputs: [...tf.Tensor[], (tensors: tf.Tensor[]) => void]) => {
    const save = inputs.pop() as (tensors: tf.Tensor[]) => void
    const tensors = inputs as tf.Tensor[]
    const pulls: tf.Tensor[] = []
    const terms = tensors.map((parameter, i) => {
      const name = names[i]!
      const distance = anchoredPart(parameter, anchors[name]!, name).sub(anchors[name]!)
      pulls.push(distance.mul(importances[name]!))
      return dot(pulls[i]!, distance)
    })
    save(pulls)
    return {
      value: tf.addN(terms).mul(strength / 2),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const scale = dy.mul(strength)
        return saved.map((pull, i) => padTo(pull.mul(scale), tensors[i]!.shape))
      },
    }
  }) as unknown as Parameters<typeof tf.customGrad>[0]
  return tf.customGrad(compute)(...names.map(name => params[name]!)) as tf.Scalar
}

/** Σᵢ Fᵢ (θᵢ − θ*ᵢ)² + offset: anchors θ* and importances F by parameter, and a constant scalar. */
export interface Quadratic {
  readonly anchors: Params
  readonly importances: Params
  readonly offset: tf.Scalar
}

/**
 * The sum of two quadratics, which is again one: F = F₁ + F₂, θ* = θ₁ + F₂/F (θ₂ − θ₁), offset + Σ F₁F₂/F (θ₂ − θ₁)².
 * So any number of penalties, one per task, costs and keeps as much as one. The second may have grown; all tensors returned are new.
 */
export function sumQuadratics(first: Quadratic, second: Quadratic): Quadratic {
  const anchors: Record<string, tf.Tensor> = {}
  const importances: Record<string, tf.Tensor> = {}
  const offset = tf.tidy(() => {
    let constant = first.offset.add(second.offset) as tf.Scalar
    for (const name of new Set([...Object.keys(first.anchors), ...Object.keys(second.anchors)])) {
      const [a, b] = [first.anchors[name], second.anchors[name]]
      if (!a || !b) {
        const only = a ? first : second
        anchors[name] = tf.keep(only.anchors[name]!.clone())
        importances[name] = tf.keep(only.importances[name]!.clone())
        continue
      }
      const importance = padTo(first.importances[name]!, b.shape)
      const sum = importance.add(second.importances[name]!)
      const share = tf.divNoNan(second.importances[name]!, sum)
      const distance = b.sub(padTo(a, b.shape))
      anchors[name] = tf.keep(b.sub(distance.mul(tf.sub(1, share))))
      importances[name] = tf.keep(sum)
      constant = constant.add(dot(importance.mul(share).mul(distance), distance))
    }
    return tf.keep(constant)
  })
  return { anchors, importances, offset }
}

/** A quadratic with these importances, which are handed over, and anchors at `params`, which are cloned. */
export function quadraticAt(params: Params, importances: Params): Quadratic {
  return { anchors: cloneParams(params), importances, offset: tf.keep(tf.scalar(0)) }
}

/** λ/2 times a quadratic with its offset, at `params`; 0 where nothing is held yet. */
export function heldPenalty(params: Params, held: Quadratic | undefined, strength: number): tf.Scalar {
  if (!held) return tf.scalar(0)
  const penalty = quadraticPenalty(params, held.anchors, held.importances, strength)
  return penalty.add(held.offset.mul(strength / 2))
}

/** w₁ first + w₂ second, by name of the second; the first is padded with zeros where the second has grown, and nothing where it has no such tensor. */
export function weightedSum(first: Params, second: Params, weights: readonly [number, number] = [1, 1]): Params {
  return mapParams(second, (tensor, name) =>
    tf.tidy(() => {
      const scaled = weights[1] === 1 ? tensor : tensor.mul(weights[1])
      return first[name] ? scaled.add(padTo(first[name], tensor.shape).mul(weights[0])) : scaled.clone()
    }),
  )
}

/** A quadratic as the state of a plugin, in clones: `anchor/…`, `importance/…` and `offset`. */
export function quadraticState(held: Quadratic | undefined): State {
  if (!held) return emptyState
  const { anchors, importances, offset } = held
  return {
    tensors: cloneParams({ ...flatten({ anchor: anchors, importance: importances }), offset }),
    values: {},
  }
}

/**
 * The inverse of `quadraticState`, in clones; `undefined` from the state of one that held nothing.
 * @throws LgmError `checkpoint` in the name of `where` unless there are an offset, and an importance of its shape for each anchor.
 */
export function restoreQuadratic({ tensors }: State, where = 'regularizer'): Quadratic | undefined {
  if (Object.keys(tensors).length === 0) return undefined
  const anchors = shapesOf(subset(tensors, 'anchor'))
  checkShapes(where, tensors, { ...prefixed('anchor', anchors), ...prefixed('importance', anchors), offset: [] })
  const kept = cloneParams(tensors)
  return {
    anchors: subset(kept, 'anchor'),
    importances: subset(kept, 'importance'),
    offset: kept.offset as tf.Scalar,
  }
}

/** Frees the tensors of quadratics. */
export function disposeQuadratic(...quadratics: readonly (Quadratic | undefined)[]): void {
  for (const held of quadratics)
    if (held) tf.dispose([...Object.values(held.anchors), ...Object.values(held.importances), held.offset])
}

/** The tensor with zeros after its end along each axis that is shorter than in `shape`. */
export function padTo(tensor: tf.Tensor, shape: readonly number[]): tf.Tensor {
  if (tensor.shape.every((side, axis) => side === shape[axis])) return tensor
  return tf.pad(
    tensor,
    tensor.shape.map((side, axis) => [0, shape[axis]! - side] as [number, number]),
  )
}

function anchoredPart(parameter: tf.Tensor, anchor: tf.Tensor, name: string): tf.Tensor {
  if (parameter.shape.every((side, axis) => side === anchor.shape[axis])) return parameter
  if (parameter.rank !== anchor.rank || parameter.shape.some((side, axis) => side < anchor.shape[axis]!))
    throw expected(
      'penalty',
      `${name} of shape [${anchor.shape.join(', ')}] or grown from it`,
      `[${parameter.shape.join(', ')}]`,
      'use the parameters that were anchored',
    )
  return parameter.slice(
    anchor.shape.map(() => 0),
    anchor.shape,
  )
}

/** Σᵢ aᵢbᵢ by one matrix product. */
function dot(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  return tf.matMul(a.reshape([1, -1]), b.reshape([-1, 1])).reshape([]) as tf.Scalar
}
