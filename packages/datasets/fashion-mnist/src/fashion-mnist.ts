import { existsSync } from 'node:fs'
import { Dataset, definePlugin, inject, Options, z } from '@lgm/core'
import { datasetCacheFolder } from '@lgm/download'
import { readIdxFolder } from '@lgm/idx-folder'

const options = z.strictObject({
  folder: z
    .string()
    .min(1)
    .optional()
    .describe('a folder of the four IDX files, gz or not, in the place of those where they are usually found'),
})

const where = 'dataset "fashion-mnist"'

/** The names of the classes, as published. */
const classes = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
]

/** Where the Debian package `dataset-fashion-mnist` puts the files. */
export const debianFolder = '/usr/share/datasets/fashion-mnist'

/** What to do when the data are not there. */
export const remedy =
  'install them with: apt install dataset-fashion-mnist, or fetch them with: lgm data fetch fashion-mnist'

/** Images of articles of clothing. */
class FashionMnist implements Dataset {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  async load(): ReturnType<Dataset['load']> {
    const cached = datasetCacheFolder('fashion-mnist')
    const folder = this.#options.folder ?? [debianFolder, cached].find(existsSync) ?? cached
    const parts = await readIdxFolder({ folder, classes: classes.length, where, remedy })
    return { ...parts, classes }
  }
}

/**
 * A plugin for Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747): 60,000 training and 10,000 test images [28, 28, 1] of clothes
 * in 10 classes, in 0…1. They are taken from the folder of the Debian package `dataset-fashion-mnist`, else from the user's cache
 * folder, where `lgm data fetch fashion-mnist` puts them.
 *
 * @throws LgmError `data` when the folder or a file is missing, as `readIdxFolder` does.
 * @example
 * fashionMnist()
 */
export const fashionMnist = definePlugin({
  point: Dataset,
  name: 'fashion-mnist',
  summary: '70,000 images of clothes',
  options,
  class: FashionMnist,
})
