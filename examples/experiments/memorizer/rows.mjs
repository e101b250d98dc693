// The rows of the study: who stores the training data in how many bytes. All else is the same in all rows of a space: the head, its steps,
// and that it is trained on nothing but what is recalled.

/** @typedef {import('../study.mjs').Row} Row */
/** @typedef {import('../study.mjs').Recipe} Recipe */

const spaces = {
  dct: { of: '64 cosine coefficients', embedder: { use: 'dct', coefficients: 64 } },
  pixels: { of: 'pixels', embedder: { use: 'identity' } },
}

/**
 * @param {keyof typeof spaces} space @param {string} family @param {string} name @param {string} title
 * @param {Recipe} generator @param {Recipe} [more]
 * @returns {Row}
 */
const row = (space, family, name, title, generator, more = {}) => ({
  name: `${space}-${name}`,
  title,
  family,
  panel: spaces[space].of,
  recipe: () => ({ embedder: spaces[space].embedder, generator, ...more }),
})

/** @param {keyof typeof spaces} space @param {number} perClass */
const plain = (space, perClass) =>
  row(space, 'floats', `plain-${perClass}`, `plain buffer, ${perClass} a class`, { use: 'buffer', perClass })

/** @param {keyof typeof spaces} space @param {number} bits @param {number} [perClass] */
const quantized = (space, bits, perClass) =>
  row(
    space,
    'fewer bits',
    `${bits}-bits-${perClass ?? 'all'}`,
    `${bits} bits a number, ${perClass ? `${perClass} a class` : 'all'}`,
    // pixels have the bounds 0 and 1 all over the picture
    { use: 'buffer', bits, bounds: space === 'pixels' ? 'one' : 'each', ...(perClass && { perClass }) },
  )

/** @param {keyof typeof spaces} space @param {number} components @param {number} bits @param {number} [perClass] @param {Recipe} [more] */
const principal = (space, components, bits, perClass, more) =>
  row(
    space,
    more ? 'components, 5 tasks' : perClass ? 'components, fewer items' : 'components',
    `pca-${components}-${bits}-${perClass ?? 'all'}${more ? '-five' : ''}`,
    `${components} principal components of ${bits} bits, ${perClass ? `${perClass} a class` : 'all'}${more ? ', five tasks' : ''}`,
    { use: 'buffer', components, bits, ...(perClass && { perClass }) },
    more,
  )

/** Chosen by the recall error of 12,000 training images after 300 or 600 steps; see the README. */
const training = { iterations: 1500, batchSize: 512, optimizer: { rate: 0.01, schedule: 'cosine' } }

/** @param {keyof typeof spaces} space @param {number} codeSize @param {Recipe} [options] @param {string} [how] @param {Recipe} [more] */
const learned = (space, codeSize, options = {}, how = '', more) =>
  row(
    space,
    more ? 'memorizer, 5 tasks' : 'memorizer',
    `memorizer-${codeSize}${how.replaceAll(/[^\w]+/g, '-')}${more ? '-five' : ''}`,
    `memorizer, codes of ${codeSize} numbers of 4 bits${how}${more ? ', five tasks' : ''}`,
    { use: 'memorizer', codeSize, codeBits: 4, ...training, ...options },
    more,
  )

/** @param {keyof typeof spaces} space @param {readonly number[]} widths */
const hashed = (space, widths) =>
  row(space, 'hashed codes', `hashed-${widths.join('-')}`, `memorizer, hashed codes, ${widths.join(' and ')} units`, {
    use: 'memorizer',
    codes: 'hashed',
    codeSize: 64,
    widths,
    ...training,
  })

const five = { stream: { use: 'split', tasks: 5 } }

/** @type {Row[]} */
const rows = [
  plain('dct', 10),
  plain('dct', 40),
  plain('dct', 160),
  plain('dct', 6000),
  quantized('dct', 4, 320),
  quantized('dct', 2, 640),
  quantized('dct', 4, 1280),
  quantized('dct', 2),
  principal('dct', 16, 4, 1200),
  principal('dct', 8, 2),
  principal('dct', 8, 4),
  principal('dct', 16, 4),
  principal('dct', 24, 4),
  learned('dct', 4),
  learned('dct', 8),
  learned('dct', 16),
  learned('dct', 24),
  learned('dct', 16, { weightBits: 4 }, ', weights of 4 bits'),
  hashed('dct', [512, 512]),
  principal('dct', 16, 4, undefined, five),
  learned('dct', 16, {}, '', five),
  plain('pixels', 10),
  plain('pixels', 40),
  quantized('pixels', 2, 160),
  quantized('pixels', 2, 640),
  principal('pixels', 16, 4),
  learned('pixels', 16),
]

/** @type {import('../study.mjs').Study} */
export const study = {
  name: 'memorizer',
  datasets: ['mnist', 'fashion-mnist'],
  tradeOff: true,
  figure: 'ACC/head',
  tuningSeed: 100,
  forTuning: recipe => recipe,
  shared: {
    stream: { use: 'split', tasks: 1 },
    head: { use: 'mlp', widths: [400] },
    phases: [
      'memorize',
      { use: 'recall', classes: 'seen', perClass: 6000, limit: 60000 },
      {
        use: 'learn',
        iterations: 1000,
        batchSize: 1,
        replaySize: 128,
        replayWeight: 1,
        optimizer: { schedule: 'cosine' },
      },
    ],
    evaluators: ['accuracy'],
    observers: ['console'],
  },
  rows,
}
