import { decodeArrays, expected, range, show } from '@lgm/core'
import { decodeNpz, type NpyValues, openNpy } from '@lgm/npy'
import { readWhole } from '@lgm/records'

/** An array in a file, row-major: in memory, or on disk. */
export interface ArrayFile {
  /** The file, and what the array is called in it, for messages. */
  readonly where: string
  readonly shape: readonly number[]
  /** Every number. */
  all(): NpyValues
  /** Only the rows asked for, where they can be read from disk. */
  readonly rows?: (indices: Int32Array) => NpyValues
}

/** What is read whole: sizes of zip files beyond it would need another format, and arrays that large had better be streamed. */
const largestWhole = 2 ** 32 - 1
const remedy = 'save its arrays as .npy, which are read row by row'

/** The endings of the files that are understood. */
export const endings = /\.(npy|npz|safetensors)$/

/**
 * Opens arrays. What is read whole is read once, however many arrays are asked for: train and test may stand in one file.
 *
 * @throws LgmError `data` when the file is missing or damaged, or has no array of that name; `checkpoint` for damaged safetensors.
 */
export function arrayFiles(): (file: string, key: string) => ArrayFile {
  const opened = new Map<string, (key: string) => ArrayFile>()
  return (file, key) => {
    let open = opened.get(file)
    if (!open) {
      open = openFile(file)
      opened.set(file, open)
    }
    return open(key)
  }
}

function openFile(file: string): (key: string) => ArrayFile {
  const ending = endings.exec(file)?.[1]
  if (ending === 'npy') {
    const { shape, rows } = openNpy(file)
    return () => ({ where: file, shape, rows, all: () => rows(range(0, shape[0] ?? 0)) })
  }
  const bytes = readWhole(file, largestWhole, remedy)
  if (ending === 'npz') {
    const { read } = decodeNpz(bytes, file)
    return key => {
      const { shape, values } = read(key)
      return { where: `${file}: ${key}`, shape, all: () => values }
    }
  }
  const { arrays } = decodeArrays(bytes, file)
  return key => {
    const array = Object.hasOwn(arrays, key) ? arrays[key] : undefined
    if (!array)
      throw expected(
        file,
        `an array ${show(key)}`,
        `those named ${show(Object.keys(arrays))}`,
        'name one of them in keys',
        'data',
      )
    // a byte of this format is a truth value, which must not be taken for a pixel
    const values = array.values instanceof Uint8Array ? new Int32Array(array.values) : array.values
    return { where: `${file}: ${key}`, shape: array.shape, all: () => values }
  }
}
