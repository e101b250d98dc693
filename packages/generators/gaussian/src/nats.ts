import { type Examples, indicesByLabel } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { type Components, logJoint, rowsAtOnce, uploadWhitening, whiten } from './components.js'

/** How many codes of a class are looked at, evenly spaced. */
const looked = 1000

/** The mean of −log p(u | y) in nats over codes, each class counted as often as it has codes. */
export async function meanNats(codes: Examples, componentsOf: (label: number) => Components): Promise<number> {
  let sum = 0
  for (const [label, indices] of indicesByLabel(codes.labels)) {
    const count = Math.min(looked, indices.length)
    const chosen = Int32Array.from({ length: count }, (_, i) => indices[Math.floor((i * indices.length) / count)]!)
    const values = await codes.read(chosen)
    sum += (await sumOfNats(values, componentsOf(label))) * (indices.length / count)
  }
  return sum / codes.count
}

async function sumOfNats(rows: Float32Array, components: Components): Promise<number> {
  const { d } = components
  const whitening = whiten([components])
  const uploaded = uploadWhitening(whitening)
  const chunk = rowsAtOnce(whitening) * d
  let sum = 0
  for (let from = 0; from < rows.length; from += chunk) {
    const part = rows.subarray(from, from + chunk)
    const nats = tf.tidy(() =>
      logJoint(tf.tensor2d(part, [part.length / d, d]), whitening, uploaded)
        .logSumExp(1)
        .sum(),
    )
    sum -= (await nats.data())[0]!
    nats.dispose()
  }
  tf.dispose([uploaded.scale, uploaded.offset, uploaded.constant, uploaded.centre])
  return sum
}
