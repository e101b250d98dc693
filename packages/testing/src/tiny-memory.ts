import {
  checkKnown,
  checkShape,
  Decoder,
  definePlugin,
  type Examples,
  Generator,
  indicesByLabel,
  inject,
  type Params,
  Rng,
  type State,
  sizeOf,
  uniformWeights,
  z,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'

/** Parameters `kernel` `[code, ...example]` and `bias` `[...example]`. */
class TinyDecoder implements Decoder {
  init(codeShape: readonly number[], exampleShape: readonly number[], rng: Rng): Params {
    const inputs = sizeOf(codeShape)
    return {
      kernel: uniformWeights([inputs, ...exampleShape], inputs, count => rng.uniform(count)),
      bias: tf.tensor(
        rng.normal(sizeOf(exampleShape)).map(value => 0.1 * value),
        [...exampleShape],
      ),
    }
  }

  decode({ kernel, bias }: Params, u: tf.Tensor): tf.Tensor {
    const [count, inputs] = [u.shape[0]!, kernel!.shape[0]!]
    return tf.tidy(() => {
      const rows = tf.matMul(u.reshape([count, inputs]), kernel!.reshape([inputs, -1]))
      return rows.reshape([count, ...bias!.shape]).add(bias!)
    })
  }
}

const spread = 0.1

/** Keeps the mean of each class in every task that had it, draws one of them, and adds normal deviates of 0.1. */
class TinyGenerator implements Generator {
  readonly #rng: Rng
  readonly #means = new Map<number, Float32Array[]>()
  #shape: readonly number[] | undefined

  constructor(@inject(Rng) rng: Rng) {
    this.#rng = rng
  }

  async memorize(fresh: Examples): Promise<void> {
    this.#shape ??= fresh.shape
    checkShape('generator "tiny"', this.#shape, fresh)
    const size = sizeOf(fresh.shape)
    for (const [label, indices] of indicesByLabel(fresh.labels)) {
      const mean = new Float32Array(size)
      for (const [i, value] of (await fresh.read(indices)).entries()) mean[i % size]! += value / indices.length
      this.#means.set(label, [...(this.#means.get(label) ?? []), mean])
    }
  }

  sample(labels: Int32Array): tf.Tensor {
    checkKnown('generator "tiny"', this.#means, labels)
    const shape = this.#shape!
    const size = sizeOf(shape)
    const values = this.#rng.normal(labels.length * size)
    for (const [row, label] of labels.entries()) {
      const means = this.#means.get(label)!
      const mean = means[this.#rng.integers(1, means.length)[0]!]!
      for (let i = 0; i < size; i++) values[row * size + i] = mean[i]! + spread * values[row * size + i]!
    }
    return tf.tensor(values, [labels.length, ...shape])
  }

  state(): State {
    const tensors: Record<string, tf.Tensor> = {}
    for (const [label, means] of this.#means)
      for (const [k, mean] of means.entries()) tensors[`${label}/${k}`] = tf.tensor(mean, [...this.#shape!])
    return { tensors, values: {} }
  }

  restore({ tensors }: State): void {
    this.#means.clear()
    this.#shape = Object.values(tensors)[0]?.shape
    for (const [name, tensor] of Object.entries(tensors)) {
      const label = Number(name.split('/')[0])
      this.#means.set(label, [...(this.#means.get(label) ?? []), Float32Array.from(tensor.dataSync())])
    }
  }
}

/** D of one layer, u `[n, code]` → uW + b `[n, ...example]`; parameters `kernel` and `bias`. */
export const tinyDecoder = definePlugin({
  point: Decoder,
  name: 'tiny',
  summary: 'one linear layer, for tests',
  options: z.strictObject({}),
  class: TinyDecoder,
})

/** G of one mean per class and task, with a standard deviation of 0.1; no density. */
export const tinyGenerator = definePlugin({
  point: Generator,
  name: 'tiny',
  summary: 'class means and a little noise, for tests',
  options: z.strictObject({}),
  class: TinyGenerator,
})
