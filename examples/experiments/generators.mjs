// What the studies of generators have in common: each kind with one dial, and four values of it to choose from on validation data.

/** @typedef {import('./study.mjs').Recipe} Recipe */
/** @typedef {import('./study.mjs').Row} Row */
/** @typedef {{ title: string, strengths: readonly number[], pixels: (dial: number) => Recipe, codes: (dial: number) => Recipe }} Kind */

const widths = [400, 400]
const schedule = 'cosine'
const optimizer = { rate: 0.001, schedule }
const rates = { gan: [1e-3, 3e-3, 1e-2, 3e-2], flow: [1e-4, 3e-4, 1e-3, 3e-3] }
/** Of what a decoder leaves out: of pixels from 0 to 1, and of codes, whose variance is about 1. */
const deviations = { pixels: [0.05, 0.1, 0.2, 0.4], codes: [0.2, 0.4, 0.8, 1.6] }

/**
 * @param {Recipe} of what all of its kind have in common @param {string} title with the name of the dial
 * @param {readonly number[]} strengths @param {(dial: number) => Recipe} dialled @param {Recipe} [pixels] what only pixels need
 * @returns {Kind}
 */
const kind = (of, title, strengths, dialled, pixels = {}) => ({
  title,
  strengths,
  pixels: dial => ({ ...of, ...dialled(dial), ...pixels }),
  codes: dial => ({ ...of, ...dialled(dial) }),
})

/** A VAE of codes whose prior is of this kind, given the label. @param {string} prior */
const vae = (prior, title = `VAE, prior: ${prior}`) =>
  kind({ use: 'vae', widths, optimizer, prior, latent: 16, noise: true }, `${title}; σ`, deviations.codes, sigma => ({
    sigma,
  }))

const adversarial = { use: 'gan', widths, criticSteps: 2 }
const withRate = (/** @type {number} */ rate) => ({ optimizer: { rate, beta1: 0, beta2: 0.9, schedule } })

const kinds = {
  gaussian: kind(
    { use: 'gaussian' },
    'Gaussian mixture; components',
    [5, 10, 20, 40],
    components => ({ components }),
    // of 784 numbers a full matrix each is out of reach
    { covariance: 'diagonal' },
  ),
  vae: vae('class', 'VAE'),
  'vae-gaussian': kind({ use: 'vae', widths, optimizer }, 'VAE, Gaussian pixels; σ', deviations.pixels, sigma => ({
    sigma,
  })),
  'vae-bernoulli': kind(
    { use: 'vae', widths, optimizer, likelihood: 'bernoulli' },
    'VAE, Bernoulli pixels; β',
    [0.1, 0.3, 1, 3],
    beta => ({ beta }),
  ),
  'vae-standard': vae('standard'),
  'vae-mixture': vae('mixture'),
  'vae-vamp': vae('vamp'),
  'vae-flow': vae('flow'),
  gan: kind(adversarial, 'GAN; rate', rates.gan, withRate, { output: 'sigmoid' }),
  flow: kind({ use: 'flow' }, 'flow; rate', rates.flow, rate => ({ optimizer: { rate, schedule } })),
}

/** A generator with a number of steps, if it learns by steps. @param {Recipe} generator @param {Recipe} steps @returns {Recipe} */
export const withSteps = (generator, steps) => (generator.use === 'gaussian' ? generator : { ...generator, ...steps })

/**
 * The row of a kind of generator in a space, `pixels` or another; `title` is that of the space, and the rest stands in the recipe.
 * @param {string} space @param {Recipe & { title: string }} pipeline @param {keyof typeof kinds} name @param {Recipe} steps
 * @returns {Row}
 */
export function rowIn(space, { title, ...pipeline }, name, steps) {
  const kind = kinds[name]
  const made = space === 'pixels' ? kind.pixels : kind.codes
  return {
    name: `${space}-${name}`,
    title: `${title}: ${kind.title}`,
    family: title,
    strengths: kind.strengths,
    recipe: dial => ({ ...pipeline, generator: withSteps(made(dial), steps) }),
  }
}
