import { applyMlp, convolve, initMlp, type Params, type Rng, sizeOf, subset, uniformWeights } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { conditioning, type Flow } from './architecture.js'

const side = 3
const stride = 2

/**
 * Parameters of the network of one coupling, whose outputs are zero at first, so that a new flow changes nothing. Of net mlp, dense layers
 * `mlp/0/kernel`, … from what conditions and labels to s | t. Of net conv, convolutions `in/0/kernel` that halve the sides, a row `label`
 * for each class on the smallest map, and transposed convolutions `out/0/kernel` that double them again, beside the map of the same size
 * on the way in (U-Net, Ronneberger et al. 2015, arXiv:1505.04597, with sums).
 */
export function initConditioner(flow: Flow, coupling: number, classes: number, rng: Rng): Params {
  const labels = flow.conditional ? classes : 0
  if (flow.net === 'conv') return initUNet(flow, labels, rng)
  const size = sizeOf(flow.shape)
  const given = conditioning(size, coupling)
  const layers = initMlp([given + labels, ...flow.widths, 2 * (size - given)], rng)
  const last = `${flow.widths.length}/kernel`
  const zeros = tf.zerosLike(layers[last]!)
  layers[last]!.dispose()
  return prefixed('mlp', { ...layers, [last]: zeros })
}

/** What `initConditioner` made, with room for `added` more classes; their rows are zero, as if there were no label. */
export function growConditioner(params: Params, { net, conditional }: Flow, added: number): Params {
  if (!conditional) return params
  const name = net === 'mlp' ? 'mlp/0/kernel' : 'label'
  const kernel = params[name]!
  return { ...params, [name]: tf.concat([kernel, tf.zeros([added, kernel.shape[1]!])]) }
}

/** s | t of net mlp: what conditions `[n, given]`, labels y `[n, classes]` → `[n, 2 · transformed]`. */
export function conditionRows(params: Params, given: tf.Tensor2D, y: tf.Tensor2D, { conditional }: Flow): tf.Tensor2D {
  return applyMlp(subset(params, 'mlp'), conditional ? tf.concat([given, y], 1) : given)
}

/** s | t of net conv: a map `[n, height, width, channels]` with zeros where it is transformed → `[n, height, width, 2 · channels]`. */
export function conditionMap(params: Params, given: tf.Tensor4D, y: tf.Tensor2D, { filters }: Flow): tf.Tensor4D {
  const maps = [given]
  for (const layer of filters.keys())
    maps.push(convolve(maps.at(-1)!, params[`in/${layer}/kernel`]!, params[`in/${layer}/bias`]!, stride, 'relu'))
  let map = maps.pop()!
  if (params.label)
    map = map.add(
      tf
        .matMul(y, params.label as tf.Tensor2D)
        .expandDims(1)
        .expandDims(1),
    )
  for (const layer of filters.keys()) {
    const beside = maps.pop()!
    const kernel = params[`out/${layer}/kernel`] as tf.Tensor4D
    const [n, height, width] = beside.shape
    map = tf
      .conv2dTranspose(map, kernel, [n, height, width, kernel.shape[2]], stride, 'same')
      .add(params[`out/${layer}/bias`]!)
    if (layer + 1 < filters.length) map = map.relu().add(beside)
  }
  return map
}

function initUNet({ shape, filters }: Flow, labels: number, rng: Rng): Params {
  const params: Record<string, tf.Tensor> = {}
  const channels = [shape[2]!, ...filters]
  for (const [layer, outputs] of filters.entries()) {
    const inputs = channels[layer]!
    params[`in/${layer}/kernel`] = uniformWeights([side, side, inputs, outputs], side * side * inputs, count =>
      rng.uniform(count),
    )
    params[`in/${layer}/bias`] = tf.zeros([outputs])
  }
  if (labels > 0)
    params.label = uniformWeights([labels, filters.at(-1)!], filters.at(-1)!, count => rng.uniform(count), Math.SQRT1_2)
  for (const layer of filters.keys()) {
    const [inputs, outputs] = [channels.at(-1 - layer)!, channels.at(-2 - layer)!]
    const last = layer + 1 === filters.length
    const fanIn = (inputs * side * side) / (stride * stride)
    const size = [side, side, last ? 2 * outputs : outputs, inputs] as const
    params[`out/${layer}/kernel`] = last
      ? tf.zeros([...size])
      : uniformWeights(size, fanIn, count => rng.uniform(count))
    params[`out/${layer}/bias`] = tf.zeros([size[2]])
  }
  return params
}

/** `params` with `prefix/` before every name. */
export function prefixed(prefix: string, params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, tensor]) => [`${prefix}/${name}`, tensor]))
}
