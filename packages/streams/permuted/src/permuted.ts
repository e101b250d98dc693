import {
  Dataset,
  definePlugin,
  expected,
  inject,
  Options,
  Rng,
  range,
  type Scenario,
  Stream,
  type Task,
  z,
} from '@lgm/core'
import { dataOptions, prepareData, type View, viewTasks } from '@lgm/tasks'

const options = z.strictObject({
  tasks: z.number().int().min(1).default(10).describe('how many tasks, each with a permutation of its own'),
  first: z
    .enum(['identity', 'permuted'])
    .default('identity')
    .describe('whether the first task leaves pixels where they are'),
  pad: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe(
      'pixels of value 0 added on each side before the permutation; 2 makes 32 × 32 of 28 × 28, as in the papers',
    ),
  scenario: z
    .enum(['class', 'task', 'domain'])
    .default('domain')
    .describe('domain: the same classes in every task; otherwise class c of task t is a class of its own'),
  ...dataOptions,
})

const where = 'stream "permuted"'

/** All data in every task, each time through another permutation of pixels. */
class Permuted implements Stream {
  readonly scenario: Scenario
  readonly #options: z.output<typeof options>
  readonly #dataset: Dataset
  readonly #rng: Rng

  constructor(
    @inject(Options) given: z.output<typeof options>,
    @inject(Dataset) dataset: Dataset,
    @inject(Rng) rng: Rng,
  ) {
    this.scenario = given.scenario
    this.#options = given
    this.#dataset = dataset
    this.#rng = rng
  }

  async tasks(): Promise<readonly Task[]> {
    const { tasks, first, pad } = this.#options
    const data = prepareData(await this.#dataset.load(), this.#options, this.#rng, where)
    const { shape, origin, channels } = padding(data.train.shape, pad)
    const views = Array.from({ length: tasks }, (_, t): View => {
      const name = `permutation ${t + 1}`
      const identity = t === 0 && first === 'identity'
      if (identity && pad === 0) return { name, shape }
      const order = identity ? range(0, origin.length) : this.#rng.fork(name).permutation(origin.length)
      const from = withChannels(
        order.map(place => origin[place]!),
        channels,
      )
      return { name, shape, change: (rows, count) => gather(rows, count, from) }
    })
    return viewTasks(data, views, this.scenario, where)
  }
}

/** A padded image: its shape, and for each of its pixels the one of the original that stands there, or −1 in the margin. */
interface Padding {
  readonly shape: readonly number[]
  readonly channels: number
  readonly origin: Int32Array
}

function padding(shape: readonly number[], pad: number): Padding {
  if (pad === 0 || shape.length < 2) {
    if (pad > 0)
      throw expected(where, 'images [height, width, …] to pad', `shape [${shape.join(', ')}]`, 'set pad: 0', 'data')
    const channels = shape.slice(2).reduce((product, side) => product * side, 1)
    const pixels = shape[0]! * (shape[1] ?? 1)
    return { shape, channels, origin: range(0, pixels) }
  }
  const [height, width, ...rest] = shape as [number, number, ...number[]]
  const [tall, wide] = [height + 2 * pad, width + 2 * pad]
  const origin = new Int32Array(tall * wide).fill(-1)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) origin[(y + pad) * wide + x + pad] = y * width + x
  const channels = rest.reduce((product, side) => product * side, 1)
  return { shape: [tall, wide, ...rest], channels, origin }
}

/** Positions of numbers in the place of positions of pixels; −1 stays. */
function withChannels(pixels: Int32Array, channels: number): Int32Array {
  return Int32Array.from({ length: pixels.length * channels }, (_, i) => {
    const pixel = pixels[Math.floor(i / channels)]!
    return pixel < 0 ? -1 : pixel * channels + (i % channels)
  })
}

/** Rows whose number i is the number `from[i]` of the given rows, or 0 where that is −1. */
function gather(rows: Float32Array, count: number, from: Int32Array): Float32Array {
  const size = rows.length / count
  const changed = new Float32Array(count * from.length)
  for (let i = 0; i < count; i++)
    for (let to = 0; to < from.length; to++) {
      const at = from[to]!
      if (at >= 0) changed[i * from.length + to] = rows[i * size + at]!
    }
  return changed
}

/**
 * A plugin for permuted tasks, such as Permuted MNIST (Goodfellow et al. 2013, arXiv:1312.6211; Kirkpatrick et al. 2017,
 * arXiv:1612.00796): every task has all examples, with pixels in an order of its own. Channels of a pixel stay together. Rows are permuted
 * as they are read.
 *
 * In the scenario `domain` all tasks have the classes 0 to k − 1; otherwise class c of task t (0-based) has the id k·t + c and the name
 * `<class> (permutation <t + 1>)`.
 *
 * @throws LgmError `data` when examples without height and width are to be padded, and as `prepareData` and `viewTasks` do.
 * @example
 * permuted({ tasks: 10, pad: 2, scenario: 'class' })
 */
export const permuted = definePlugin({
  point: Stream,
  name: 'permuted',
  summary: 'all data in every task, each time through another permutation of pixels',
  options,
  class: Permuted,
  requires: [Dataset],
})
