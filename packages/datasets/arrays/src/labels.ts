import { expected, show } from '@lgm/core'

/** What stands for a class in the user's arrays. */
export type Label = number | string

/** One label for each example. */
export type Labels = Int32Array | Uint8Array | Float32Array | readonly Label[]

/** The classes of a data set: names by id, and the way from a label to its id. */
export interface Classes {
  readonly names: readonly string[]
  readonly idOf: (label: Label) => number | undefined
  /** For messages. */
  readonly description: string
}

/**
 * Maps labels to ids 0, 1, 2, …: by `given`, else by ascending order of the distinct labels. Where labels are numbers and `given` are
 * strings, the labels are the ids and `given` their names.
 *
 * @throws LgmError `data` for a class given twice, and for labels of which some are numbers and some are strings.
 */
export function classesOf(labels: Labels, given: readonly Label[] | undefined, where: string): Classes {
  const distinct = [...new Set<Label>(labels as Iterable<Label>)]
  const numeric = distinct.every(label => typeof label === 'number')
  if (!numeric && distinct.some(label => typeof label !== 'string'))
    throw expected(
      where,
      'labels that are all numbers or all strings',
      `some of both, or neither`,
      'write them alike',
      'data',
    )
  const odd = distinct.find(label => typeof label === 'number' && !Number.isInteger(label))
  if (odd !== undefined)
    throw expected(where, 'whole numbers or strings as labels', `${odd}`, 'correct that label', 'data')
  const classes = given ?? distinct.sort(numeric ? (a, b) => Number(a) - Number(b) : undefined)
  const names = classes.map(String)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw expected(where, 'each class once', `${show(twice)} twice`, 'remove one of them', 'data')
  if (numeric && given?.every(name => typeof name === 'string'))
    return {
      names,
      idOf: label =>
        Number.isInteger(label) && Number(label) >= 0 && Number(label) < names.length ? Number(label) : undefined,
      description: `0 to ${names.length - 1}`,
    }
  const ids = new Map(classes.map((label, id) => [label, id]))
  return { names, idOf: label => ids.get(label), description: show(classes) }
}
