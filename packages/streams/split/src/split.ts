import { Dataset, definePlugin, inject, Options, Rng, type Scenario, Stream, type Task, z } from '@lgm/core'
import { cutTask, dataOptions, prepareData } from '@lgm/tasks'
import { briefly, checkEqualSizes, classLists, where } from './class-lists.js'

const classEntry = z.union([z.number(), z.string()])

const options = z
  .strictObject({
    tasks: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('how many tasks, with equally many classes each; 5, or as many as there are sizes, unless told'),
    sizes: z
      .array(z.number().int().min(1))
      .min(1)
      .optional()
      .describe('how many classes each task has, such as [5, 1, 1, 1, 1, 1]'),
    order: z
      .union([z.enum(['natural', 'shuffled']), z.array(classEntry).min(1)])
      .default('natural')
      .describe('order of classes before they are cut: that of the data set, by chance, or a list of labels or names'),
    classes: z
      .array(z.array(classEntry).min(1))
      .min(1)
      .optional()
      .describe('the classes of each task, by label or name, in the place of tasks, sizes and order'),
    scenario: z
      .enum(['class', 'task', 'domain'])
      .default('class')
      .describe('one softmax over all seen classes, one for each task, or the same outputs in every task'),
    ...dataOptions,
  })
  .refine(({ classes, tasks, sizes, order }) => !classes || (!tasks && !sizes && order === 'natural'), {
    message: 'either classes, or tasks, sizes and order',
  })
  .refine(({ tasks, sizes }) => !tasks || !sizes || tasks === sizes.length, {
    message: 'as many sizes as tasks',
    path: ['sizes'],
  })

type SplitOptions = z.output<typeof options>

/** Cuts a data set into tasks of different classes. */
class Split implements Stream {
  readonly scenario: Scenario
  readonly #options: SplitOptions
  readonly #dataset: Dataset
  readonly #rng: Rng

  constructor(@inject(Options) options: SplitOptions, @inject(Dataset) dataset: Dataset, @inject(Rng) rng: Rng) {
    this.scenario = options.scenario
    this.#options = options
    this.#dataset = dataset
    this.#rng = rng
  }

  async tasks(): Promise<readonly Task[]> {
    const loaded = await this.#dataset.load()
    const lists = classLists(this.#options, loaded.classes, this.#rng)
    const shared = this.scenario === 'domain'
    if (shared) checkEqualSizes(lists)
    const data = prepareData(loaded, this.#options, this.#rng, where)
    let next = 0
    return lists.map((labels, index) => {
      const own = labels.map(label => loaded.classes[label]!)
      const ids = shared ? [...labels.keys()] : labels.map(() => next++)
      const names = shared ? ids.map(String) : own
      return cutTask(data, { index, name: briefly(own), labels, ids, names }, where)
    })
  }
}

/**
 * A plugin that cuts a data set into tasks of different classes, such as Split MNIST (Zenke, Poole, Ganguli 2017, arXiv:1703.04200;
 * scenarios by van de Ven, Tolias 2019, arXiv:1904.07734).
 *
 * Class ids are numbers in order of appearance, `Task.names` are the names in the data set. In the scenario `domain` the k-th class
 * of every task has the id k and the name `k`.
 *
 * @throws LgmError `data` when the tasks do not fit the classes of the data set, and as `prepareData` and `cutTask` do.
 * @example
 * split({ sizes: [5, 1, 1, 1, 1, 1], order: 'shuffled', validation: 0.1 })
 */
export const split = definePlugin({
  point: Stream,
  name: 'split',
  summary: 'cuts a data set into tasks of different classes',
  options,
  class: Split,
  requires: [Dataset],
})
