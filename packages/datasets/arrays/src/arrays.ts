import {
  arrayExamples,
  Dataset,
  definePlugin,
  type Examples,
  expected,
  inject,
  Options,
  show,
  sizeOf,
  z,
} from '@lgm/core'
import { type Classes, classesOf, type Label, type Labels } from './labels.js'

/** Numbers of all examples, row-major; or one list of numbers an example. Bytes are scaled from 0…255 to 0…1 as they are read. */
export type Values = Float32Array | Uint8Array | readonly (readonly number[])[]

/** Examples and one label for each. */
export interface LabelledArrays {
  readonly x: Values
  readonly labels: Labels
}

const isTyped = (value: unknown): value is Float32Array | Uint8Array =>
  value instanceof Float32Array || value instanceof Uint8Array

const isLabelled = (value: unknown): value is LabelledArrays => {
  const { x, labels } = (value ?? {}) as Partial<LabelledArrays>
  return (isTyped(x) || Array.isArray(x)) && (Array.isArray(labels) || isTyped(labels) || labels instanceof Int32Array)
}

const labelled = (part: string) =>
  z
    .custom<LabelledArrays>(isLabelled, {
      message:
        '{ x: Float32Array | Uint8Array | number[][], labels: list of numbers or strings }, given in code (a recipe cannot hold arrays: take a data set that reads files)',
    })
    .describe(`examples and labels to ${part}: { x, labels }; in code only, since a recipe cannot hold arrays`)

const options = z.strictObject({
  train: labelled('learn'),
  test: labelled('test'),
  shape: z
    .array(z.number().int().min(1))
    .min(1)
    .optional()
    .describe('shape of one example, such as [28, 28, 1]; a flat list of its numbers unless told'),
  classes: z
    .array(z.union([z.string(), z.number()]))
    .min(1)
    .optional()
    .describe(
      'labels in the order of their ids, or names for labels 0, 1, 2, …; those found in train, sorted, unless told',
    ),
})

const where = 'dataset "arrays"'

/** Arrays of one's own. */
class Arrays implements Dataset {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) given: z.output<typeof options>) {
    this.#options = given
  }

  async load(): ReturnType<Dataset['load']> {
    const { train, test, shape, classes } = this.#options
    const known = classesOf(train.labels, classes, `${where}: classes`)
    const own = shape ?? [numbersEach(train)]
    return {
      train: examplesOf(train, own, known, `${where}: train`),
      test: examplesOf(test, own, known, `${where}: test`),
      classes: known.names,
    }
  }
}

function numbersEach({ x, labels }: LabelledArrays): number {
  if (!isTyped(x)) return x[0]?.length ?? 0
  return x.length / labels.length
}

function examplesOf({ x, labels }: LabelledArrays, shape: readonly number[], known: Classes, part: string): Examples {
  if (labels.length === 0) throw expected(part, 'at least one example', 'none', 'give it data', 'data')
  const size = sizeOf(shape)
  if (!Number.isInteger(size) || size < 1)
    throw expected(
      part,
      `as many numbers for each of ${labels.length} labels`,
      `${x.length} numbers`,
      'check that x and labels belong together, or give shape',
      'data',
    )
  const values = isTyped(x) ? x : flat(x, size, part)
  const ids = Int32Array.from(labels as ArrayLike<Label>, (label, i) => {
    const id = known.idOf(label)
    if (id === undefined)
      throw expected(
        part,
        `labels among ${known.description}`,
        `${show(label)} in example ${i}`,
        'correct it, or add it to classes',
        'data',
      )
    return id
  })
  return arrayExamples(values, shape, ids, part)
}

function flat(rows: readonly (readonly number[])[], size: number, part: string): Float32Array {
  const values = new Float32Array(rows.length * size)
  rows.forEach((row, i) => {
    const wrong = row.findIndex(value => typeof value !== 'number')
    if (wrong >= 0)
      throw expected(
        part,
        'numbers',
        `${show(row[wrong])} in example ${i}, position ${wrong}`,
        'repair that example',
        'data',
      )
    if (row.length !== size)
      throw expected(
        part,
        `${size} numbers in every example`,
        `${row.length} in example ${i}`,
        'repair that example, or correct shape',
        'data',
      )
    values.set(row, i * size)
  })
  return values
}

/**
 * A plugin for arrays of one's own. Labels are mapped to ids explicitly: strings, or numbers without `classes`, to the position among the
 * distinct labels of `train` in ascending order; labels listed in `classes` to their position there; numbers 0, 1, 2, … beside
 * strings in `classes` to themselves, with the strings as names.
 *
 * The arrays are not copied (lists of lists are): do not change them while a learner uses them.
 *
 * @throws LgmError `data` at loading for lengths that do not fit, NaN or infinite numbers, and labels that are not among the classes.
 * @example
 * arrays({ train: { x: pixels, labels: ['cat', 'dog'] }, test, shape: [32, 32, 3] })
 */
export const arrays = definePlugin({
  point: Dataset,
  name: 'arrays',
  summary: 'your own arrays, in code',
  options,
  class: Arrays,
})
