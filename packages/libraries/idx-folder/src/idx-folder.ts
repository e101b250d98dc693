import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Examples, expected, type LgmError } from '@lgm/core'
import { idxExamples } from '@lgm/idx'

/** A folder of IDX files, and what to say when it is not there. */
export interface IdxFolder {
  /** Absolute, or relative to the working folder. */
  readonly folder: string
  /** How many classes there are; labels must lie below. */
  readonly classes: number
  /** Who asks, for messages: `dataset "mnist"`. */
  readonly where: string
  /** What to do when the folder or one of its files is missing. */
  readonly remedy: string
}

/** The parts of a data set, as MNIST and its relatives name them. */
const parts = { train: 'train', test: 't10k' } as const
const kinds = { images: 'images-idx3-ubyte', labels: 'labels-idx1-ubyte' } as const

/** Larger than any data set of this format; a stop for damaged or hostile files. */
const largestUnpacked = 2 ** 31

/**
 * Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each as it is or
 * with the ending `.gz`; `train-images.idx3-ubyte`, as some archives name them, is understood as well. Bytes stay bytes in memory.
 *
 * @throws LgmError `data` when the folder or a file is missing or cannot be read or unpacked, as `idxExamples` does, and when
 * training and test images differ in size.
 */
export async function readIdxFolder({
  folder,
  classes,
  where,
  remedy,
}: IdxFolder): Promise<{ train: Examples; test: Examples }> {
  const names = await list(folder, where, remedy)
  const find = (part: string, kind: string): string => {
    const name = `${part}-${kind}`
    const dotted = name.replace('-idx', '.idx')
    const found = [name, `${name}.gz`, dotted, `${dotted}.gz`].find(candidate => names.includes(candidate))
    if (found === undefined) throw expected(where, `${name} or ${name}.gz in ${folder}`, `no such file`, remedy, 'data')
    return join(folder, found)
  }
  const read = async (part: string): Promise<Examples> => {
    const imagesFile = find(part, kinds.images)
    const labelsFile = find(part, kinds.labels)
    const images = await unpacked(imagesFile)
    const labels = await unpacked(labelsFile)
    return idxExamples({ images, labels, imagesFile, labelsFile }, classes)
  }
  const train = await read(parts.train)
  const test = await read(parts.test)
  if (train.shape.join() !== test.shape.join())
    throw expected(
      where,
      `test images of ${size(train)} pixels, as those for training`,
      size(test),
      `take all files of ${folder} from the same place`,
      'data',
    )
  return { train, test }
}

const size = (examples: Examples) => examples.shape.slice(0, 2).join(' × ')

async function list(folder: string, where: string, remedy: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const reason =
      { ENOENT: 'no such folder', ENOTDIR: 'something that is not a folder' }[codeOf(error)] ?? codeOf(error)
    throw expected(where, `a folder of IDX files at ${folder}`, reason, remedy, 'data')
  }
}

async function unpacked(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw expected(file, 'a readable file', codeOf(error), 'correct its permissions', 'data')
  })
  if (!file.endsWith('.gz')) return bytes
  return await promisify(gunzip)(bytes, { maxOutputLength: largestUnpacked }).catch((error: unknown): never => {
    throw damaged(file, error)
  })
}

function damaged(file: string, error: unknown): LgmError {
  const reason = error instanceof Error ? error.message : String(error)
  return expected(file, 'a gzip file', reason, 'fetch the file again; it is truncated or damaged', 'data')
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error)
}
