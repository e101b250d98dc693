// What is measured, and what of it does not depend on who computes it.

/** @typedef {'mlp' | 'vae' | 'cnn'} Workload */
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

/** @type {Readonly<Record<Workload, string>>} */
export const titles = {
  mlp: 'MLP 784-400-400-10',
  vae: 'VAE 784-400-400-2×100, 100-400-400-784',
  cnn: 'CNN 3×3×16, 3×3×32, 64, 10',
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
}

/**
 * Operations in the products of one step, two for each multiplication: forward, by the weights, and by the inputs of all
 * layers but the first, which are data.
 * @param {Workload} workload
 */
export function operations(workload) {
  const each = layers[workload].map(
    ([inputs = 0, outputs = 0, positions = 1]) => 2 * batchSize * positions * inputs * outputs,
  )
  const all = each.reduce((sum, one) => sum + one, 0)
  return 3 * all - (each[0] ?? 0)
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
