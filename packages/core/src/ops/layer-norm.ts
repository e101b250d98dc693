import * as tf from '@tensorflow/tfjs'

const epsilon = 1e-5

/**
 * y = (u − mean u) / √(var u + 10⁻⁵) over the numbers of each row: `[n, d]` → `[n, d]`; layer normalization without gain and bias
 * (Ba, Kiros & Hinton 2016, arXiv:1607.06450, equation 4). Its gradient is written out, with g = ∂L/∂y and r = 1/√(var u + 10⁻⁵):
 * r · (g − mean g − y · mean(g∘y)).
 */
export function layerNorm(u: tf.Tensor2D): tf.Tensor2D {
  const compute = ((input: tf.Tensor2D, save: (tensors: tf.Tensor[]) => void) => {
    const centred = input.sub(input.mean(1, true))
    const inverse = centred.square().mean(1, true).add(epsilon).rsqrt()
    const value = centred.mul(inverse)
    save([value, inverse])
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [y, r] = saved as [tf.Tensor, tf.Tensor]
        return dy
          .sub(dy.mean(1, true))
          .sub(y.mul(dy.mul(y).mean(1, true)))
          .mul(r)
      },
    }
  }) as unknown as Parameters<typeof tf.customGrad>[0]
  return tf.customGrad(compute)(u) as tf.Tensor2D
}
