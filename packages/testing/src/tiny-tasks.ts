import {
  addClasses,
  arrayExamples,
  createRng,
  type Examples,
  type Model,
  noClasses,
  type Rng,
  type Scenario,
  sizeOf,
  type Task,
  type TaskState,
} from '@lgm/core'

/** What tiny tasks look like; every field has a default. */
export interface TinyTasksOptions {
  /** How many tasks; 2. */
  readonly tasks?: number
  /** Classes of each task; 2. */
  readonly classes?: number
  /** Training examples of each class; 20. Tests have half as many, at least one. */
  readonly count?: number
  /** Shape of one example; [2]. */
  readonly shape?: readonly number[]
  /** Class- and task-incremental tasks have classes of their own, domain-incremental ones share theirs; class-incremental. */
  readonly scenario?: Scenario
  /** Standard deviation of a blob; 0.4, where the means lie on a circle of radius 2. */
  readonly spread?: number
  /** 0. */
  readonly seed?: number
}

/**
 * Small labelled tasks that a tiny model can learn in a hundred steps: each class is a Gaussian blob. The means of all classes lie
 * evenly on a circle in the first two coordinates, in a seeded order; in the other coordinates they are standard normal.
 *
 * @example
 * const [first, second] = tinyTasks({ tasks: 2, classes: 2 })
 */
export function tinyTasks({
  tasks = 2,
  classes = 2,
  count = 20,
  shape = [2],
  scenario = 'class',
  spread = 0.4,
  seed = 0,
}: TinyTasksOptions = {}): Task[] {
  const rng = createRng(seed, '/tiny-tasks')
  const size = sizeOf(shape)
  const blobs = tasks * classes
  const order = rng.permutation(blobs)
  const means = Array.from(order, position => {
    const angle = (2 * Math.PI * position) / blobs
    return rng.normal(size).map((value, i) => (i === 0 ? 2 * Math.cos(angle) : i === 1 ? 2 * Math.sin(angle) : value))
  })
  return Array.from({ length: tasks }, (_, index) => {
    const ids = Array.from({ length: classes }, (_, k) => (scenario === 'domain' ? k : index * classes + k))
    const draw = (each: number) =>
      blobsOf(ids, means.slice(index * classes, (index + 1) * classes), each, shape, spread, rng)
    const names = ids.map(id => `class ${id}`)
    return {
      index,
      name: `tiny ${index}`,
      classes: ids,
      names,
      train: draw(count),
      test: draw(Math.max(1, count >> 1)),
    }
  })
}

/** The first of `tinyTasks`. */
export function tinyTask(options: TinyTasksOptions = {}): Task {
  return tinyTasks({ tasks: 1, ...options })[0]!
}

function blobsOf(
  ids: readonly number[],
  means: readonly Float32Array[],
  each: number,
  shape: readonly number[],
  spread: number,
  rng: Rng,
): Examples {
  const size = sizeOf(shape)
  const labels = Int32Array.from(rng.permutation(ids.length * each), place => ids[place % ids.length]!)
  const values = rng.normal(labels.length * size)
  labels.forEach((label, i) => {
    const mean = means[ids.indexOf(label)]!
    for (let j = 0; j < size; j++) values[i * size + j] = mean[j]! + spread * values[i * size + j]!
  })
  return arrayExamples(values, shape, labels, 'tiny tasks')
}

/** What flows through the phases at the task `index` of `tasks`, with the classes of the tasks before it already seen. */
export function tinyState(
  tasks: readonly Task[],
  index: number,
  model: Model,
  scenario: Scenario = 'class',
  previous?: Model,
): TaskState {
  let before = noClasses(scenario)
  for (const task of tasks.slice(0, index)) before = addClasses(before, task)
  const task = tasks[index]!
  return { task, before, seen: addClasses(before, task), model, ...(previous ? { previous } : {}) }
}
