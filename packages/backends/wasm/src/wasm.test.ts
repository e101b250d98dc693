import { Backend } from '@lgm/core'
import { build, checkBackend } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { wasm } from './index.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
  // Otherwise it prints an advertisement at the first tensor.
  Object.assign(tf.backend(), { firstUse: false })
  await build(Backend, wasm()).start()
})

checkBackend({ plugin: () => wasm() })

test('says its name and version, and can be started again', async () => {
  const facts = await build(Backend, wasm()).start()
  expect(facts).toMatchObject({ name: 'wasm', version: 'tfjs-backend-wasm 4.22.0', threads: 1 })
  expect(tf.getBackend()).toBe('wasm')
})

describe('gives the values of the plain engine', () => {
  test.each([
    { a: [3, 4], b: [4, 5] },
    { a: [1, 1], b: [1, 1] },
    { a: [2, 3, 4], b: [2, 4, 5] },
    { a: [3, 4], b: [2, 4, 5] },
    { a: [2, 3, 1, 4], b: [2, 3, 4, 2] },
    { a: [1, 3, 2, 4], b: [5, 3, 4, 2] },
  ])('in matrix products $a × $b, each with every choice of transposes', ({ a, b }) => {
    // TensorFlow.js has no gradient for a product that broadcasts.
    const broadcasts = a.slice(0, -2).join() !== b.slice(0, -2).join()
    for (const transposeA of [false, true])
      for (const transposeB of [false, true]) {
        const shapes = [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b]
        agrees(shapes, (x, y) => tf.matMul(x!, y!, transposeA, transposeB), !broadcasts)
      }
  })

  test('in matrix products of two stacks that are each repeated', () => {
    const [a, b] = [tf.tensor(numbers(24, 1), [2, 1, 3, 4]), tf.tensor(numbers(24, 2), [3, 4, 2])]
    const repeated = tf.matMul(a.tile([1, 3, 1, 1]), b.expandDims(0).tile([2, 1, 1, 1]))
    expect(tf.matMul(a, b).shape).toEqual([2, 3, 3, 2])
    expect(tf.matMul(a, b).dataSync()).toEqual(repeated.dataSync())
  })

  test.each([false, true])('in fused matrix products, transposed: %s', transposed => {
    const shapes = transposed ? [[4, 3], [5, 4], [5]] : [[3, 4], [4, 5], [5]]
    agrees(shapes, (a, b, bias) =>
      tf.fused.matMul({
        a: a!,
        b: b!,
        bias: bias!,
        activation: 'relu',
        transposeA: transposed,
        transposeB: transposed,
      }),
    )
  })

  test.each([
    { x: [2, 5, 5, 3], filter: [3, 3, 3, 4], strides: 1, pad: 'same' as const },
    { x: [2, 6, 7, 2], filter: [3, 3, 2, 4], strides: 2, pad: 'same' as const },
    { x: [1, 7, 6, 2], filter: [2, 3, 2, 1], strides: 2, pad: 'valid' as const },
    { x: [3, 8, 8, 1], filter: [5, 5, 1, 2], strides: 3, pad: 'same' as const },
    { x: [3, 9, 8, 1], filter: [4, 4, 1, 2], strides: [2, 1] as [number, number], pad: 'valid' as const },
    { x: [2, 5, 5, 2], filter: [1, 1, 2, 3], strides: 2, pad: 'same' as const },
    { x: [1, 3, 3, 1], filter: [5, 5, 1, 1], strides: 1, pad: 'same' as const },
    { x: [2, 6, 6, 1], filter: [3, 3, 1, 2], strides: 1, pad: 2 },
  ])('in convolutions and their gradients: $x, $filter, stride $strides, $pad', ({ x, filter, strides, pad }) => {
    agrees([x, filter], (image, kernel) => tf.conv2d(image as tf.Tensor4D, kernel as tf.Tensor4D, strides, pad))
  })

  test.each([
    { shape: [2, 3, 3, 4], filter: [3, 3, 2, 4], output: [2, 6, 6, 2], strides: 2 },
    { shape: [2, 4, 4, 1], filter: [4, 4, 3, 1], output: [2, 8, 8, 3], strides: 2 },
    { shape: [1, 5, 5, 2], filter: [3, 3, 2, 2], output: [1, 5, 5, 2], strides: 1 },
  ])('in transposed convolutions and their gradients: $shape to $output', ({ shape, filter, output, strides }) => {
    agrees([shape, filter], (x, kernel) =>
      tf.conv2dTranspose(
        x as tf.Tensor4D,
        kernel as tf.Tensor4D,
        output as [number, number, number, number],
        strides,
        'same',
      ),
    )
  })

  test('in gather and its gradient', () => {
    agrees([[4, 3]], x => tf.gather(x!, tf.tensor1d([3, 1, 3, 0], 'int32')))
    agrees([[4, 3]], x => tf.gather(x!, tf.tensor1d([2, 2], 'int32'), 1))
  })

  test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['softplus', x => x.softplus()],
    ['logSoftmax', x => tf.logSoftmax(x)],
    ['softmax', x => tf.softmax(x)],
    ['logSumExp', x => tf.logSumExp(x, 1)],
    ['erf', x => x.erf()],
    ['tanh', x => x.tanh()],
    ['sigmoid', x => x.sigmoid()],
    ['relu', x => x.relu()],
    ['leakyRelu', x => x.leakyRelu(0.1)],
    ['elu', x => x.elu()],
    ['clip', x => x.clipByValue(-0.5, 0.5)],
    ['cumsum', x => x.cumsum(1)],
    ['slice', x => x.slice([0, 1], [2, 2])],
    [
      'pad',
      x =>
        x.pad([
          [1, 0],
          [0, 2],
        ]),
    ],
    ['tile', x => x.tile([2, 3])],
    ['concat', x => tf.concat([x, x.square()], 1)],
    ['split', x => tf.split(x, 2, 1)[1]!],
    ['norm', x => x.norm()],
    ['abs, max, min, mean', x => x.abs().add(x.max(1, true)).add(x.min(0, true)).mul(x.mean())],
  ])('in %s and its gradient', (_, compute) => {
    agrees([[3, 4]], x => compute(x!))
  })
})

test('a convolution so large that it is done in parts has the gradients of its parts', () => {
  const shape: [number, number, number, number] = [5, 24, 24, 40]
  const images = tf.tensor4d(numbers(tf.util.sizeFromShape(shape), 1), shape)
  const kernel = tf.tensor4d(numbers(5 * 5 * 40 * 2, 2), [5, 5, 40, 2])
  const gradients = (x: tf.Tensor) =>
    tf.grads((a, b) =>
      tf
        .conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same')
        .square()
        .mean([1, 2, 3])
        .sum(),
    )([x, kernel])
  const [byImages, byKernel] = gradients(images)
  const each = tf.split(images, 5).map(gradients)
  const difference = (a: tf.Tensor, b: tf.Tensor) => a.sub(b).abs().max().dataSync()[0]
  expect(difference(byImages!, tf.concat(each.map(pair => pair[0]!)))).toBeLessThan(1e-5)
  expect(difference(byKernel!, tf.addN(each.map(pair => pair[1]!)))).toBeLessThan(1e-4)
})

test('no memory is kept from step to step', () => {
  const step = () =>
    tf.tidy(() => {
      const [x, kernel] = [tf.ones([2, 6, 6, 2]), tf.ones([3, 3, 2, 2])] as [tf.Tensor4D, tf.Tensor4D]
      tf.grads((a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 2, 'same').sum())([x, kernel])
      tf.matMul(tf.ones([3, 2, 4]), tf.ones([3, 2, 4]), false, true)
    })
  step()
  const backend = tf.backend() as unknown as { numDataIds(): number }
  const before = [tf.memory().numTensors, backend.numDataIds()]
  for (let i = 0; i < 5; i++) step()
  expect([tf.memory().numTensors, backend.numDataIds()]).toEqual(before)
})

/** Compares value and gradients of `compute` on wasm with those on the plain engine. */
function agrees(
  shapes: readonly number[][],
  compute: (...inputs: tf.Tensor[]) => tf.Tensor,
  withGradients = true,
): void {
  const tolerance = 1e-5
  const run = (backend: string): Float32Array[] => {
    tf.setBackend(backend)
    return tf.tidy(() => {
      const inputs = shapes.map((shape, i) => tf.tensor(numbers(tf.util.sizeFromShape(shape), i), shape))
      const value = compute(...inputs)
      if (!withGradients) return [value.dataSync() as Float32Array]
      const weights = tf.tensor(numbers(value.size, 7), value.shape)
      const gradients = tf.grads((...given: tf.Tensor[]) =>
        compute(...given)
          .mul(weights)
          .sum(),
      )(inputs)
      return [value, ...gradients].map(tensor => tensor.dataSync() as Float32Array)
    })
  }
  const [expected, got] = [run('cpu'), run('wasm')]
  expected.forEach((array, i) => {
    expect(got[i]!.length).toBe(array.length)
    for (const [j, value] of array.entries())
      expect(Math.abs(got[i]![j]! - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)))
  })
}

/** Reproducible numbers between −1 and 1, none of them near a kink. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * (seed + 1)))
}

function swapped(shape: readonly number[]): number[] {
  return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!]
}
