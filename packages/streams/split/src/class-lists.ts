import { expected, nearest, type Rng } from '@lgm/core'

/** Who asks, for messages. */
export const where = 'stream "split"'

/** The options that say which classes come when. */
export interface ClassOptions {
  readonly tasks?: number | undefined
  readonly sizes?: readonly number[] | undefined
  readonly order: 'natural' | 'shuffled' | readonly (number | string)[]
  readonly classes?: readonly (readonly (number | string)[])[] | undefined
}

/**
 * Labels of the data set, task by task; no label twice.
 *
 * @param names of the classes of the data set, by label
 * @throws LgmError `data` when the options do not fit the classes.
 */
export function classLists(options: ClassOptions, names: readonly string[], rng: Rng): number[][] {
  if (options.classes) {
    const lists = options.classes.map(list => list.map(entry => labelOf(entry, names)))
    checkDistinct(lists, names, task => `task ${task + 1}`)
    return lists
  }
  const { order } = options
  const labels =
    order === 'natural'
      ? [...names.keys()]
      : order === 'shuffled'
        ? [...rng.fork('order').permutation(names.length)]
        : order.map(entry => labelOf(entry, names))
  checkDistinct([labels], names, () => 'order')
  let from = 0
  return sizesOf(options, labels.length).map(size => {
    from += size
    return labels.slice(from - size, from)
  })
}

function sizesOf({ sizes, tasks = 5 }: ClassOptions, classes: number): readonly number[] {
  if (sizes) {
    const sum = sizes.reduce((total, size) => total + size, 0)
    if (sum !== classes)
      throw expected(
        where,
        `sizes that add up to ${classes} classes`,
        `${sizes.join(' + ')} = ${sum}`,
        'correct sizes',
        'data',
      )
    return sizes
  }
  if (tasks > classes)
    throw expected(where, `at most ${classes} tasks, as many as there are classes`, `${tasks}`, 'lower tasks', 'data')
  if (classes % tasks !== 0)
    throw expected(
      where,
      `a number of tasks that divides ${classes} classes`,
      `${tasks}`,
      'change tasks, or give sizes',
      'data',
    )
  return new Array<number>(tasks).fill(classes / tasks)
}

function labelOf(entry: number | string, names: readonly string[]): number {
  const label = typeof entry === 'string' ? names.indexOf(entry) : entry
  if (Number.isInteger(label) && label >= 0 && label < names.length) return label
  if (typeof entry === 'number')
    throw expected(where, `labels from 0 to ${names.length - 1}`, `${entry}`, 'correct the list of classes', 'data')
  const near = nearest(entry, names)
  throw expected(
    where,
    'the name of a class',
    `"${entry}"`,
    near ? `did you mean "${near}"?` : `known are ${briefly(names)}`,
    'data',
  )
}

function checkDistinct(
  lists: readonly (readonly number[])[],
  names: readonly string[],
  place: (list: number) => string,
): void {
  const listOf = new Map<number, number>()
  lists.forEach((labels, list) => {
    for (const label of labels) {
      const earlier = listOf.get(label)
      if (earlier !== undefined) {
        const places = earlier === list ? place(list) : `${place(earlier)} and ${place(list)}`
        throw expected(where, 'each class once', `"${names[label]}" twice, in ${places}`, 'remove one of them', 'data')
      }
      listOf.set(label, list)
    }
  })
}

/** @throws LgmError `data` when tasks that share their outputs have different numbers of classes. */
export function checkEqualSizes(lists: readonly (readonly number[])[]): void {
  const sizes = lists.map(labels => labels.length)
  if (new Set(sizes).size > 1)
    throw expected(
      where,
      'as many classes in every task, which share their outputs in the scenario "domain"',
      sizes.join(', '),
      'change sizes, or the scenario',
      'data',
    )
}

/** A few names as a list, many with an ellipsis. */
export function briefly(names: readonly string[]): string {
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 2).join(', ')}, …, ${names.at(-1)}`
}
