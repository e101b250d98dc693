import { arrayExamples, type Examples, expected, sizeOf } from '@lgm/core'
import type { NpyValues } from '@lgm/npy'
import type { ArrayFile } from './array-file.js'

/** The shape of one example of features `[n, …]`. */
export function shapeOf({ where, shape }: ArrayFile): readonly number[] {
  if (shape.length < 2 || sizeOf(shape) === 0)
    throw expected(
      where,
      'at least one row of features, as [n, d] or [n, height, width, channels]',
      `shape [${shape.join(', ')}]`,
      'save one row an example',
      'data',
    )
  return shape.slice(1)
}

/**
 * Features with their labels. Those that can be read from disk stay there, and are checked as they are read; others are checked at once.
 *
 * @throws LgmError `data`, here or from `read`, for a number that is NaN or, as float32, infinite.
 */
export function featureExamples(array: ArrayFile, labels: Int32Array): Examples {
  const { where, rows } = array
  const shape = shapeOf(array)
  if (!rows) {
    const values = array.all()
    return arrayExamples(values instanceof Uint8Array ? values : floatsOf(values), shape, labels, where)
  }
  const size = sizeOf(shape)
  return {
    count: labels.length,
    shape,
    labels,
    read(indices) {
      const values = floatsOf(rows(indices))
      const bad = values.findIndex(value => !Number.isFinite(value))
      if (bad < 0) return values
      const place = `example ${indices[Math.floor(bad / size)]}, position ${bad % size}`
      throw expected(where, 'finite numbers', `${values[bad]} in ${place}`, 'remove or repair that example', 'data')
    },
  }
}

/** Bytes are scaled from 0…255 to 0…1, as everywhere. */
function floatsOf(values: NpyValues): Float32Array {
  if (values instanceof Float32Array) return values
  if (!(values instanceof Uint8Array)) return new Float32Array(values)
  const floats = new Float32Array(values.length)
  for (let i = 0; i < values.length; i++) floats[i] = values[i]! / 255
  return floats
}
