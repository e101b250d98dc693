import { readdir } from 'node:fs/promises'
import { Dataset, definePlugin, expected, inject, Options, z } from '@lgm/core'
import { openCifar } from './cifar-files.js'
import { coarse, fine, ten } from './classes.js'
import type { CifarFormat } from './formats.js'

const options = z.strictObject({
  folder: z
    .string()
    .min(1)
    .describe('the folder of the binary files, such as cifar-10-batches-bin or cifar-100-binary'),
  version: z
    .union([z.literal(10), z.literal(100)])
    .default(10)
    .describe('10: CIFAR-10; 100: CIFAR-100'),
  labels: z
    .enum(['fine', 'coarse'])
    .default('fine')
    .describe('of CIFAR-100: fine, its 100 classes; coarse, its 20 superclasses'),
})

const where = 'dataset "cifar"'
const page = 'https://www.cs.toronto.edu/~kriz/cifar.html'
const batches = [1, 2, 3, 4, 5].map(batch => `data_batch_${batch}.bin`)

const formatOf = ({ version, labels }: z.output<typeof options>): CifarFormat =>
  version === 10
    ? { train: batches, test: ['test_batch.bin'], labels: 1, label: 0, classes: ten }
    : {
        ...{ train: ['train.bin'], test: ['test.bin'], labels: 2 },
        ...(labels === 'fine' ? { label: 1, classes: fine } : { label: 0, classes: coarse }),
      }

/** Photographs of things and animals. */
class Cifar implements Dataset {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  async load(): ReturnType<Dataset['load']> {
    const { folder, version, labels } = this.#options
    if (version === 10 && labels === 'coarse')
      throw expected(where, 'labels: fine, since CIFAR-10 has no others', 'coarse', 'set version: 100', 'options')
    const format = formatOf(this.#options)
    await checkFolder(folder, version, format)
    return {
      train: openCifar(folder, format.train, format),
      test: openCifar(folder, format.test, format),
      classes: format.classes,
    }
  }
}

async function checkFolder(folder: string, version: number, { train, test }: CifarFormat): Promise<void> {
  const fetch = `fetch the binary version of CIFAR-${version} from ${page} and unpack it, or correct the option folder`
  const wanted = [...train, ...test]
  const found = await readdir(folder).catch((error: unknown) => {
    const code = String((error as { code?: unknown }).code ?? error)
    const reason = { ENOENT: 'no such folder', ENOTDIR: 'something that is not a folder' }[code] ?? code
    throw expected(where, `a folder ${folder} with ${wanted.join(', ')}`, reason, fetch, 'data')
  })
  const missing = wanted.filter(name => !found.includes(name))
  if (missing.length === 0) return
  const [unpacked, other] = version === 10 ? ['cifar-10-batches-bin', 'train.bin'] : ['cifar-100-binary', batches[0]!]
  const remedy = found.includes(unpacked)
    ? `name the folder ${unpacked} in it`
    : found.includes(other)
      ? `set version: ${version === 10 ? 100 : 10}, since those files are there`
      : found.includes(wanted[0]!.replace('.bin', ''))
        ? `${fetch}: these files are of the version for Python`
        : fetch
  throw expected(where, `${wanted.join(', ')} in ${folder}`, `none named ${missing.join(', ')}`, remedy, 'data')
}

/**
 * A plugin for CIFAR-10 and CIFAR-100 (Krizhevsky 2009, Learning multiple layers of features from tiny images): 50,000 training and
 * 10,000 test images [32, 32, 3] in 0…1, from the files of the binary version. Labels are kept in memory, images read from disk when
 * they are asked for. No preprocessing.
 *
 * @throws LgmError `options` for coarse labels of CIFAR-10; `data` when the folder or a file is missing, is no whole number of
 * records, or has a label that is no class.
 * @example
 * cifar({ folder: 'data/cifar-100-binary', version: 100 })
 */
export const cifar = definePlugin({
  point: Dataset,
  name: 'cifar',
  summary: '60,000 photographs in 10 or 100 classes, from their binary files',
  options,
  class: Cifar,
})
