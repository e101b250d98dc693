// The rows of the study: the same generators as memory, of pixels (GM) and of codes (LGM), and published methods of pixels beside them. The
// same classifier, and the same steps and batches of classifier and generator, in all rows.

import { figure, generatorNumbers, percent, secondsIn } from '../columns.mjs'
import { kinds } from '../generators.mjs'

/** @typedef {import('../study.mjs').Row} Row */
/** @typedef {import('../study.mjs').Recipe} Recipe */

const steps = { learn: 1000, decode: 400, memorize: 1000 }
const tuningSteps = { learn: 300, decode: 150, memorize: 400 }

const learn = { use: 'learn', iterations: steps.learn }
const recall = { use: 'recall', perClass: 3000 }
const phases = {
  pixels: [recall, learn, 'memorize'],
  // the embedder learns in the first task, nearly by autoencoding alone, and is then frozen: what is compared is the memory
  learned: [
    recall,
    { ...learn, embedder: 'freeze-after-first', autoencode: 100 },
    { use: 'decode', iterations: steps.decode },
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

/** @param {Recipe} generator @param {number} iterations */
const withSteps = (generator, iterations) => (generator.use === 'gaussian' ? generator : { ...generator, iterations })

/** @param {keyof typeof spaces} space @param {keyof typeof kinds} name @returns {Row} */
function row(space, name) {
  const { title, ...pipeline } = spaces[space]
  const kind = kinds[name]
  return {
    name: `${space}-${name}`,
    title: `${title}: ${kind.title}`,
    family: title,
    strengths: kind.strengths,
    recipe: dial => ({
      ...pipeline,
      generator: withSteps(space === 'pixels' ? kind.pixels(dial) : kind.codes(dial), steps.memorize),
    }),
  }
}

/** @param {string} name @param {string} title @param {readonly number[]} strengths @param {(dial: number) => Recipe} generator @param {Recipe} [more] of recall */
const published = (name, title, strengths, generator, more = {}) => {
  const { title: _, ...pipeline } = spaces.pixels
  return {
    name,
    title,
    family: 'published, of pixels',
    strengths,
    recipe: (/** @type {number} */ dial) => ({
      ...pipeline,
      generator: withSteps(generator(dial), steps.memorize),
      phases: [{ ...recall, ...more }, learn, 'memorize'],
    }),
  }
}

const widths = [400, 400]
/** @param {string} retention @param {number} rate */
const mergan = (retention, rate) => ({ ...kinds.gan.pixels(rate), auxiliary: 1, retention })

/** @type {Row[]} */
const rows = [
  published(
    'dgr',
    'DGR: VAE of pixels, labels by the classifier; β',
    kinds['vae-bernoulli'].strengths,
    beta => ({ use: 'vae', widths, likelihood: 'bernoulli', conditional: false, beta }),
    { labels: 'classifier' },
  ),
  published('mergan-jtr', 'MeRGAN, joint retraining; rate', kinds.gan.strengths, rate => mergan('replay', rate)),
  published('mergan-ra', 'MeRGAN, replay alignment; rate', kinds.gan.strengths, rate => mergan('align', rate)),
  .../** @type {const} */ (['vae-bernoulli', 'gan', 'flow']).map(kind => row('pixels', kind)),
  .../** @type {const} */ (['gaussian', 'vae', 'gan', 'flow']).map(kind => row('cosine', kind)),
  .../** @type {const} */ (['gaussian', 'vae', 'gan', 'flow']).map(kind => row('learned', kind)),
]

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
    { title: 'numbers of the generator', of: generatorNumbers, show: 'significant' },
  ],
  explanation:
    'Accuracy is the mean over tasks after the last, on test data. *CAS*, *Fréchet distance* and *label consistency* are of decoded samples of all classes after the last task: accuracy on test images of a classifier trained on samples alone, distance to test images, and share of samples that a classifier of real images puts into their class.',
  scatter: {
    file: 'accuracy-and-seconds.svg',
    alt: 'Accuracy against seconds',
    says: 'Each number is a row of the tables below: its spot is the mean over seeds, the small dots are the seeds. Colours tell spaces apart. The seconds are those of the generator over all tasks, on one thread.',
    x: { title: 'seconds to memorize, all tasks (logarithmic)', of: secondsIn('memorize') },
    y: { title: 'accuracy (head), %', of: run => percent(figure('ACC/head')(run)) },
  },
  datasets: ['mnist', 'fashion-mnist'],
  near: { 'fashion-mnist': 'mnist' },
  figure: 'ACC/head',
  tuningSeed: 100,
  forTuning: recipe => ({
    ...recipe,
    stream: { .../** @type {object} */ (recipe.stream), validation: 0.1, measureOn: 'validation' },
    generator: withSteps(/** @type {Recipe} */ (recipe.generator), tuningSteps.memorize),
    phases: /** @type {any[]} */ (recipe.phases).map(phase =>
      phase.use === 'learn' || phase.use === 'decode'
        ? { ...phase, iterations: tuningSteps[/** @type {'learn' | 'decode'} */ (phase.use)] }
        : phase,
    ),
    evaluators: ['accuracy'],
  }),
  shared: {
    readout: 'head',
    stream: { use: 'split', tasks: 5 },
    evaluators: ['accuracy', { use: 'sample-quality', space: 'decoded', columns: 5 }],
    observers: ['console'],
  },
  rows,
}
