// The rows of the study: who keeps the embedder from forgetting, and how. Everything else is the same in all rows: networks, generator,
// iterations, batches, optimizer, and seven strengths a decade apart to choose from where a method has one, with two more above where the best
// of seven was the largest.

import { figure, figureLike, percent } from '../columns.mjs'

/** @typedef {import('../study.mjs').Row} Row */

/** Strengths a decade apart from 10^low. @param {number} low */
const decades = (low, count = 7) => Array.from({ length: count }, (_, i) => Number(`1e${low + i}`))
/** Two more, because of seven the largest was the best on validation data of MNIST. */
const extended = 9

/**
 * @param {{ learn?: Record<string, unknown>, migrate?: 'round-trip' | 'displacement' }} [changes]
 */
const phases = ({ learn = {}, migrate } = {}) => [
  { use: 'recall', perClass: 3000 },
  { use: 'learn', iterations: 400, ...learn },
  ...(migrate ? [{ use: 'migrate', mode: migrate }] : []),
  { use: 'decode', iterations: 150 },
  { use: 'learn', iterations: 200, embedder: 'freeze', regularize: false },
  'memorize',
  'consolidate',
]

const held = { protect: 'embedder' }
/** Old classes are fitted to recall again where recall migrates. */
const following = { generator: { use: 'gaussian', components: 20, retention: 'refit' } }
const unheld = (/** @type {Parameters<typeof phases>[0]} */ changes = {}) =>
  phases(changes).filter(phase => phase !== 'consolidate')

/**
 * A row with one regularizer of some strength.
 * @param {string} name @param {string} title @param {readonly number[]} strengths @param {Record<string, unknown>} regularizer
 * @returns {Row}
 */
const tuned = (name, title, strengths, regularizer) => ({
  name,
  title,
  strengths,
  recipe: strength => ({ regularizers: [{ ...regularizer, strength }], phases: phases() }),
})

/**
 * The same while E also learns to autoencode, with the weight that was best without a regularizer: alone, or with decoded rehearsal.
 * @param {string} name @param {string} title @param {readonly number[]} strengths @param {Record<string, unknown>} regularizer
 * @param {{ decoded?: number, migrate?: 'round-trip' | 'displacement' }} [changes]
 * @returns {Row}
 */
const tunedJoint = (name, title, strengths, regularizer, { decoded = 0, migrate } = {}) => ({
  name,
  title,
  strengths,
  after: decoded > 0 ? 'no-regularizer' : 'joint-ae',
  recipe: (strength, autoencode) => ({
    regularizers: [{ ...regularizer, strength }],
    phases: phases({ learn: { autoencode, decoded }, ...(migrate && { migrate }) }),
    ...(migrate && following),
  }),
})

const roundTrip = { use: 'ae-distillation', target: 'round-trip' }
const rehearsed = { decoded: 0.5 }

/**
 * The phases of a recipe with other numbers of steps: of `learn`, of `decode`, and of the head alone.
 * @param {Record<string, unknown>} recipe @param {{ learn: number, decode: number, refit: number }} steps
 */
const withSteps = ({ phases }, { learn, decode, refit }) =>
  /** @type {any[]} */ (phases).map(phase => {
    if (phase.use === 'decode') return { ...phase, iterations: decode }
    if (phase.use !== 'learn') return phase
    return { ...phase, iterations: phase.embedder === 'freeze' ? refit : learn }
  })

/** @type {Row[]} */
const rows = [
  { name: 'nothing', title: 'nothing', recipe: () => ({ phases: unheld() }) },
  {
    name: 'lossless-memory',
    title: 'lossless memory of old codes',
    recipe: () => ({ generator: { use: 'buffer' }, phases: unheld() }),
  },
  tuned('l2', 'L2 to the last parameters', decades(-2, extended), { use: 'l2', ...held }),
  { ...tuned('ewc', 'EWC', decades(6), { use: 'ewc', ...held }), everywhere: true },
  { ...tuned('mas', 'MAS', decades(0, extended), { use: 'mas', ...held }), everywhere: true },
  { ...tuned('si', 'SI', decades(1), { use: 'si', ...held }), everywhere: true },
  {
    name: 'a-gem',
    title: 'A-GEM on decoded recall',
    recipe: () => ({ regularizers: [{ use: 'a-gem', memory: 'decoded', ...held }], phases: phases() }),
  },
  tuned('feature-distillation', 'feature distillation', decades(-3), { use: 'feature-distillation' }),
  tuned('ae-latent', 'AE distillation, target u', decades(-3), { use: 'ae-distillation', target: 'latent' }),
  tuned('ae-round-trip', 'AE distillation, target E(D(u))', decades(-3, extended), roundTrip),
  {
    name: 'joint-ae',
    title: 'joint AE alone',
    strengths: decades(-4, extended),
    recipe: autoencode => ({ phases: unheld({ learn: { autoencode } }) }),
  },
  { ...tunedJoint('ewc-joint', 'joint AE + EWC', decades(6), { use: 'ewc', ...held }), everywhere: true },
  { ...tunedJoint('mas-joint', 'joint AE + MAS', decades(0, extended), { use: 'mas', ...held }), everywhere: true },
  tunedJoint('ae-joint', 'joint AE + AE distillation', decades(-3, extended), roundTrip),
  tunedJoint('ae-joint-migrate', 'the same + migration, round trip', decades(-3), roundTrip, { migrate: 'round-trip' }),
  tunedJoint('ae-joint-displace', 'the same + migration, displacement', decades(-3), roundTrip, {
    migrate: 'displacement',
  }),
  tunedJoint('ae-joint-decoded', 'joint AE + AE distillation + decoded rehearsal', decades(-3), roundTrip, rehearsed),
  tunedJoint('all', 'the same + migration, displacement', decades(-3), roundTrip, {
    ...rehearsed,
    migrate: 'displacement',
  }),
  {
    name: 'no-regularizer',
    title: 'joint AE + decoded rehearsal + displacement, no regularizer',
    strengths: decades(-4),
    recipe: autoencode => ({
      phases: unheld({ learn: { autoencode, ...rehearsed }, migrate: 'displacement' }),
      ...following,
    }),
  },
  {
    name: 'frozen',
    title: 'embedder frozen after the first task, joint AE',
    strengths: decades(-4, extended),
    recipe: autoencode => ({ phases: unheld({ learn: { autoencode, embedder: 'freeze-after-first' } }) }),
  },
  {
    name: 'longer',
    title: 'the best of rows 12 to 19 on validation data, more steps',
    recipe: () => ({}),
    best: [
      'ewc-joint',
      'mas-joint',
      'ae-joint',
      'ae-joint-migrate',
      'ae-joint-displace',
      'ae-joint-decoded',
      'all',
      'no-regularizer',
    ],
    change: recipe => ({ ...recipe, phases: withSteps(recipe, { learn: 1000, decode: 400, refit: 1500 }) }),
  },
  {
    name: 'joint',
    title: 'joint: all classes in one task',
    recipe: () => ({
      stream: { use: 'split', tasks: 1 },
      phases: [{ use: 'learn', iterations: 3000 }, { use: 'decode', iterations: 750 }, 'memorize'],
    }),
  },
]

/** The pipeline of all rows. */
const shared = {
  readout: 'head',
  temperature: 4,
  stream: { use: 'split', tasks: 5 },
  embedder: { use: 'mlp', widths: [400], codes: 64, normalize: 'layer' },
  decoder: { use: 'mlp', widths: [400] },
  head: { use: 'mlp', widths: [400] },
  generator: { use: 'gaussian', components: 20 },
  evaluators: ['accuracy', 'drift'],
  observers: ['console'],
}

/** @param {Record<string, unknown>} generator */
const withFewerComponents = generator => (generator.use === 'gaussian' ? { ...generator, components: 5 } : generator)

const drift = figure('mean-drift-within-class-variance')

/** @type {import('../study.mjs').Study} */
export const study = {
  name: 'embedder-drift',
  columns: [
    { title: 'head, %', of: figure('ACC/head'), show: 'percents' },
    { title: 'bayes, %', of: figure('ACC/bayes'), show: 'percents' },
    { title: 'ensemble, %', of: figure('ACC/ensemble'), show: 'percents' },
    { title: 'forgetting, points', of: figure('forgetting/head'), show: 'percents' },
    { title: 'drift, within class', of: drift, show: 'significant' },
    { title: 'CKA', of: figure('mean-cka'), show: 'significant' },
    { title: 'round-trip error', of: figure('mean-round-trip-error'), show: 'significant' },
    { title: 'penalty’s share of gradient, %', of: figureLike(/^regularizer\/.+\/share$/), show: 'percents' },
  ],
  explanation:
    'Accuracy is the mean over tasks after the last, on test data. *Drift, within class*: mean ‖E(x) − E_j(x)‖² on test data of task j, over the variance of E_j(x) within classes, where E_j is the embedder just after task j and E the last; *CKA*: linear similarity of the same codes; both are means over all tasks but the last. *Round-trip error*: Σ ‖u − E(D(u))‖² / Σ ‖u‖² with u = E(x), of the same tasks. *Penalty’s share of gradient*: in the last task.',
  scatter: {
    file: 'accuracy-and-drift.svg',
    alt: 'Accuracy against drift',
    says: 'Each number is a row of the tables below: its spot is the mean over seeds, the small dots are the seeds. Colours tell regularizers apart; grey rows have none. At the left the embedder has hardly moved. A dashed level is a row without drift, because it has but one task.',
    x: { title: 'drift of the embedder, in variances within classes (logarithmic)', of: drift },
    y: { title: 'accuracy (head), %', of: run => percent(figure('ACC/head')(run)) },
  },
  datasets: ['mnist', 'fashion-mnist'],
  near: { 'fashion-mnist': 'mnist' },
  figure: 'ACC/head',
  tuningSeed: 100,
  forTuning: recipe => ({
    ...recipe,
    stream: { .../** @type {object} */ (recipe.stream), validation: 0.1, measureOn: 'validation', limit: 2000 },
    generator: withFewerComponents(/** @type {Record<string, unknown>} */ (recipe.generator)),
    phases: withSteps(recipe, { learn: 200, decode: 60, refit: 100 }).map(phase =>
      phase.use === 'recall' ? { ...phase, perClass: 1000 } : phase,
    ),
  }),
  shared,
  rows,
}
