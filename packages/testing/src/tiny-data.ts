import { arrayExamples, Dataset, definePlugin, type Examples, type Plugin, selectExamples, sizeOf, z } from '@lgm/core'

/** What `Dataset.load` gives. */
export type Data = Awaited<ReturnType<Dataset['load']>>

/** What tiny data look like; every field has a default. */
export interface TinyDataOptions {
  /** 4, named `a`, `b`, `c`, …. */
  readonly classes?: number
  /** Training examples of each class; 6. There are half as many for tests, at least one. */
  readonly count?: number
  /** Shape of one example; [4, 4, 1]. */
  readonly shape?: readonly number[]
}

/**
 * A small labelled data set in which no two numbers are alike, so that a mixed-up example or pixel shows. Labels alternate: 0, 1, 2, …
 *
 * @example
 * const { train, test, classes } = tinyData({ classes: 10 })
 */
export function tinyData({ classes = 4, count = 6, shape = [4, 4, 1] }: TinyDataOptions = {}): Data {
  const trained = classes * count
  const tested = classes * Math.max(1, count >> 1)
  const total = (trained + tested) * sizeOf(shape)
  const part = (from: number, examples: number): Examples => {
    const values = Float32Array.from(
      { length: examples * sizeOf(shape) },
      (_, i) => (from * sizeOf(shape) + i + 1) / total,
    )
    return arrayExamples(
      values,
      shape,
      Int32Array.from({ length: examples }, (_, i) => i % classes),
      'tiny data',
    )
  }
  const names = Array.from({ length: classes }, (_, i) => String.fromCharCode('a'.charCodeAt(0) + i))
  return { train: part(0, trained), test: part(trained, tested), classes: names }
}

/** Data as a plugin that remembers which examples have been read, in the order of reading. */
export interface TracedData {
  readonly plugin: Plugin
  readonly reads: { readonly train: number[]; readonly test: number[] }
}

/** Wraps data as a data set plugin `traced`. */
export function traceData(data: Data): TracedData {
  const reads = { train: [] as number[], test: [] as number[] }
  const traced = (examples: Examples, seen: number[]): Examples => ({
    ...examples,
    read(indices) {
      seen.push(...indices)
      return examples.read(indices)
    },
  })
  class Traced implements Dataset {
    async load(): Promise<Data> {
      return { ...data, train: traced(data.train, reads.train), test: traced(data.test, reads.test) }
    }
  }
  const definition = {
    point: Dataset,
    name: 'traced',
    summary: 'data that remember what has been read, for tests',
    options: z.strictObject({}),
    class: Traced,
  }
  return { plugin: definePlugin(definition)(), reads }
}

/** The same data with the label of one training example replaced. */
export function withLabel(data: Data, example: number, label: number): Data {
  const every = Int32Array.from(data.train.labels.keys())
  const train = selectExamples(data.train, every)
  train.labels[example] = label
  return { ...data, train }
}
