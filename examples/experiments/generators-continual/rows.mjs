// The rows of the study: the same generators as memory, of pixels (GM) and of codes (LGM), and published methods of pixels beside them. The
// same classifier, and the same steps and batches of classifier and generator, in all rows.

import { figure, generatorNumbers, percent, secondsIn } from '../columns.mjs'
import { rowIn, withSteps } from '../generators.mjs'

/** @typedef {import('../study.mjs').Row} Row */
/** @typedef {import('../study.mjs').Recipe} Recipe */

const half = { batchSize: 32, replaySize: 32 }
const final = {
  learn: { iterations: 500, batchSize: 64, replaySize: 64 },
  decode: { iterations: 250, ...half },
  memorize: { iterations: 500, ...half },
}
/** @type {Record<string, Recipe>} */
const tuning = { learn: { iterations: 250 }, decode: { iterations: 125 }, memorize: { iterations: 250 } }

const learn = { use: 'learn', ...final.learn }
const recall = { use: 'recall', perClass: 3000 }
const phases = {
  pixels: [recall, learn, 'memorize'],
  // the embedder learns in the first task, nearly by autoencoding alone, and is then frozen: what is compared is the memory
  learned: [
    recall,
    { ...learn, embedder: 'freeze-after-first', autoencode: 100 },
    { use: 'decode', ...final.decode },
    'memorize',
  ],
}

const spaces = {
  pixels: { title: 'GM', embedder: 'identity', head: { use: 'mlp', widths: [400, 400] }, phases: phases.pixels },
  cosine: {
    title: 'LGM, 64 cosine coefficients',
    embedder: { use: 'dct', coefficients: 64 },
    decoder: 'dct',
    head: { use: 'mlp', widths: [400, 400] },
    phases: phases.pixels,
  },
  learned: {
    title: 'LGM, embedder of the first task',
    embedder: { use: 'mlp', widths: [400], codes: 64, normalize: 'layer' },
    decoder: { use: 'mlp', widths: [400] },
    head: { use: 'mlp', widths: [400] },
    phases: phases.learned,
  },
}

/** @param {keyof typeof spaces} space @param {Parameters<typeof rowIn>[2]} kind */
const row = (space, kind) => rowIn(space, spaces[space], kind, final.memorize)

/**
 * A row of pixels whose generator, or recall, is changed to that of a published method.
 * @param {string} name @param {string} title @param {Parameters<typeof rowIn>[2]} kind @param {Recipe} change @param {Recipe} [more] of recall
 * @returns {Row}
 */
function published(name, title, kind, change, more = {}) {
  const { recipe, ...rest } = row('pixels', kind)
  return {
    ...rest,
    name,
    title,
    family: 'published, of pixels',
    recipe: (dial, given) => {
      const made = recipe(dial, given)
      return {
        ...made,
        generator: { .../** @type {Recipe} */ (made.generator), ...change },
        phases: [{ ...recall, ...more }, learn, 'memorize'],
      }
    },
  }
}

/**
 * The row of replay alignment: its dial is the weight of that, and its rate the one chosen for joint retraining. The published weight is
 * 0.03 with two old classes, and 0.008 with eight.
 * @param {Row} row @returns {Row}
 */
const aligned = row => ({
  ...row,
  strengths: [0.03, 0.1, 0.3, 1],
  after: 'mergan-jtr',
  recipe: (weight, rate) => {
    const made = row.recipe(rate, 0)
    return { ...made, generator: { .../** @type {Recipe} */ (made.generator), alignment: weight } }
  },
})

/** @type {Row[]} */
const rows = [
  published(
    'dgr',
    'DGR: unconditional VAE of pixels, labels by the classifier; β',
    'vae-bernoulli',
    { conditional: false, prior: 'standard' },
    { labels: 'classifier' },
  ),
  published('mergan-jtr', 'MeRGAN, joint retraining; rate', 'gan', { auxiliary: 1, retention: 'replay' }),
  aligned(published('mergan-ra', 'MeRGAN, replay alignment; weight', 'gan', { auxiliary: 1, retention: 'align' })),
  .../** @type {const} */ (['vae-bernoulli', 'gan']).map(kind => row('pixels', kind)),
  // the best of the common rates was the smallest
  { ...row('pixels', 'flow'), strengths: [3e-5, 1e-4, 3e-4, 1e-3] },
  .../** @type {const} */ (['gaussian', 'vae', 'gan', 'flow']).map(kind => row('cosine', kind)),
  .../** @type {const} */ (['gaussian', 'vae', 'gan', 'flow']).map(kind => row('learned', kind)),
]

const quality = {
  use: 'sample-quality',
  space: 'decoded',
  measures: ['frechet', 'cas', 'label-consistency'],
  samples: 10_000,
  classifier: { iterations: 250 },
  columns: 5,
}

/** @type {import('../study.mjs').Study} */
export const study = {
  name: 'generators-continual',
  columns: [
    { title: 'head, %', of: figure('ACC/head'), show: 'percents' },
    { title: 'forgetting, points', of: figure('forgetting/head'), show: 'percents' },
    { title: 'CAS, %', of: figure('mean-decoded-cas'), show: 'percents' },
    { title: 'Fréchet distance (dct64)', of: figure('decoded-frechet-dct64'), show: 'significant' },
    { title: 'label consistency, %', of: figure('mean-label-consistency'), show: 'percents' },
    { title: 'seconds to memorize', of: secondsIn('memorize'), show: 'seconds' },
    { title: 'seconds to learn', of: secondsIn('learn'), show: 'seconds' },
    { title: 'numbers of the generator', of: generatorNumbers, show: 'counts' },
  ],
  explanation:
    'Accuracy is the mean over tasks after the last, on test data. *CAS*, *Fréchet distance* and *label consistency* are of decoded samples of all classes after the last task: accuracy on test images of a classifier trained on samples alone, distance to test images, and share of samples that a classifier of real images puts into their class. They say nothing of DGR, whose generator knows no classes: the classifier names its samples.',
  scatter: {
    file: 'accuracy-and-seconds.svg',
    alt: 'Accuracy against seconds',
    says: 'Each number is a row of the tables below: its spot is the mean over seeds, the small dots are the seeds. Colours tell spaces apart. The seconds are those of the generator over all tasks, on one thread.',
    x: { title: 'seconds to memorize, all tasks (logarithmic)', of: secondsIn('memorize') },
    y: { title: 'accuracy (head), %', of: run => percent(figure('ACC/head')(run)) },
  },
  datasets: ['mnist', 'fashion-mnist'],
  same: { 'fashion-mnist': 'mnist' },
  figure: 'ACC/head',
  tuningSeed: 100,
  forTuning: recipe => ({
    ...recipe,
    stream: { .../** @type {object} */ (recipe.stream), validation: 0.1, measureOn: 'validation' },
    generator: withSteps(/** @type {Recipe} */ (recipe.generator), /** @type {Recipe} */ (tuning.memorize)),
    phases: /** @type {any[]} */ (recipe.phases).map(phase =>
      typeof phase === 'string' ? phase : { ...phase, ...tuning[phase.use] },
    ),
    evaluators: ['accuracy'],
  }),
  shared: {
    readout: 'head',
    stream: { use: 'split', tasks: 5 },
    evaluators: ['accuracy', quality],
    observers: ['console'],
  },
  rows,
}
