import { Dataset, definePlugin, expected, inject, Options, Rng, type Scenario, Stream, type Task, z } from '@lgm/core'
import { dataOptions, prepareData, type View, viewTasks } from '@lgm/tasks'
import { rotate, rotation } from './rotation.js'

const options = z
  .strictObject({
    tasks: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('how many tasks; 5, or as many as there are angles, unless told'),
    angles: z
      .union([z.enum(['even', 'random']), z.array(z.number()).min(1)])
      .default('even')
      .describe(
        'even: multiples of range / tasks; random: one by chance in each of as many equal parts of range; or a list of degrees',
      ),
    range: z.number().gt(0).max(360).default(180).describe('degrees over which even and random angles spread'),
    scenario: z
      .enum(['class', 'task', 'domain'])
      .default('domain')
      .describe('domain: the same classes in every task; otherwise class c of task t is a class of its own'),
    ...dataOptions,
  })
  .refine(({ tasks, angles }) => !tasks || typeof angles === 'string' || tasks === angles.length, {
    message: 'as many angles as tasks',
    path: ['angles'],
  })

type RotatedOptions = z.output<typeof options>

const where = 'stream "rotated"'

/** All images in every task, each time turned by another angle. */
class Rotated implements Stream {
  readonly scenario: Scenario
  readonly #options: RotatedOptions
  readonly #dataset: Dataset
  readonly #rng: Rng

  constructor(@inject(Options) given: RotatedOptions, @inject(Dataset) dataset: Dataset, @inject(Rng) rng: Rng) {
    this.scenario = given.scenario
    this.#options = given
    this.#dataset = dataset
    this.#rng = rng
  }

  async tasks(): Promise<readonly Task[]> {
    const data = prepareData(await this.#dataset.load(), this.#options, this.#rng, where)
    const { shape } = data.train
    if (shape.length < 2)
      throw expected(
        where,
        'images [height, width, …] to turn',
        `shape [${shape.join(', ')}]`,
        'use another stream, or give the data set its shape',
        'data',
      )
    const angles = anglesOf(this.#options, this.#rng)
    const views = angles.map((angle, t): View => {
      const name = angles.indexOf(angle) === t ? `${round(angle)}°` : `${round(angle)}° again, task ${t + 1}`
      if (angle % 360 === 0) return { name, shape }
      const grid = rotation(shape[0]!, shape[1]!, angle)
      const channels = shape.slice(2).reduce((product, side) => product * side, 1)
      return { name, shape, change: (rows, count) => rotate(rows, count, grid, channels) }
    })
    return viewTasks(data, views, this.scenario, where)
  }
}

function anglesOf({ angles, range, tasks = 5 }: RotatedOptions, rng: Rng): readonly number[] {
  if (typeof angles !== 'string') return angles
  const within = angles === 'random' ? rng.fork('angles').uniform(tasks) : new Float32Array(tasks)
  return Array.from(within, (place, t) => ((t + place) * range) / tasks)
}

const round = (degrees: number) => Math.round(degrees * 100) / 100

/**
 * A plugin for rotated tasks, such as Rotated MNIST (Lopez-Paz, Ranzato 2017, arXiv:1706.08840): every task has all images, turned
 * counter-clockwise about their centre by an angle of its own, by bilinear interpolation, with 0 outside. Rows are turned as they are read.
 *
 * In the scenario `domain` all tasks have the classes 0 to k − 1; otherwise class c of task t (0-based) has the id k·t + c and the name
 * `<class> (<angle>°)`.
 *
 * @throws LgmError `data` for examples without height and width, and as `prepareData` and `viewTasks` do.
 * @example
 * rotated({ angles: [0, 30, 60, 90] })
 */
export const rotated = definePlugin({
  point: Stream,
  name: 'rotated',
  summary: 'all images in every task, each time turned by another angle',
  options,
  class: Rotated,
  requires: [Dataset],
})
