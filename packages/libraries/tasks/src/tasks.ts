import {
  changeExamples,
  type Dataset,
  type Examples,
  expected,
  type Rng,
  range,
  type Scenario,
  selectExamples,
  type Task,
  z,
} from '@lgm/core'
import { firstOfEach, holdOut, positionsByLabel } from './hold-out.js'

/** What `Dataset.load` gives. */
export type Data = Awaited<ReturnType<Dataset['load']>>

/** The options that all our streams share, to be spread into a schema. */
export const dataOptions = {
  validation: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('fraction of the training examples of each class that is held out as validation data'),
  limit: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('at most so many training examples of each class, validation included: the first ones; for quick runs'),
  testLimit: z.number().int().min(1).optional().describe('at most so many test examples of each class: the first ones'),
  measureOn: z
    .enum(['test', 'validation'])
    .default('test')
    .describe(
      'what the learner is measured on: the test data, or the validation data in their place, for choosing options without a look at the test data',
    ),
}

/** The values of `dataOptions`. */
export interface DataOptions {
  readonly validation: number
  readonly limit?: number | undefined
  readonly testLimit?: number | undefined
  readonly measureOn?: 'test' | 'validation' | undefined
}

/** Data that are ready to be cut: checked, limited, and with validation data held out. Labels are still those of the data set. */
export interface PreparedData {
  readonly train: Examples
  readonly validation?: Examples
  readonly test: Examples
  readonly classes: readonly string[]
}

/**
 * Checks the labels of a data set, limits it, and holds validation data out of the training examples. No data is copied.
 *
 * @param where who asks, for messages: `stream "split"`
 * @throws LgmError `data` for a label that names no class, and where a fraction is too small for a single validation example;
 * `options` where validation data are to be measured on and none are held out.
 */
export function prepareData(data: Data, options: DataOptions, rng: Rng, where: string): PreparedData {
  const classes = data.classes.length
  checkLabels(data.train, 'training', classes, where)
  checkLabels(data.test, 'test', classes, where)
  const onValidation = options.measureOn === 'validation'
  if (onValidation && options.validation === 0)
    throw expected(where, 'validation above 0 with measureOn: validation', '0', 'set validation: 0.1', 'options')
  const limited = (examples: Examples, limit: number | undefined) =>
    limit === undefined ? range(0, examples.count) : firstOfEach(examples, classes, limit)
  const test = selectExamples(data.test, limited(data.test, options.testLimit))
  const positions = limited(data.train, options.limit)
  if (options.validation === 0) return { train: selectExamples(data.train, positions), test, classes: data.classes }
  const { kept, held } = holdOut(data.train.labels, positions, classes, options.validation, rng.fork('validation'))
  if (held.length === 0)
    throw expected(
      where,
      `validation data in a fraction ${options.validation} of ${positions.length} training examples`,
      'none',
      'raise validation, or leave it out',
      'data',
    )
  const [train, validation] = [selectExamples(data.train, kept), selectExamples(data.train, held)]
  if (onValidation) return { train, test: validation, classes: data.classes }
  return { train, validation, test, classes: data.classes }
}

function checkLabels(examples: Examples, part: string, classes: number, where: string): void {
  const bad = examples.labels.findIndex(label => label < 0 || label >= classes)
  if (bad >= 0)
    throw expected(
      where,
      `${part} labels from 0 to ${classes - 1}`,
      `${examples.labels[bad]} in example ${bad}`,
      'correct the labels or the list of classes of the data set',
      'data',
    )
}

/** What becomes one task: some classes of the data set, under the ids that they get in the stream. */
export interface Cut {
  readonly index: number
  readonly name: string
  /** The labels in the data set. */
  readonly labels: readonly number[]
  /** The ids in the stream, one for each of `labels`. */
  readonly ids: readonly number[]
  /** The names in the stream, one for each of `labels`. */
  readonly names: readonly string[]
}

/**
 * The examples of some classes as a task, with labels changed from those of the data set to the ids of the stream. No data is copied.
 * @throws LgmError `data` when a class has no training example, or the task nothing to test.
 */
export function cutTask(data: PreparedData, { index, name, labels, ids, names }: Cut, where: string): Task {
  const idOf = new Map(labels.map((label, k) => [label, ids[k]!]))
  const cut = (examples: Examples) =>
    selectExamples(
      examples,
      range(0, examples.count).filter(i => idOf.has(examples.labels[i]!)),
      label => idOf.get(label)!,
    )
  const counts = positionsByLabel(data.train.labels, data.classes.length)
  const lacking = labels.find(label => counts[label]!.length === 0)
  const task = `${where}: task ${index + 1} ("${name}")`
  if (labels.length === 0) throw expected(task, 'at least one class', 'none', 'remove the task', 'data')
  if (lacking !== undefined)
    throw expected(
      task,
      `training examples of the class "${data.classes[lacking]}"`,
      'none',
      'give it data, or leave it out of the stream',
      'data',
    )
  const test = cut(data.test)
  if (test.count === 0) throw expected(task, 'at least one test example', 'none', 'give it test data', 'data')
  const validation = data.validation && cut(data.validation)
  return {
    index,
    name,
    classes: ids,
    names,
    train: cut(data.train),
    ...(validation && validation.count > 0 ? { validation } : {}),
    test,
  }
}

/** How one task sees all data: a name, such as `36°`, and a change of `[n, ...from]` rows to `[n, ...shape]`; none leaves them as they are. */
export interface View {
  readonly name: string
  readonly shape: readonly number[]
  readonly change?: (rows: Float32Array, count: number) => Float32Array
}

/**
 * One task a view: all classes, each time seen differently. In the domain scenario the tasks share class ids 0 to k − 1 and the names
 * of the data set; in the others class c of task t (0-based) is k·t + c, named `<class> (<view>)`. Rows are changed as they are read.
 *
 * @throws LgmError `data` as `cutTask` does.
 */
export function viewTasks(data: PreparedData, views: readonly View[], scenario: Scenario, where: string): Task[] {
  const labels = [...data.classes.keys()]
  const whole = { index: 0, name: views[0]?.name ?? 'all', labels, ids: labels, names: data.classes }
  const all = cutTask(data, whole, where)
  return views.map((view, index) => {
    const first = scenario === 'domain' ? 0 : index * labels.length
    const see = (examples: Examples): Examples => {
      const seen = first === 0 ? examples : { ...examples, labels: examples.labels.map(label => first + label) }
      return view.change ? changeExamples(seen, view.shape, view.change) : seen
    }
    return {
      index,
      name: view.name,
      classes: labels.map(label => first + label),
      names: scenario === 'domain' ? data.classes : data.classes.map(name => `${name} (${view.name})`),
      train: see(all.train),
      ...(all.validation ? { validation: see(all.validation) } : {}),
      test: see(all.test),
    }
  })
}
