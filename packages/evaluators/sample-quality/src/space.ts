import {
  createBreath,
  type Events,
  type Examples,
  indicesByLabel,
  type Measurement,
  mapExamples,
  type Rng,
  range,
  readAll,
  selectExamples,
  type Trainer,
} from '@lgm/core'
import { accuracyByClass, trainClassifier } from './classifier.js'
import { type Features, featuresOf } from './features.js'
import { blank, byClass } from './figures.js'
import { fitGaussian, frechetDistance } from './frechet.js'
import { memorizationRatio } from './memorization.js'
import type { SampleQualityOptions } from './options.js'
import { precisionRecall } from './precision-recall.js'

/** Samples beside real examples, in one of the spaces in which they can be compared. */
export interface Space {
  readonly name: 'latent' | 'decoded'
  /** Test examples of the classes met so far. */
  readonly test: Examples
  /** As many samples of each class 0 to `classes` − 1. */
  readonly samples: Examples
  readonly classes: number
  /** Training examples of one class. */
  training(label: number): Promise<Examples>
}

/** How codes become examples, and whether they are examples already. */
export interface Decoding {
  readonly isIdentity: boolean
  decode(codes: Examples): Promise<Examples>
}

/** What measuring takes beside options: `owner` is the name under which fits and progress appear. */
export interface Instruments {
  readonly owner: string
  readonly trainer: Trainer
  readonly events: Events
  readonly rng: Rng
}

/** All figures of one space, each with the axis class, and the Fréchet distance of all classes together. */
export async function measureSpace(
  space: Space,
  options: SampleQualityOptions,
  instruments: Instruments,
): Promise<readonly Measurement[]> {
  return [...(await byDistances(space, options, instruments)), ...(await byClassifier(space, options, instruments))]
}

/** More numbers than that are not decomposed in any bearable time. */
const mostDimensions = 512

async function byDistances(
  space: Space,
  options: SampleQualityOptions,
  { owner, events }: Instruments,
): Promise<readonly Measurement[]> {
  const { name, classes } = space
  const { measures, examples, neighbours } = options
  const features = featuresOf(space.test.shape, options.features)
  const d = features.count
  const real = await rowsByClass(space.test, features, examples)
  const drawn = await rowsByClass(space.samples, features, examples)
  const series = { frechet: blank(classes), precision: blank(classes), recall: blank(classes), ratio: blank(classes) }
  const breathe = createBreath()
  for (const [label, all] of real) {
    // as many of both, as manifolds depend on it
    const count = Math.min(all.length, drawn.get(label)!.length)
    const [a, b] = [all.subarray(0, count), drawn.get(label)!.subarray(0, count)]
    if (measures.includes('frechet')) series.frechet[label] = distanceOf(a, b, d)
    if (measures.includes('precision-recall') && count / d > neighbours) {
      const { precision, recall } = precisionRecall(a, b, d, neighbours)
      series.precision[label] = precision
      series.recall[label] = recall
    }
    if (measures.includes('memorization')) {
      const training = await mapped(await space.training(label), features)
      series.ratio[label] = finite(memorizationRatio(b, a, training, d))
    }
    events.emit({ type: 'progress', what: `${owner}, ${name}`, done: label + 1, of: classes })
    await breathe()
  }
  const pooled = [...real].map(([label, rows]) => [rows, drawn.get(label)!.subarray(0, rows.length)] as const)
  const all = distanceOf(joined(pooled.map(([a]) => a)), joined(pooled.map(([, b]) => b)), d)
  const where = `of ${features.name} features in ${name} space`
  const frechet = `${name}-frechet-${features.name}`
  const gaussians = `squared Fréchet distance of Gaussians fitted to test examples and samples, ${where}`
  return [
    ...(measures.includes('frechet')
      ? [
          ...(all === null
            ? []
            : [
                {
                  name: frechet,
                  value: all,
                  unit: 'squared distance',
                  aggregation: `${gaussians}, all classes together`,
                },
              ]),
          byClass(`${frechet}-within-class`, series.frechet, 'squared distance', `${gaussians}, of one class`),
        ]
      : []),
    ...(measures.includes('precision-recall')
      ? [
          byClass(
            `${name}-precision`,
            series.precision,
            'fraction',
            `samples within the manifold of test examples of the class, ${where}, ${neighbours} neighbours`,
          ),
          byClass(
            `${name}-recall`,
            series.recall,
            'fraction',
            `test examples within the manifold of samples of the class, ${where}, ${neighbours} neighbours`,
          ),
        ]
      : []),
    ...(measures.includes('memorization')
      ? [
          byClass(
            `${name}-memorization-ratio`,
            series.ratio,
            'ratio',
            `mean distance to the nearest training example of the class, samples over test examples, ${where}`,
          ),
        ]
      : []),
  ]
}

async function byClassifier(
  { name, classes, test, samples }: Space,
  { measures, classifier: options }: SampleQualityOptions,
  { owner, trainer, rng }: Instruments,
): Promise<readonly Measurement[]> {
  if (!measures.includes('cas')) return []
  const fit = `${owner}, ${name}, cas`
  const classifier = await trainClassifier(samples, { name: fit, classes, options, trainer, rng: rng.fork(name) })
  const accuracies = accuracyByClass(test.labels, await classifier.guess(test), classes)
  return [
    byClass(
      `${name}-cas`,
      accuracies,
      'fraction',
      `accuracy on test examples of a classifier trained on ${samples.count / classes} samples of each class alone`,
    ),
  ]
}

/** The features `[count, d]` of at most `most` examples of each class. */
async function rowsByClass(
  examples: Examples,
  features: Features,
  most: number,
): Promise<ReadonlyMap<number, Float32Array>> {
  const found = new Map<number, Float32Array>()
  for (const [label, indices] of indicesByLabel(examples.labels))
    found.set(label, await mapped(selectExamples(examples, indices.subarray(0, most)), features))
  return found
}

async function mapped(examples: Examples, features: Features): Promise<Float32Array> {
  return readAll(await mapExamples(examples, x => features.of(x)))
}

/** The Fréchet distance where there are more rows than dimensions, and not too many of these. */
function distanceOf(a: Float32Array, b: Float32Array, d: number): number | null {
  if (Math.min(a.length, b.length) / d <= d || d > mostDimensions) return null
  return frechetDistance(fitGaussian(a, d), fitGaussian(b, d))
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** The first `most` of the samples of each class, of which there are equally many. */
export function firstOfEach(samples: Examples, classes: number, most: number): Examples {
  const each = samples.count / classes
  const first = Math.min(each, most)
  return selectExamples(
    samples,
    range(0, classes * first).map(i => Math.floor(i / first) * each + (i % first)),
  )
}
