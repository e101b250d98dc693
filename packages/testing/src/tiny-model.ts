import {
  createRng,
  definePlugin,
  dense,
  Embedder,
  expected,
  Head,
  inject,
  type Model,
  Options,
  type Params,
  type Plugin,
  type Rng,
  sizeOf,
  uniformWeights,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { build } from './build.js'
import { golden } from './golden.js'

const weights = z
  .enum(['golden', 'random'])
  .default('random')
  .describe('golden: those of the golden vectors, 2 → tanh(3) → 2')
const embedderOptions = z.strictObject({
  width: z.number().int().min(1).default(3).describe('numbers in a code'),
  weights,
  activation: z.enum(['tanh', 'relu']).default('tanh').describe('what follows the layer'),
})
const headOptions = z.strictObject({ weights })

class TinyEmbedder implements Embedder {
  readonly #options: z.output<typeof embedderOptions>
  constructor(@inject(Options) options: z.output<typeof embedderOptions>) {
    this.#options = options
  }

  codeShape(): readonly number[] {
    return [this.#options.width]
  }

  init(exampleShape: readonly number[], rng: Rng): Params {
    const inputs = sizeOf(exampleShape)
    if (this.#options.weights === 'golden') {
      if (inputs !== 2 || this.#options.width !== 3)
        throw expected(
          'embedder "tiny"',
          'examples of 2 numbers and width 3 for golden weights',
          `${inputs} and ${this.#options.width}`,
          'use weights: random',
        )
      return part(fromGoldenOrder(golden.fixture.theta), 'embedder')
    }
    return layer(inputs, this.#options.width, rng)
  }

  embed(params: Params, x: tf.Tensor): tf.Tensor {
    const affine = dense(x.reshape([x.shape[0]!, -1]), params.kernel!, params.bias!)
    return this.#options.activation === 'relu' ? affine.relu() : affine.tanh()
  }
}

class TinyHead implements Head {
  readonly #options: z.output<typeof headOptions>
  constructor(@inject(Options) options: z.output<typeof headOptions>) {
    this.#options = options
  }

  init(codeShape: readonly number[], classes: number, rng: Rng): Params {
    if (this.#options.weights === 'golden') {
      if (sizeOf(codeShape) !== 3 || classes !== 2)
        throw expected(
          'head "tiny"',
          'codes of 3 numbers and 2 classes for golden weights',
          `${sizeOf(codeShape)} and ${classes}`,
          'use weights: random',
        )
      return part(fromGoldenOrder(golden.fixture.theta), 'head')
    }
    return layer(sizeOf(codeShape), classes, rng)
  }

  grow(params: Params, classes: number, rng: Rng): Params {
    const { kernel, bias } = params
    const [inputs, old] = kernel!.shape as [number, number]
    const added = layer(inputs, classes - old, rng)
    const grown = { kernel: tf.concat([kernel!, added.kernel!], 1), bias: tf.concat([bias!, added.bias!]) }
    tf.dispose(added)
    return grown
  }

  classify(params: Params, u: tf.Tensor): tf.Tensor2D {
    return dense(u.reshape([u.shape[0]!, -1]), params.kernel!, params.bias!)
  }
}

function layer(inputs: number, outputs: number, rng: Rng): Params {
  const kernel = uniformWeights([inputs, outputs], inputs, count => rng.uniform(count))
  return { kernel, bias: tf.tensor1d(rng.normal(outputs).map(value => 0.1 * value)) }
}

/** E of one layer, x `[n, ...example]` → tanh(xW + b) `[n, width]`, or with ReLU; parameters `kernel` and `bias`. */
export const tinyEmbedder = definePlugin({
  point: Embedder,
  name: 'tiny',
  summary: 'one layer, for tests',
  options: embedderOptions,
  class: TinyEmbedder,
})

/** C of one layer, u `[n, code]` → uW + b `[n, classes]`; parameters `kernel` and `bias`. */
export const tinyHead = definePlugin({
  point: Head,
  name: 'tiny',
  summary: 'one linear layer, for tests',
  options: headOptions,
  class: TinyHead,
})

/** A real network of two layers: the plugins to compose, the same built alone, and parameters, which belong to the caller. */
export interface TinyModel {
  readonly plugins: readonly Plugin[]
  readonly embedder: Embedder
  readonly head: Head
  readonly model: Model
}

/** What a tiny model looks like; every field has a default. */
export interface TinyModelOptions {
  /** random. */
  readonly weights?: 'golden' | 'random'
  /** What follows the layer of E; tanh. */
  readonly activation?: 'tanh' | 'relu'
  /** Shape of one example; [2]. */
  readonly shape?: readonly number[]
  /** 2. */
  readonly classes?: number
  /** 0. */
  readonly seed?: number
}

/**
 * The network example → tanh(3) → classes: with golden weights that of the golden vectors (2 inputs, 2 classes), else drawn by `seed`.
 *
 * @example
 * const { plugins, model } = tinyModel({ weights: 'golden' })
 */
export function tinyModel({
  weights = 'random',
  activation = 'tanh',
  shape = [2],
  classes = 2,
  seed = 0,
}: TinyModelOptions = {}): TinyModel {
  const plugins = [tinyEmbedder({ weights, activation }), tinyHead({ weights })]
  const embedder = build(Embedder, plugins[0]!)
  const head = build(Head, plugins[1]!)
  const rng = createRng(seed, '/tiny-model')
  const params = embedder.init(shape, rng)
  const model = { embedder: params, head: head.init(embedder.codeShape(shape), classes, rng), decoder: {} }
  return { plugins, embedder, head, model }
}

/** The 17 numbers of the golden vectors as parameters `embedder/kernel` `[2, 3]`, `embedder/bias` `[3]`, `head/kernel` `[3, 2]`, `head/bias` `[2]`. */
export function fromGoldenOrder(numbers: readonly number[]): Params {
  return tf.tidy(() => ({
    'embedder/kernel': tf.keep(tf.transpose(tf.tensor2d(numbers.slice(0, 6), [3, 2]))),
    'embedder/bias': tf.keep(tf.tensor1d(numbers.slice(6, 9))),
    'head/kernel': tf.keep(tf.transpose(tf.tensor2d(numbers.slice(9, 15), [2, 3]))),
    'head/bias': tf.keep(tf.tensor1d(numbers.slice(15, 17))),
  }))
}

/** The inverse of `fromGoldenOrder`, for parameters, gradients and importances alike. */
export function toGoldenOrder(params: Params): number[] {
  return tf.tidy(() =>
    ['embedder/kernel', 'embedder/bias', 'head/kernel', 'head/bias'].flatMap(name => {
      const tensor = params[name]!
      return Array.from(tensor.rank === 2 ? tf.transpose(tensor).dataSync() : tensor.dataSync())
    }),
  )
}

function part(params: Params, prefix: 'embedder' | 'head'): Params {
  const other = prefix === 'embedder' ? 'head' : 'embedder'
  tf.dispose([params[`${other}/kernel`]!, params[`${other}/bias`]!])
  return { kernel: params[`${prefix}/kernel`]!, bias: params[`${prefix}/bias`]! }
}
