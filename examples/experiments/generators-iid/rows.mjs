// The rows of the study: how good are the samples of each generator, of pixels and in the latent space of an autoencoder? All classes at
// once, nothing is forgotten; the same steps and batches for all that learn by steps.

import { figure, generatorNumbers, percent, secondsIn } from '../columns.mjs'
import { rowIn, withSteps } from '../generators.mjs'

/** @typedef {import('../study.mjs').Row} Row */
/** @typedef {import('../study.mjs').Recipe} Recipe */

const steps = {
  final: { iterations: 2000, batchSize: 64 },
  tuning: { iterations: 700, batchSize: 64 },
}

const spaces = {
  pixels: { title: 'pixels', embedder: 'identity', phases: ['memorize'] },
  learned: {
    title: 'codes of an autoencoder',
    embedder: { use: 'mlp', widths: [400], codes: 64, normalize: 'layer' },
    decoder: { use: 'mlp', widths: [400] },
    // classification weighs next to nothing beside this
    phases: [
      { use: 'learn', iterations: 2000, batchSize: 64, autoencode: 100 },
      { use: 'decode', iterations: 500, batchSize: 64 },
      'memorize',
    ],
  },
}

/** @param {keyof typeof spaces} space @param {Parameters<typeof rowIn>[2]} kind */
const row = (space, kind) => rowIn(space, spaces[space], kind, steps.final)

const priors = /** @type {const} */ (['vae-standard', 'vae-mixture', 'vae-vamp', 'vae-flow'])

/** @type {Row[]} */
const rows = [
  .../** @type {const} */ (['gaussian', 'vae-gaussian', 'vae-bernoulli', 'gan', 'flow']).map(kind =>
    row('pixels', kind),
  ),
  .../** @type {const} */ (['gaussian', 'vae', ...priors, 'gan', 'flow']).map(kind => row('learned', kind)),
]

/** @type {import('../study.mjs').Study} */
export const study = {
  name: 'generators-iid',
  columns: [
    { title: 'CAS, %', of: figure('mean-decoded-cas'), show: 'percents' },
    { title: 'Fréchet distance (dct64)', of: figure('decoded-frechet-dct64'), show: 'significant' },
    { title: 'precision, %', of: figure('mean-decoded-precision'), show: 'percents' },
    { title: 'recall, %', of: figure('mean-decoded-recall'), show: 'percents' },
    { title: 'memorization ratio', of: figure('mean-decoded-memorization-ratio'), show: 'significant' },
    { title: 'label consistency, %', of: figure('mean-label-consistency'), show: 'percents' },
    { title: 'log-likelihood, nats', of: figure('mean-log-likelihood'), show: 'significant' },
    { title: 'seconds to memorize', of: secondsIn('memorize'), show: 'seconds' },
    { title: 'numbers of the generator', of: generatorNumbers, show: 'counts' },
  ],
  explanation:
    'All figures but the last three are of decoded samples beside test images, means over classes where there is one for each. *CAS*: accuracy on test images of a classifier trained on samples alone; *precision* and *recall*: share of samples among the test images of their class, and of test images among samples; *memorization ratio*: distance of samples to the nearest training image over that of test images, near 0 for copies; *label consistency*: share of samples that a classifier of real images puts into their class. *Log-likelihood* is of codes, comparable within one space only.',
  scatter: {
    file: 'quality-and-seconds.svg',
    alt: 'Quality of samples against seconds',
    says: 'Each number is a row of the tables below: its spot is the mean over seeds, the small dots are the seeds. Colours tell the spaces apart. The seconds are those of the generator, on one thread; the autoencoder’s are not in them.',
    x: { title: 'seconds to memorize 60,000 images (logarithmic)', of: secondsIn('memorize') },
    y: { title: 'CAS, %', of: run => percent(figure('mean-decoded-cas')(run)) },
  },
  datasets: ['mnist', 'fashion-mnist'],
  same: { 'fashion-mnist': 'mnist' },
  figure: 'mean-decoded-cas',
  tuningSeed: 100,
  forTuning: recipe => ({
    ...recipe,
    stream: { use: 'split', tasks: 1, validation: 0.1, measureOn: 'validation' },
    generator: withSteps(/** @type {Recipe} */ (recipe.generator), steps.tuning),
    evaluators: [{ use: 'sample-quality', space: 'decoded', measures: ['cas'], columns: 0 }],
  }),
  shared: {
    stream: { use: 'split', tasks: 1 },
    head: 'linear',
    evaluators: [{ use: 'sample-quality' }],
    observers: ['console'],
  },
  rows,
}
