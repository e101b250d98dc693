import {
  applyMlp,
  convolve,
  expected,
  initMlp,
  type Params,
  type Rng,
  rows,
  sizeOf,
  subset,
  uniformWeights,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** Options that decide what a generator's networks look like, to be spread into a plugin's own. */
export const networkOptions = {
  net: z
    .enum(['mlp', 'conv'])
    .default('mlp')
    .describe(
      'fully connected layers alone, or with convolutions between them and codes of shape [height, width, channels]',
    ),
  filters: z
    .array(z.int().min(1))
    .min(1)
    .default([32, 64])
    .describe('of net: conv, filters from the code inwards, each layer halving the sides'),
  gain: z
    .number()
    .positive()
    .default(1)
    .describe(
      "scale of the first weights against √(6/n) before a ReLU and √(3/n) elsewhere; PyTorch's default, 1/√n, is 0.408 and 0.577",
    ),
}

/** What decides the shapes of the parameters; `widths` are the hidden layers of an analysis, those of a synthesis in reverse. */
export interface Architecture {
  readonly net: 'mlp' | 'conv'
  readonly filters: readonly number[]
  readonly widths: readonly number[]
  /** Scale of the first weights; 1 keeps variances (He et al. 2015, arXiv:1502.01852). */
  readonly gain?: number
}

/** Side of a filter, in positions. */
const side = 3
/** Of the convolutions: each halves, or doubles, the sides. */
export const stride = 2

/**
 * Parameters of a network from codes `[n, ...shape]`, with labels `[n, labels]` beside them, to `[n, outputs]`: of net mlp, dense layers
 * `mlp/0/kernel`, …; of net conv, convolutions `conv/0/kernel` `[3, 3, in, out]`, … before them, and labels beside the last map.
 * @throws LgmError `composition` in the name of `where` for net conv and codes that are no feature maps.
 */
export function initAnalysis(
  where: string,
  { net, filters, widths, gain = 1 }: Architecture,
  shape: readonly number[],
  labels: number,
  outputs: number,
  rng: Rng,
): Params {
  if (net === 'mlp') return prefixed('mlp', initMlp([sizeOf(shape) + labels, ...widths, outputs], rng, 'linear', gain))
  const sides = sidesOf(where, shape, filters.length)
  const channels = [shape[2]!, ...filters]
  const inputs = sizeOf([...sides.at(-1)!, channels.at(-1)!])
  return {
    ...prefixed(
      'conv',
      Object.assign({}, ...filters.map((count, layer) => kernelOf(layer, channels[layer]!, count, rng, gain))),
    ),
    ...prefixed('mlp', initMlp([inputs + labels, ...widths, outputs], rng, 'linear', gain)),
  }
}

/** Applies `initAnalysis`: x `[n, ...shape]`, y `[n, labels]` or none → `[n, outputs]`. */
export function analyse(params: Params, x: tf.Tensor, y?: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    let map = x
    for (let layer = 0; params[`conv/${layer}/kernel`]; layer++)
      map = convolve(map, params[`conv/${layer}/kernel`]!, params[`conv/${layer}/bias`]!, stride, 'relu')
    return applyMlp(subset(params, 'mlp'), y ? tf.concat([rows(map), y], 1) : rows(map))
  })
}

/**
 * Parameters of a network the other way round: z `[n, inputs]` with labels `[n, labels]` beside it → codes `[n, ...shape]`. Of net conv,
 * dense layers to a small map and transposed convolutions `conv/0/kernel` `[3, 3, out, in]`, … that double its sides.
 * @throws LgmError `composition` in the name of `where` for net conv and codes that are no feature maps.
 */
export function initSynthesis(
  where: string,
  { net, filters, widths, gain = 1 }: Architecture,
  inputs: number,
  labels: number,
  shape: readonly number[],
  rng: Rng,
): Params {
  const hidden = [inputs + labels, ...widths.toReversed()]
  if (net === 'mlp') return prefixed('mlp', initMlp([...hidden, sizeOf(shape)], rng, 'linear', gain))
  const smallest = sidesOf(where, shape, filters.length).at(-1)!
  const channels = [...filters.toReversed(), shape[2]!]
  const layers = filters.map((_, layer) => {
    const [from, to] = [channels[layer]!, channels[layer + 1]!]
    const scale = layer + 1 === filters.length ? gain * Math.SQRT1_2 : gain
    const fanIn = (from * side * side) / (stride * stride)
    return {
      [`${layer}/kernel`]: uniformWeights([side, side, to, from], fanIn, count => rng.uniform(count), scale),
      [`${layer}/bias`]: tf.zeros([to]),
    }
  })
  return {
    ...prefixed('mlp', initMlp([...hidden, sizeOf([...smallest, channels[0]!])], rng, 'relu', gain)),
    ...prefixed('conv', Object.assign({}, ...layers)),
  }
}

/** Applies `initSynthesis`: z `[n, inputs]`, y `[n, labels]` or none → `[n, ...shape]`, without a last non-linearity. */
export function synthesize(
  params: Params,
  z: tf.Tensor2D,
  y: tf.Tensor2D | undefined,
  shape: readonly number[],
): tf.Tensor {
  return tf.tidy(() => {
    const inputs = y ? tf.concat([z, y], 1) : z
    const count = z.shape[0]
    const layers = Object.keys(params).filter(name => /^conv\/\d+\/kernel$/.test(name)).length
    if (layers === 0) return applyMlp(subset(params, 'mlp'), inputs).reshape([count, ...shape])
    const sides = sidesOf('', shape, layers).toReversed()
    const channels = params['conv/0/kernel']!.shape[3]!
    let map: tf.Tensor = applyMlp(subset(params, 'mlp'), inputs, 'relu').reshape([count, ...sides[0]!, channels])
    for (let layer = 0; layer < layers; layer++) {
      const kernel = params[`conv/${layer}/kernel`] as tf.Tensor4D
      const [height, width] = sides[layer + 1]!
      map = tf
        .conv2dTranspose(map as tf.Tensor4D, kernel, [count, height, width, kernel.shape[2]], stride, 'same')
        .add(params[`conv/${layer}/bias`]!)
      if (layer + 1 < layers) map = map.relu()
    }
    return map
  })
}

/**
 * A network of `initAnalysis` or `initSynthesis` with room for more labels: rows are added for the new ones, and what it computes for the
 * old ones stays the same. All other tensors are those of `params`.
 */
export function growLabels(params: Params, from: number, to: number, rng: Rng, gain = 1): Params {
  if (to <= from) return params
  const kernel = params['mlp/0/kernel']!
  const [inputs, outputs] = kernel.shape as [number, number]
  const grown = tf.tidy(() => {
    const added = uniformWeights([to - from, outputs], inputs + to - from, count => rng.uniform(count), gain)
    return tf.concat([kernel, added])
  })
  return { ...params, 'mlp/0/kernel': grown }
}

/** `params` with `prefix/` before every name; the reverse of `subset`. */
export function prefixed(prefix: string, params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [`${prefix}/${name}`, tensor]))
}

function kernelOf(layer: number, inputs: number, outputs: number, rng: Rng, gain: number): Params {
  const shape = [side, side, inputs, outputs]
  return {
    [`${layer}/kernel`]: uniformWeights(shape, side * side * inputs, n => rng.uniform(n), gain),
    [`${layer}/bias`]: tf.zeros([outputs]),
  }
}

/** Height and width of the code and of the map after each layer: half of the one before, rounded up. */
function sidesOf(where: string, shape: readonly number[], layers: number): [number, number][] {
  if (shape.length !== 3)
    throw expected(
      where,
      'codes of shape [height, width, channels] for net: conv',
      `[${shape.join(', ')}]`,
      'use net: mlp',
      'composition',
    )
  const sides: [number, number][] = [[shape[0]!, shape[1]!]]
  for (let layer = 0; layer < layers; layer++) {
    const [height, width] = sides.at(-1)!
    sides.push([Math.ceil(height / stride), Math.ceil(width / stride)])
  }
  return sides
}
