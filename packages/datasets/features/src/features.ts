import { Dataset, definePlugin, type Examples, expected, inject, Options, z } from '@lgm/core'
import { type ArrayFile, arrayFiles, endings } from './array-file.js'
import { featureExamples, shapeOf } from './feature-examples.js'
import { labelsOf } from './labels.js'

const file = (what: string) =>
  z.string().regex(endings, 'a path that ends in .npy, .npz or .safetensors').describe(what)

const keysOf = (part: string) =>
  z
    .strictObject({
      x: z.string().default('x').describe('the features'),
      y: z.string().default('y').describe('the labels'),
    })
    .prefault({})
    .describe(`names of the arrays to ${part}, in .npz and .safetensors`)

const options = z.strictObject({
  train: file('features to learn, [n, d] or [n, height, width, channels]: .npy, .npz or .safetensors'),
  test: file('features to test, as those of train; may be the same file, under other keys'),
  labels: z
    .strictObject({
      train: file('labels to learn').optional(),
      test: file('labels to test').optional(),
    })
    .prefault({})
    .describe('files of the labels, [n]; a .npy of features needs one, others may hold their labels themselves'),
  keys: z
    .strictObject({ train: keysOf('learn'), test: keysOf('test') })
    .prefault({})
    .describe('names of the arrays in files that hold several: { train: { x, y }, test: { x, y } }'),
  classes: z
    .array(z.string().min(1))
    .min(1)
    .refine(names => new Set(names).size === names.length, 'each name once')
    .optional()
    .describe('names of the labels 0, 1, 2, …; these numbers, up to the highest label, unless told'),
})
type Part = 'train' | 'test'

const where = 'dataset "features"'

/** Files of features, such as a pretrained network made. */
class Features implements Dataset {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  async load(): ReturnType<Dataset['load']> {
    const open = arrayFiles()
    const [train, test] = [this.#features('train', open), this.#features('test', open)]
    const [shape, other] = [shapeOf(train), shapeOf(test)].map(sides => sides.join(', '))
    if (shape !== other)
      throw expected(
        test.where,
        `examples of shape [${shape}], as those of ${train.where}`,
        `[${other}]`,
        'make both in the same way',
        'data',
      )
    const parts = { train: this.#examples('train', train, open), test: this.#examples('test', test, open) }
    return { ...parts, classes: this.#options.classes ?? numbered(parts.train.labels, parts.test.labels) }
  }

  #features(part: Part, open: ReturnType<typeof arrayFiles>): ArrayFile {
    return open(this.#options[part], this.#options.keys[part].x)
  }

  #examples(part: Part, features: ArrayFile, open: ReturnType<typeof arrayFiles>): Examples {
    const { labels, keys, classes } = this.#options
    const own = this.#options[part]
    const from = labels[part] ?? own
    if (from === own && own.endsWith('.npy'))
      throw expected(
        where,
        `a file of labels beside ${own}`,
        'none',
        `give labels: { ${part}: FILE }, since a .npy file holds one array`,
        'options',
      )
    const count = { of: features.where, rows: features.shape[0]! }
    return featureExamples(features, labelsOf(open(from, keys[part].y), count, classes?.length))
  }
}

/** '0', '1', …, up to the highest label. */
function numbered(...labels: readonly Int32Array[]): readonly string[] {
  let highest = 0
  for (const part of labels) for (const label of part) highest = Math.max(highest, label)
  return Array.from({ length: highest + 1 }, (_, label) => `${label}`)
}

/**
 * A plugin for features and labels in files: .npy, whose rows are read from disk when they are asked for, so that files may be larger than memory;
 * .npz and safetensors, which are read whole. Numbers become float32; bytes are scaled from 0…255 to 0…1.
 *
 * @throws LgmError `options` when a .npy file of features has no file of labels beside it; `data` when a file is missing or damaged,
 * features and labels do not go together, or a number is NaN or infinite, for .npy as it is read; `checkpoint` for damaged safetensors.
 * @example
 * features({ train: 'train.npz', test: 'test.npz' })
 * features({ train: 'x.npy', test: 'xt.npy', labels: { train: 'y.npy', test: 'yt.npy' } })
 */
export const features = definePlugin({
  point: Dataset,
  name: 'features',
  summary: 'files of features and labels: .npy, read row by row from disk, .npz or safetensors',
  options,
  class: Features,
})
