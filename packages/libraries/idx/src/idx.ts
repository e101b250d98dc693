import { arrayExamples, type Examples, expected } from '@lgm/core'

/** An array of unsigned bytes, row-major. */
export interface IdxArray {
  readonly shape: readonly number[]
  readonly values: Uint8Array
}

/** The code of the only element type that MNIST and its relatives use: one unsigned byte a number. */
const unsignedByte = 0x08

/**
 * Reads the IDX format (LeCun, http://yann.lecun.com/exdb/mnist): two zero bytes, the element type, the number of dimensions, each
 * dimension as a big-endian uint32, then the numbers. The values are a view of `bytes`, not a copy, so a header that claims
 * absurd dimensions costs nothing.
 *
 * @param file names the source in messages
 * @param dimensions how many are wanted: 1 for labels `[n]`, 3 for images `[n, height, width]`
 * @throws LgmError `data` for a wrong magic number, truncated data, or bytes left over.
 */
export function decodeIdx(bytes: Uint8Array, file: string, dimensions: 1 | 3): IdxArray {
  const header = 4 + 4 * dimensions
  const wanted = `the magic number ${hex([0, 0, unsignedByte, dimensions])} of IDX ${dimensions === 1 ? 'labels' : 'images'}`
  if (bytes.length < 4)
    throw expected(file, wanted, `a file of ${bytes.length} bytes`, 'fetch the file again; it is truncated', 'data')
  const magic = Array.from(bytes.subarray(0, 4))
  if (magic[0] !== 0 || magic[1] !== 0 || magic[2] !== unsignedByte || magic[3] !== dimensions)
    throw expected(file, wanted, hex(magic), mistaken(magic), 'data')
  if (bytes.length < header)
    throw expected(
      file,
      `a header of ${header} bytes`,
      `a file of ${bytes.length} bytes`,
      'fetch the file again; it is truncated',
      'data',
    )
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i))
  const claimed = shape.reduce((product, side) => product * side, 1)
  const found = bytes.length - header
  if (claimed !== found)
    throw expected(
      file,
      `${claimed} bytes after the header, for dimensions ${shape.join(' × ')}`,
      `${found}`,
      `fetch the file again; it is ${found < claimed ? 'truncated, or its header is damaged' : 'longer than its header says'}`,
      'data',
    )
  return { shape, values: new Uint8Array(bytes.buffer, bytes.byteOffset + header, found) }
}

/**
 * Writes the IDX format: the inverse of `decodeIdx`.
 * @throws LgmError `data` when the number of values does not fit the shape.
 */
export function encodeIdx({ shape, values }: IdxArray): Uint8Array {
  const size = shape.reduce((product, side) => product * side, 1)
  if (size !== values.length)
    throw expected('encodeIdx', `${size} values for shape [${shape}]`, `${values.length}`, 'correct the shape', 'data')
  const header = 4 + 4 * shape.length
  const bytes = new Uint8Array(header + values.length)
  bytes.set([0, 0, unsignedByte, shape.length])
  const view = new DataView(bytes.buffer)
  shape.forEach((side, i) => {
    view.setUint32(4 + 4 * i, side)
  })
  bytes.set(values, header)
  return bytes
}

/** One part of a data set as it lies on disk: the bytes of a pair of files, and their names. */
export interface IdxPair {
  readonly images: Uint8Array
  readonly labels: Uint8Array
  readonly imagesFile: string
  readonly labelsFile: string
}

/**
 * Images `[n, height, width]` and labels `[n]` as examples of shape `[height, width, 1]`; bytes stay bytes and are scaled to
 * 0…1 as they are read.
 *
 * @param classes how many there are; labels must lie below
 * @throws LgmError `data` as `decodeIdx` does, for no images at all, different counts, and a label out of range.
 */
export function idxExamples({ images, labels, imagesFile, labelsFile }: IdxPair, classes: number): Examples {
  const pixels = decodeIdx(images, imagesFile, 3)
  const ids = decodeIdx(labels, labelsFile, 1)
  const [count, height, width] = pixels.shape as [number, number, number]
  if (pixels.values.length === 0)
    throw expected(
      imagesFile,
      'at least one image of at least one pixel',
      `dimensions ${pixels.shape.join(' × ')}`,
      'take another file',
      'data',
    )
  if (ids.values.length !== count)
    throw expected(
      labelsFile,
      `${count} labels, one for each image in ${imagesFile}`,
      `${ids.values.length}`,
      'take both files from the same place',
      'data',
    )
  const bad = ids.values.findIndex(label => label >= classes)
  if (bad >= 0)
    throw expected(
      labelsFile,
      `labels from 0 to ${classes - 1}`,
      `${ids.values[bad]} at position ${bad}`,
      'name that many classes, or repair the file',
      'data',
    )
  return arrayExamples(pixels.values, [height, width, 1], Int32Array.from(ids.values), imagesFile)
}

function hex(bytes: readonly number[]): string {
  return `0x${bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')}`
}

function mistaken(magic: readonly number[]): string {
  if (magic[0] === 0x1f && magic[1] === 0x8b) return 'unpack it first: it is compressed twice or misses the ending .gz'
  if (magic[0] === 0 && magic[1] === 0 && magic[2] === unsignedByte && (magic[3] === 1 || magic[3] === 3))
    return 'check whether images and labels have been swapped'
  return 'check that this is an IDX file of unsigned bytes'
}
