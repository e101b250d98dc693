import {
  applyMlp,
  changeExamples,
  disposeParams,
  type Examples,
  initMlp,
  labelsAt,
  mapExamples,
  meanCrossEntropy,
  oneHot,
  optimizerOptions,
  type Params,
  type Rng,
  readAll,
  rows,
  sampler,
  sizeOf,
  type Trainer,
  upload,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** Options of a classifier that only measures: fully connected layers with ReLU. */
export const classifierOptions = z.strictObject({
  widths: z.array(z.int().min(1)).default([400]).describe('units of the hidden layers'),
  iterations: z.int().positive().default(500).describe('training steps'),
  batchSize: z.int().positive().default(128).describe('examples per step'),
  optimizer: optimizerOptions.prefault({ schedule: 'cosine' }),
})

/** A trained classifier. Its parameters are held outside the engine. */
export interface Classifier {
  /** The likeliest class of each example. */
  guess(examples: Examples): Promise<Int32Array>
}

/** What training a classifier takes. */
export interface ClassifierTraining {
  /** Name of the fit. */
  readonly name: string
  /** Labels are 0 to `classes` − 1. */
  readonly classes: number
  readonly options: z.output<typeof classifierOptions>
  readonly trainer: Trainer
  readonly rng: Rng
}

/**
 * Trains a fresh classifier on `examples` by cross-entropy. The numbers are centred, and scaled by one number to variance 1, as they are in
 * the examples, so that codes of any size are learned alike.
 */
export async function trainClassifier(examples: Examples, training: ClassifierTraining): Promise<Classifier> {
  const { name, classes, options, trainer, rng } = training
  const standard = await standardization(examples)
  const inputs = standard(examples)
  const next = sampler(inputs.count, options.batchSize, rng)
  const weights = await fitted(initMlp([sizeOf(inputs.shape), ...options.widths, classes], rng), params =>
    trainer.fit({
      name,
      params,
      iterations: options.iterations,
      optimizer: options.optimizer,
      batch: async () => {
        const chosen = next()
        return { x: await upload(inputs, chosen), y: oneHot(labelsAt(inputs, chosen), classes) }
      },
      loss: (current, { x, y }) => ({
        classification: meanCrossEntropy(applyMlp(current, rows(x!)), y as tf.Tensor2D),
      }),
    }),
  )
  return {
    async guess(others) {
      const guessed = await mapExamples(standard(others), x =>
        applyMlp(weights(), rows(x)).argMax(1).expandDims(1).toFloat(),
      )
      return Int32Array.from(await readAll(guessed))
    },
  }
}

/** What a fit makes of parameters, read from the engine; the function that is returned uploads it again. */
async function fitted(initial: Params, fit: (params: Params) => Promise<Params>): Promise<() => Params> {
  let params: Params = {}
  try {
    params = await fit(initial)
    const entries = Object.entries(params)
    const read = await Promise.all(
      entries.map(async ([name, { shape }]) => ({ name, shape, values: await params[name]!.data() })),
    )
    return () => Object.fromEntries(read.map(({ name, shape, values }) => [name, tf.tensor(values, shape)]))
  } finally {
    disposeParams(params)
    disposeParams(initial)
  }
}

/** How many examples mean and variance are taken from. */
const looked = 2000

/** (x − x̄) / σ with the mean of each number and one σ over all numbers; a σ of 0 is taken as 1. */
async function standardization(examples: Examples): Promise<(others: Examples) => Examples> {
  const size = sizeOf(examples.shape)
  const count = Math.min(looked, examples.count)
  const spaced = Int32Array.from({ length: count }, (_, i) => Math.floor((i * examples.count) / count))
  const values = await examples.read(spaced)
  const mean = new Float64Array(size)
  for (let i = 0; i < values.length; i++) mean[i % size]! += values[i]! / count
  let variance = 0
  for (let i = 0; i < values.length; i++) variance += (values[i]! - mean[i % size]!) ** 2 / values.length
  const deviation = Math.sqrt(variance) || 1
  return others =>
    changeExamples(others, others.shape, numbers => numbers.map((value, i) => (value - mean[i % size]!) / deviation))
}

/** For each class 0 to `classes` − 1 the share of its examples that were guessed right, 0 to 1; `null` where it has none. */
export function accuracyByClass(labels: Int32Array, guesses: Int32Array, classes: number): (number | null)[] {
  const [all, right] = [new Int32Array(classes), new Int32Array(classes)]
  labels.forEach((label, i) => {
    all[label]!++
    if (guesses[i] === label) right[label]!++
  })
  return Array.from(all, (count, label) => (count === 0 ? null : right[label]! / count))
}
