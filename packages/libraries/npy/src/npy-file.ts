import { sizeOf } from '@lgm/core'
import { openRecords } from '@lgm/records'
import { longestHeader, type NpyType, type NpyValues, readNpyHeader, rowBytes, valuesOf } from './npy.js'

/** A .npy file, of which only the rows asked for are in memory. */
export interface NpyFile {
  readonly file: string
  readonly dtype: NpyType
  readonly shape: readonly number[]
  /**
   * The rows at `indices`, in that order, `[indices.length, ...shape.slice(1)]`; they belong to the caller.
   * @throws LgmError `input` for an index that is none; `data` as `valuesOf` does, and when the file has changed since it was opened.
   */
  rows(indices: Int32Array): NpyValues
}

/**
 * Opens a .npy file and reads its header. An array without sides has no rows.
 * @throws LgmError `data` as `readNpyHeader` does, and when the file is missing or cannot be read.
 */
export function openNpy(file: string): NpyFile {
  const records = openRecords(file, longestHeader, ({ size, start }) => {
    const header = readNpyHeader(start, size, file)
    return { ...header, bytes: rowBytes(header), count: header.shape[0] ?? 0 }
  })
  const { dtype, shape } = records
  const size = sizeOf(shape.slice(1))
  return {
    ...{ file, dtype, shape },
    rows: indices =>
      valuesOf(
        records.read(indices),
        dtype,
        file,
        position => `in row ${indices[Math.floor(position / size)]}, position ${position % size}`,
      ),
  }
}
