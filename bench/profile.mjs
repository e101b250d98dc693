// Where the time of the framework's steps goes: by part of the step, and within each by kind of work.
import { tf } from './engine.mjs'
import { window } from './workloads.mjs'

/** @typedef {'upload' | 'forward' | 'backward' | 'update'} Part */
/** @typedef {{ total: number, products: number, kernels: number, calls: number }} Share milliseconds, and how many kernels were called */

/** @type {readonly Part[]} */
const parts = ['upload', 'forward', 'backward', 'update']
const isProduct = /MatMul|Conv2D|LgmDense|LgmConvolve/

/** Who hears of every kernel that was run. @type {(name: string, milliseconds: number) => void} */
let hear = () => {}
let timed = false

/** Times every kernel of the engine from now on, without those it calls. */
function timeKernels() {
  if (timed) return
  timed = true
  /** @type {number[]} milliseconds of the kernels called by each kernel under way */
  const inside = []
  for (const kernel of tf.getKernelsForBackend(tf.getBackend())) {
    tf.unregisterKernel(kernel.kernelName, kernel.backendName)
    tf.registerKernel({
      ...kernel,
      kernelFunc: (/** @type {unknown} */ parameters) => {
        inside.push(0)
        const start = performance.now()
        try {
          return kernel.kernelFunc(parameters)
        } finally {
          const took = performance.now() - start
          hear(kernel.kernelName, took - (inside.pop() ?? 0))
          if (inside.length > 0) inside[inside.length - 1] = (inside.at(-1) ?? 0) + took
        }
      },
    })
  }
}

/**
 * What the parts of a step take: its batch, the loss, the gradients, and the update of the parameters with the rest of the
 * trainer, which releases tensors, reads losses and tells observers. Each as the lower quartile over the steps, since
 * interruptions by other programs only ever add.
 * @param {(change: (fit: import('@lgm/core').Fit) => import('@lgm/core').Fit, steps: number) => Promise<unknown>} run
 *   trains for some steps, with the fit that it is given to change
 * @param {number} steps
 * @returns {Promise<{ parts: Record<Part, Share>, kernels: Record<string, { milliseconds: number, calls: number }> }>}
 */
export async function profile(run, steps) {
  timeKernels()
  /** @type {Record<Part, Share>[]} */
  const taken = []
  /** @type {Record<string, { milliseconds: number, calls: number }>[]} */
  const kernels = []
  /** @type {Part} */
  let part = 'update'
  let since = performance.now()
  const enter = (/** @type {Part} */ next) => {
    const now = performance.now()
    const step = taken.at(-1)
    if (step) step[part].total += now - since
    part = next
    since = now
  }
  hear = (name, milliseconds) => {
    const share = taken.at(-1)?.[part]
    const kernel = kernels.at(-1)
    if (!share || !kernel) return
    share[isProduct.test(name) ? 'products' : 'kernels'] += milliseconds
    share.calls++
    kernel[name] ??= { milliseconds: 0, calls: 0 }
    kernel[name].milliseconds += milliseconds
    kernel[name].calls++
  }
  await run(
    fit => ({
      ...fit,
      batch: async () => {
        enter('upload')
        taken.push(/** @type {Record<Part, Share>} */ (Object.fromEntries(parts.map(name => [name, none()]))))
        kernels.push({})
        const batch = await fit.batch()
        enter('forward')
        return batch
      },
      loss: (params, batch) => {
        const terms = fit.loss(params, batch)
        enter('backward')
        return terms
      },
      project: gradients => {
        enter('update')
        return gradients
      },
    }),
    steps,
  )
  enter('update')
  hear = () => {}
  const measured = taken.slice(window)
  const share = (/** @type {Part} */ name) =>
    Object.fromEntries(
      /** @type {(keyof Share)[]} */ (['total', 'products', 'kernels', 'calls']).map(key => [
        key,
        lowerQuartile(measured.map(step => step[name][key])),
      ]),
    )
  const names = new Set(kernels.flatMap(step => Object.keys(step)))
  return {
    parts: /** @type {Record<Part, Share>} */ (Object.fromEntries(parts.map(name => [name, share(name)]))),
    kernels: Object.fromEntries(
      [...names].map(name => {
        const steps = kernels.slice(window).map(step => step[name] ?? { milliseconds: 0, calls: 0 })
        return [
          name,
          {
            milliseconds: lowerQuartile(steps.map(step => step.milliseconds)),
            calls: lowerQuartile(steps.map(step => step.calls)),
          },
        ]
      }),
    ),
  }
}

const none = () => ({ total: 0, products: 0, kernels: 0, calls: 0 })

/** @param {number[]} values */
function lowerQuartile(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? 0
}
