// The same training steps by hand, as one writes them with TensorFlow.js alone: variables and tf.train.adam.

import { Dataset } from '@lgm/core'
import { mnist } from '@lgm/dataset-mnist'
import { composeParts } from '@lgm/testing'
import { tf } from './engine.mjs'
import { batchSize, codes, filters, latent, rate, Watch, widths, window } from './workloads.mjs'

const pixels = 784
const classes = 10

/** @param {number[]} shape */
const weights = shape => {
  const inputs = shape.slice(0, -1).reduce((product, side) => product * side, 1)
  return tf.variable(tf.randomUniform(shape, -Math.sqrt(6 / inputs), Math.sqrt(6 / inputs)))
}

/** @param {number[]} sizes */
const denseLayers = sizes =>
  sizes.slice(1).map((size, layer) => [weights([sizes[layer] ?? 0, size]), tf.variable(tf.zeros([size]))])

/** ReLU between the layers. @param {any[][]} layers @param {any} x */
const apply = (layers, x) =>
  layers.reduce((u, [kernel, bias], layer) => {
    const affine = u.matMul(kernel).add(bias)
    return layer + 1 < layers.length ? affine.relu() : affine
  }, x)

const networks = {
  mlp() {
    const layers = denseLayers([pixels, ...widths, classes])
    return (/** @type {any} */ x, /** @type {any} */ y) => tf.losses.softmaxCrossEntropy(y, apply(layers, x))
  },
  cnn() {
    const [first = 0, second = 0] = filters
    const kernels = [weights([3, 3, 1, first]), weights([3, 3, first, second])]
    const biases = [first, second].map(count => tf.variable(tf.zeros([count])))
    const layers = denseLayers([7 * 7 * second, codes, classes])
    return (/** @type {any} */ x, /** @type {any} */ y) => {
      let map = x.reshape([batchSize, 28, 28, 1])
      kernels.forEach((kernel, i) => {
        map = tf.conv2d(map, kernel, 2, 'same').add(biases[i]).relu()
      })
      return tf.losses.softmaxCrossEntropy(y, apply(layers, map.reshape([batchSize, -1])))
    }
  },
  vae() {
    const encoder = denseLayers([pixels, ...widths, 2 * latent])
    const decoder = denseLayers([latent, ...widths.toReversed(), pixels])
    return (/** @type {any} */ x) => {
      const [mean, logVariance] = tf.split(apply(encoder, x), 2, 1)
      const z = mean.add(
        logVariance
          .mul(0.5)
          .exp()
          .mul(tf.randomNormal([batchSize, latent])),
      )
      const logits = apply(decoder, z)
      const reconstruction = logits.softplus().sub(logits.mul(x)).sum(1)
      const divergence = logVariance.exp().add(mean.square()).sub(logVariance).sub(1).sum(1).mul(0.5)
      return reconstruction.add(divergence).mean()
    }
  },
}

/** @returns {Promise<(workload: import('./workloads.mjs').Workload, steps: number) => Promise<import('./workloads.mjs').Time>>} */
export async function minimalSteps() {
  const { train } = (await composeParts([mnist()]).one(Dataset)?.load()) ?? {}
  if (!train) throw new Error('MNIST: expected images, got none')
  const images = await train.read(Int32Array.from({ length: train.count }, (_, i) => i))

  return async (workload, steps) => {
    const watch = new Watch()
    const make = /** @type {Partial<Record<typeof workload, () => (x: any, y: any) => any>>} */ (networks)[workload]
    if (!make) throw new Error(`${workload}: expected mlp, vae or cnn`)
    const loss = make()
    const adam = tf.train.adam(rate)
    const order = tf.util.createShuffledIndices(train.count)
    let at = 0
    for (let step = 1; step <= window + steps; step++) {
      const rows = new Float32Array(batchSize * pixels)
      const labels = new Int32Array(batchSize)
      for (let i = 0; i < batchSize; i++) {
        const index = order[at++ % train.count] ?? 0
        rows.set(images.subarray(index * pixels, (index + 1) * pixels), i * pixels)
        labels[i] = train.labels[index] ?? 0
      }
      const value = tf.tidy(() => {
        const x = tf.tensor2d(rows, [batchSize, pixels])
        const y = tf.oneHot(tf.tensor1d(labels, 'int32'), classes)
        return adam.minimize(() => loss(x, y), true)
      })
      if (step % window === 0) await value.data()
      value.dispose()
      if (step === window) watch.start()
    }
    const time = watch.read()
    adam.dispose()
    tf.disposeVariables()
    return time
  }
}
