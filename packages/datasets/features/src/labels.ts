import { expected, sizeOf } from '@lgm/core'
import type { ArrayFile } from './array-file.js'

/** Without names of classes: as many as any data set has, so that one damaged label does not make a billion classes. */
const mostClasses = 100_000

/**
 * Labels of an array `[n]` or `[n, 1]` of whole numbers from 0, of any type.
 *
 * @param count how many there should be, and of what
 * @param classes how many there are, if that is known
 * @throws LgmError `data` naming the first label that is none.
 */
export function labelsOf(
  array: ArrayFile,
  count: { readonly of: string; readonly rows: number },
  classes: number | undefined,
): Int32Array {
  const { where, shape } = array
  if (shape.length === 0 || sizeOf(shape.slice(1)) !== 1)
    throw expected(where, 'one label a row', `shape [${shape.join(', ')}]`, 'save class ids, [n]', 'data')
  if (shape[0] !== count.rows)
    throw expected(
      where,
      `${count.rows} labels, one for each row of ${count.of}`,
      `${shape[0]}`,
      'take both from the same place',
      'data',
    )
  const values = array.all()
  const bad = values.findIndex(value => !(Number.isInteger(value) && value >= 0 && value < (classes ?? mostClasses)))
  if (bad >= 0) {
    const got = `${values[bad]} in example ${bad}`
    if (!(Number.isInteger(values[bad]) && values[bad]! >= 0))
      throw expected(where, 'whole numbers from 0 as labels', got, 'number the classes 0, 1, 2, …', 'data')
    if (classes === undefined)
      throw expected(where, `labels below ${mostClasses}`, got, 'number the classes 0, 1, 2, …', 'data')
    throw expected(where, `labels from 0 to ${classes - 1}`, got, 'correct it, or name that many classes', 'data')
  }
  return new Int32Array(values)
}
