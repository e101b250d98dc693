// What is measured, and what of it does not depend on who computes it.

/** @typedef {'mlp' | 'vae' | 'cnn' | 'gan' | 'gan-free'} Workload */
/** @typedef {{ seconds: number, cpu: number }} Time of one block: wall clock, and processor time of the whole process */

/** Examples of a step, and Adam's rate; β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸. */
export const batchSize = 128
export const rate = 1e-3

/** Steps between two readings of the loss: as many as in the framework's trainer. The first of a block warm it up. */
export const window = 20

/** Units of the classifier's hidden layers. */
export const widths = [400, 400]

/** Numbers in the VAE's z; its encoder and decoder have `widths`. */
export const latent = 100

/** Filters of the CNN's convolutions, 3 × 3 with stride 2, and numbers in its code. */
export const filters = [16, 32]
export const codes = 64

/** Updates of the GAN's critic for each of its generator, as in the paper. */
export const criticSteps = 5

/** What is written for the framework alone: its steps are compared with each other. @type {readonly Workload[]} */
export const ours = ['gan', 'gan-free']

/** @type {Readonly<Record<Workload, string>>} */
export const titles = {
  mlp: 'MLP 784-400-400-10',
  vae: 'VAE 784-400-400-2×100, 100-400-400-784',
  cnn: 'CNN 3×3×16, 3×3×32, 64, 10',
  gan: 'WGAN-GP 110-400-400-784, 794-400-400-1, 5 critic steps',
  'gan-free': 'the same without penalty, hinge loss',
}

/** Inputs and outputs of the layers, in order: fully connected ones, or the output positions of convolutions too. */
const layers = {
  mlp: [
    [784, 400],
    [400, 400],
    [400, 10],
  ],
  vae: [
    [784, 400],
    [400, 400],
    [400, 200],
    [100, 400],
    [400, 400],
    [400, 784],
  ],
  cnn: [
    [9, 16, 14 * 14],
    [9 * 16, 32, 7 * 7],
    [1568, 64],
    [64, 10],
  ],
  generator: [
    [110, 400],
    [400, 400],
    [400, 784],
  ],
  critic: [
    [794, 400],
    [400, 400],
    [400, 1],
  ],
}

/**
 * Operations in the products of one step, two for each multiplication: forward, by the weights, and by the inputs of all
 * layers but the first, which are data.
 * @param {Workload} workload
 */
export function operations(workload) {
  if (workload === 'gan' || workload === 'gan-free') return ofGan(workload === 'gan')
  const { all, first } = products(layers[workload])
  return 3 * all - first
}

/** Operations of the products of all layers, forward, and of the first. @param {readonly number[][]} of */
function products(of) {
  const each = of.map(([inputs = 0, outputs = 0, positions = 1]) => 2 * batchSize * positions * inputs * outputs)
  return { all: each.reduce((sum, one) => sum + one, 0), first: each[0] ?? 0 }
}

/**
 * The critic's steps, each on real and made examples, which are generated first; its penalty goes through all layers four times. Then
 * the generator's, back through the critic's inputs.
 * @param {boolean} penalized
 */
function ofGan(penalized) {
  const generator = products(layers.generator)
  const critic = products(layers.critic)
  const ofCritic = generator.all + 2 * (3 * critic.all - critic.first) + (penalized ? 4 * critic.all : 0)
  return criticSteps * ofCritic + 3 * generator.all - generator.first + 2 * critic.all
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

/** Starts the watch after the first `window` steps and stops it at the end. */
export class Watch {
  #start = performance.now()
  #cpu = process.cpuUsage()

  start() {
    this.#start = performance.now()
    this.#cpu = process.cpuUsage()
  }

  /** @returns {Time} since the start */
  read() {
    const { user, system } = process.cpuUsage(this.#cpu)
    return { seconds: (performance.now() - this.#start) / 1000, cpu: (user + system) / 1e6 }
  }
}
