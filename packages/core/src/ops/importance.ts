import * as tf from '@tensorflow/tfjs'
import { createBreath } from '../breath.js'
import type { Examples, Params, Rng } from '../contracts.js'
import { expected } from '../errors.js'
import { range, upload } from '../examples.js'
import { mapParams } from '../params.js'
import { z } from '../point.js'
import { differentiate } from '../trainer.js'
import { rows } from './dense.js'
import { perExample } from './per-example.js'

/** The options of every regularizer that measures importances on the examples of a finished task. */
export const importanceOptions = {
  examples: z
    .union([z.literal('all'), z.int().positive()])
    .default('all')
    .describe('how many examples of the task importances are measured on, drawn at random'),
  batchSize: z
    .int()
    .positive()
    .default(500)
    .describe('examples per pass while importances are measured; 1 is exact for any network'),
}

/** What is differentiated, for each example of a task, and by what. */
export interface ExampleGradients {
  /** Who asks, for errors. */
  readonly where: string
  /** The parameters at which, and by which. */
  readonly params: Params
  /** To which power each gradient is raised. */
  readonly power: 1 | 2
  readonly examples: Examples
  /** How many examples, or all, and how many in a pass. */
  readonly settings: { readonly examples: number | 'all'; readonly batchSize: number }
  /** Draws the examples where they are not all. */
  readonly rng: Rng
  /** Examples `[n, ...]` → what the quantities depend on, such as logits: `[n, ...]`. */
  output(params: Params, x: tf.Tensor): tf.Tensor
  /** The quantities, from the outputs of the examples at `indices`, where they are constants: each maps outputs to a sum over examples. */
  quantities(output: tf.Tensor, indices: Int32Array): readonly ((output: tf.Tensor) => tf.Tensor)[]
  /** Hears how many examples are done. */
  notice(done: number, of: number): void
}

/**
 * meanₙ Σ_q |∂qₙ/∂θ|ᵖ over the examples n of a task and the quantities q: with p = 2 a Fisher diagonal, with p = 1 the Ω of MAS.
 * Each power is that of one example's gradient, never of a batch's, and is exact: one backward pass per batch and quantity. A
 * parameter that nothing depends on has zeros.
 *
 * @returns tensors of the shapes of `params`, which belong to the caller
 * @throws LgmError `composition` for a layer without gradients of single examples, where `batchSize` is more than 1
 */
export async function meanPerExample(of: ExampleGradients): Promise<Params> {
  const { params, examples, settings, rng, notice } = of
  const { count } = examples
  const indices =
    settings.examples === 'all' || settings.examples >= count
      ? range(0, count)
      : rng.permutation(count).subarray(0, settings.examples)
  const breathe = createBreath()
  let mean = mapParams(params, parameter => tf.zerosLike(parameter))
  for (let from = 0; from < indices.length; from += settings.batchSize) {
    const chosen = indices.subarray(from, from + settings.batchSize)
    const x = await upload(examples, chosen)
    if (from === 0) await checkLayers(of, x)
    const next = tf.tidy(() => {
      const sum = powerSum(of, x, of.quantities(of.output(params, x), chosen))
      return mapParams(mean, (tensor, name) => tensor.add(sum[name]!.div(indices.length))) as Params &
        tf.TensorContainer
    })
    tf.dispose([x, ...Object.values(mean)])
    mean = next
    notice(from + chosen.length, indices.length)
    await breathe()
  }
  return mean
}

/** Σₙ Σ_q |∂qₙ/∂θ|ᵖ; for one example simply the power of its gradient, which asks nothing of the layers. */
function powerSum(
  { params, power, output }: ExampleGradients,
  x: tf.Tensor,
  quantities: readonly ((output: tf.Tensor) => tf.Tensor)[],
): Params {
  const alone = x.shape[0] === 1
  let sum = mapParams(params, parameter => tf.zerosLike(parameter))
  for (const quantity of quantities) {
    const compute = () => {
      const { terms, gradients } = differentiate(params, () => ({
        quantity: quantity(output(params, x)).sum() as tf.Scalar,
      }))
      tf.dispose(terms)
      return gradients
    }
    const gradients = alone
      ? mapParams(compute(), gradient => (power === 2 ? gradient.square() : gradient.abs()))
      : perExample(power, compute)
    sum = mapParams(sum, (tensor, name) => (gradients[name] ? tensor.add(gradients[name]) : tensor))
  }
  return sum
}

/**
 * Checks on the first two examples that the sum over both at once is that of each alone. Differentiates Σₖ cos(k + 1) outputₖ, whose
 * gradient by the outputs never vanishes, however sure of itself the network has become.
 */
async function checkLayers(of: ExampleGradients, x: tf.Tensor): Promise<void> {
  if (x.shape[0]! < 2) return
  const names = Object.keys(of.params)
  const errors = tf.tidy(() => {
    const mixed = (output: tf.Tensor) => {
      const numbers = rows(output)
      return numbers.mul(tf.range(1, 1 + numbers.shape[1]).cos())
    }
    const sums = (from: number, count: number) => powerSum(of, x.slice(from, count), [mixed])
    const [both, one, other] = [sums(0, 2), sums(0, 1), sums(1, 1)]
    return tf.stack(
      names.map(name => {
        const apart = one[name]!.add(other[name]!)
        return tf.divNoNan(both[name]!.sub(apart).abs().max(), both[name]!.abs().max().add(apart.max()))
      }),
    )
  })
  const wrong = names[(await errors.data()).findIndex(error => error > 1e-3)]
  errors.dispose()
  if (wrong)
    throw expected(
      of.where,
      'layers made of dense and convolve of @lgm/core',
      `another one, which has no gradients of single examples, at ${wrong}`,
      'set batchSize: 1, which is exact for any network, and slow',
      'composition',
    )
}
