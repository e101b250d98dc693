import { type Embedder, expected, type Params, type Rng, type TaskState } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** A layer of an embedder: its kernel is `<name>kernel` `[…, inputs, units]`, its bias `<name>bias` `[units]`. */
export interface Layer {
  /** `0/` for `0/kernel`. */
  readonly name: string
  readonly inputs: number
  readonly units: number
  /** Whether its units can be gated by scaling; all layers but the last always can. */
  readonly gated: boolean
}

/** The layers of an embedder as it stands, told by random examples of the task's shape; draws from a fork of `rng`. See `layersOf`. */
export async function recognizeLayers(
  embedder: Embedder,
  { task, model }: TaskState,
  rng: Rng,
): Promise<readonly Layer[]> {
  const shape = [8, ...task.train.shape]
  const x = tf.tensor(rng.fork('probe').normal(tf.util.sizeFromShape(shape)), shape)
  try {
    return await layersOf(embedder, model.embedder, x)
  } finally {
    x.dispose()
  }
}

/**
 * The layers of an embedder that is a chain of layers y = a(xW + b), a(cz) = c·a(z) for c ≥ 0, as ReLU is: then scaling a unit's
 * column and bias by g is gating its activation by g. Told by trying: with the units of a layer scaled by c and the rows of the next
 * by 1/c, the codes of `x` must stay; with those of the last layer, the codes must scale, or it is not gated (a normalized code).
 *
 * @param params without prefix, in the order of the layers
 * @throws LgmError `composition` for any other network, naming the layer.
 */
export async function layersOf(embedder: Embedder, params: Params, x: tf.Tensor): Promise<readonly Layer[]> {
  const names = Object.keys(params).flatMap(name => /^(.*\/)?kernel$/.exec(name)?.slice(1) ?? [])
  const prefixes = names.map(name => name ?? '')
  const known = new Set(prefixes.flatMap(prefix => [`${prefix}kernel`, `${prefix}bias`]))
  const other = Object.keys(params).find(name => !known.has(name))
  if (other) throw unknown(`the parameter ${other}`)
  const chain = prefixes.map(name => {
    const [inputs, units] = params[`${name}kernel`]!.shape.slice(-2) as [number, number]
    return { name, inputs, units, gated: true }
  })
  const broken = chain.find((layer, i) => i > 0 && layer.inputs % chain[i - 1]!.units !== 0)
  if (broken) throw unknown(`${broken.inputs} inputs at ${broken.name}kernel, no multiple of the units before it`)
  const errors = await deviations(embedder, params, chain, x)
  const wrong = chain.slice(0, -1).find((_, i) => !(errors[i]! < tolerance))
  if (wrong) throw unknown(`one whose codes change as ${wrong.name}kernel is scaled and the next layer scaled back`)
  const layers = chain.map((layer, i) => ({ ...layer, gated: errors[i]! < tolerance }))
  if (!layers.some(layer => layer.gated)) throw unknown('none that can be gated')
  return layers
}

/** Relative error of codes, where float32 leaves about 1e-6. */
const tolerance = 1e-3

function unknown(got: string) {
  return expected(
    'regularizer "hat"',
    'an embedder of layers with a kernel and a bias, each but the last followed by ReLU and the next layer',
    got,
    'use one such as mlp or conv',
    'composition',
  )
}

/** How far the codes of `x` are from what they must be, relative to the largest, as each layer is scaled. */
async function deviations(embedder: Embedder, params: Params, chain: readonly Layer[], x: tf.Tensor) {
  if (chain.length === 0) return new Float32Array(0)
  const errors = tf.tidy(() => {
    const codes = flat(embedder.embed(params, x))
    return tf.stack(
      chain.map((layer, i) => {
        const next = chain[i + 1]
        const factors = tf.tensor1d(Array.from({ length: layer.units }, (_, unit) => 0.5 + ((unit * 0.618) % 1)))
        const scaled: Record<string, tf.Tensor> = { ...params, ...scaleUnits(params, layer, factors) }
        if (next) scaled[`${next.name}kernel`] = params[`${next.name}kernel`]!.div(perInput(factors, next))
        const wanted = next ? codes : codes.mul(tf.tile(factors, [codes.shape[1]! / layer.units]))
        const error = flat(embedder.embed(scaled, x)).sub(wanted).abs().max()
        return tf.divNoNan(error, codes.abs().max())
      }),
    )
  })
  const values = await errors.data()
  errors.dispose()
  return values
}

function flat(codes: tf.Tensor): tf.Tensor {
  return codes.reshape([codes.shape[0]!, -1])
}

/** Under this name stands what a layer has for each unit. */
export function gateName({ name }: Layer): string {
  return `${name}gate`
}

/** The layer's kernel and bias with each unit's part times its factor, factors `[units]`. */
export function scaleUnits(params: Params, { name }: Layer, factors: tf.Tensor): Params {
  const [kernel, bias] = [params[`${name}kernel`]!, params[`${name}bias`]]
  return { [`${name}kernel`]: kernel.mul(factors), ...(bias && { [`${name}bias`]: bias.mul(factors) }) }
}

/** What the layer before has per unit, as `[inputs, 1]`: where its maps were flattened, units come round once a place. */
function perInput(units: tf.Tensor, { inputs }: Layer): tf.Tensor {
  return tf.tile(units, [inputs / units.size]).expandDims(1)
}

/**
 * What training may change of each parameter, from 0 to 1, by name: 1 − min(a_in, a_out) of kernels, with the gates `used` by earlier
 * tasks on the units at both ends, and 1 − a_out of biases (eq. 2). Ends that have no gates, such as pixels, are used by every task.
 */
export function freeShares(layers: readonly Layer[], used: Params): Params {
  const free: Record<string, tf.Tensor> = {}
  layers.forEach((layer, i) => {
    const after = used[gateName(layer)] ?? tf.ones([layer.units])
    const before = layers[i - 1] && used[gateName(layers[i - 1]!)]
    free[`${layer.name}bias`] = tf.sub(1, after)
    free[`${layer.name}kernel`] = tf.sub(1, before ? tf.minimum(perInput(before, layer), after) : after)
  })
  return free
}
