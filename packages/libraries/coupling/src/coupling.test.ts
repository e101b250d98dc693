import { convolve, createRng, createTrainer, oneHot, optimizerOptions, type Params, range, subset } from '@lgm/core'
import { expectClose, expectGradients, expectNoLeak } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { transformed } from './architecture.js'
import { conditionMap, initConditioner } from './conditioner.js'
import {
  drawFrom,
  type Flow,
  forward,
  growFlow,
  initFlow,
  inverse,
  logProbabilities,
  logProbability,
  normalizeFlow,
  placeClasses,
} from './index.js'

const mlp: Flow = {
  shape: [3],
  net: 'mlp',
  couplings: 4,
  widths: [6, 5],
  filters: [3],
  bound: 2,
  conditional: true,
}
const conv: Flow = { ...mlp, shape: [3, 5, 2], net: 'conv', filters: [4, 3] }
const kinds: [string, Flow][] = [
  ['of an odd number of numbers', mlp],
  ['with the label in the base alone', { ...mlp, conditional: false, couplings: 3 }],
  ['of a feature map, by rows', { ...mlp, shape: [3, 2, 1] }],
  ['of a feature map of odd sides, by convolutions', conv],
  ['of one place and of one channel', { ...conv, shape: [1, 1, 3], filters: [2] }],
  ['of one channel', { ...conv, shape: [5, 3, 1], filters: [2], conditional: false }],
]

/** A flow in which nothing is as it was made: every parameter moved by normal deviates of `size`. */
function moved(flow: Flow, classes: number, size = 0.3): Params {
  const rng = createRng(1)
  return tf.tidy(() =>
    Object.fromEntries(
      Object.entries(initFlow('me', flow, classes, rng)).map(([name, tensor]) => [
        name,
        tensor.add(tf.tensor(rng.normal(tensor.size), tensor.shape).mul(size)),
      ]),
    ),
  )
}

const normal = (shape: readonly number[], seed = 7): tf.Tensor =>
  tf.tensor(createRng(seed).normal(tf.util.sizeFromShape([...shape])), [...shape])

describe.each(kinds)('a flow %s', (_, flow) => {
  const labels = Int32Array.of(0, 1, 1, 0)
  const y = oneHot(labels, 2)
  const u = normal([4, ...flow.shape])
  const params = moved(flow, 2, flow.net === 'conv' ? 0.15 : 0.3)

  test('goes there and back', () => {
    const { z } = forward(params, u, y, flow)
    expectClose(inverse(params, z, y, flow), u.dataSync(), 1e-4)
    expect(
      tf
        .sub(z, u.reshape([4, -1]))
        .abs()
        .max()
        .dataSync()[0],
    ).toBeGreaterThan(0.1)
  })

  test('has the log-determinant of its Jacobian by central differences', () => {
    const d = tf.util.sizeFromShape([...flow.shape])
    const h = 2e-3
    const { logDet } = forward(params, u, y, flow)
    for (let example = 0; example < 2; example++) {
      const at = tf.slice(u, example, 1).dataSync()
      // all u ± h eᵢ at once
      const shifted = tf.tensor(
        Float32Array.from({ length: 2 * d * d }, (_, i) => {
          const [row, column] = [Math.floor(i / d), i % d]
          return at[column]! + (row % d === column ? (row < d ? h : -h) : 0)
        }),
        [2 * d, ...flow.shape],
      )
      const { z } = forward(params, shifted, oneHot(new Int32Array(2 * d).fill(labels[example]!), 2), flow)
      const [plus, minus] = tf.split(z, 2)
      const jacobian = tf.sub(plus!, minus!).div(2 * h)
      expectClose(logDet.slice(example, 1), [logAbsDet(jacobian.arraySync() as number[][])], 2e-2)
    }
  })

  test('grows with the classes, and densities and draws of old ones stay exactly the same', () => {
    const grown = growFlow(params, flow, 5)
    const y5 = oneHot(labels, 5)
    expect(grown['base/mean']!.shape[0]).toBe(5)
    expect(logProbability(grown, u, y5, flow).arraySync()).toEqual(logProbability(params, u, y, flow).arraySync())
    const noise = normal([4, tf.util.sizeFromShape([...flow.shape])], 9) as tf.Tensor2D
    expect(drawFrom(grown, noise, y5, flow).arraySync()).toEqual(drawFrom(params, noise, y, flow).arraySync())
    expect(growFlow(params, flow, 2)).toBe(params)
    expect(logProbabilities(grown, u, 5, flow).arraySync().flat().every(Number.isFinite)).toBe(true)
  })

  test('has the same nats for all classes at once as one by one', async () => {
    const all = logProbabilities(params, u, 2, flow)
    expect(all.shape).toEqual([4, 2])
    const one = logProbability(params, u, oneHot(Int32Array.of(1, 1, 1, 1), 2), flow)
    expectClose(all.slice([0, 1], [-1, 1]).reshape([-1]), one.dataSync(), 1e-6)
    expect(one.arraySync()).not.toEqual(all.slice([0, 0], [-1, 1]).reshape([-1]).arraySync())
    await expectNoLeak(() => tf.dispose(logProbabilities(params, u, 2, flow)))
  })

  test('begins as the identity in another order, and is then set to data', async () => {
    const fresh = initFlow('me', flow, 2, createRng(0))
    const { z, logDet } = forward(fresh, u, y, flow)
    expectClose(logDet, [0, 0, 0, 0], 1e-6)
    expect([...z.slice(0, 1).dataSync()].sort()).toEqual([...u.slice(0, 1).dataSync()].sort())
    const many = normal([400, ...flow.shape], 3)
      .mul(3)
      .add(tf.range(0, flow.shape.at(-1)!))
    const normalized = normalizeFlow(fresh, many, flow)
    const half = Int32Array.from({ length: 400 }, (_, i) => i % 2)
    const out = forward(normalized, many, oneHot(half, 2), flow).z
    // of net conv only each channel as a whole
    const { mean, variance } = tf.moments(flow.net === 'conv' ? out.reshape([-1, flow.shape[2]!]) : out, 0)
    expectClose(mean, new Array(mean.size).fill(0), 1e-4)
    expectClose(variance, new Array(mean.size).fill(1), 1e-3)
    // the base of class 1, of the z of its codes, and that of class 0 left alone
    const placed = placeClasses(normalized, many, new Int32Array(400).fill(1), flow)
    const whole = tf.moments(out, 0)
    expectClose(placed['base/mean']!.slice(1, 1).reshape([-1]), whole.mean.dataSync(), 1e-4)
    expectClose(placed['base/logDeviation']!.slice(1, 1).exp().square().reshape([-1]), whole.variance.dataSync(), 1e-3)
    expect(placed['base/mean']!.slice(0, 1).abs().max().dataSync()[0]).toBe(0)
  })
})

test.each([
  ['dense layers', { ...mlp, couplings: 2, widths: [4] }],
  ['convolutions', { ...conv, shape: [3, 2, 2], couplings: 2, filters: [1] }],
] as [string, Flow][])('gradients by parameters and codes are those of central differences, with %s', (_, flow) => {
  const y = oneHot(Int32Array.of(0, 1), 2)
  expectGradients(inputs => logProbability(subset(inputs, 'flow'), inputs.u!, y, flow), {
    u: normal([2, ...flow.shape]),
    ...Object.fromEntries(
      Object.entries(moved(flow, 2, 0.2)).map(([name, tensor]) => [`flow/${name}`, tensor] as const),
    ),
  })
})

test('of convolutions the first map reaches the last beside the smaller ones', () => {
  const two: Flow = { ...conv, shape: [4, 4, 2], filters: [3, 2] }
  const made = initConditioner(two, 0, 2, createRng(0))
  const [inner, outer] = [made['out/0/kernel']!, made['out/1/kernel']!]
  const given = normal([1, 4, 4, 2]) as tf.Tensor4D
  const y = oneHot(Int32Array.of(0), 2)
  // nothing comes up from the smallest map; what the last layer makes is then of the first map alone
  const cut = { ...made, 'out/0/kernel': tf.zerosLike(inner), 'out/1/kernel': tf.onesLike(outer) }
  const first = convolve(given, made['in/0/kernel']!, made['in/0/bias']!, 2, 'relu')
  expect(first.max().dataSync()[0]).toBeGreaterThan(0)
  // a stride of 2 and kernels of ones: an output of 2 · 2 channels sums the places of the first map that reach it; the first one, all alone
  const out = conditionMap(cut, given, y, two)
  expectClose(
    out.slice([0, 0, 0, 0], [1, 1, 1, 1]).reshape([1]),
    [first.slice([0, 0, 0, 0], [1, 1, 1, 3]).sum().dataSync()[0]!],
    1e-5,
  )
})

describe('what couplings of maps transform', () => {
  const [height, width, channels] = [4, 6, 6]
  const masks = Array.from(range(0, 8), coupling => [...transformed([height, width, channels], coupling)])
  const sum = (mask: readonly number[]) => mask.reduce((a, b) => a + b)

  test('is half of the numbers, and the other half in the next of a pair', () => {
    for (const [first, second] of [0, 2, 4, 6].map(i => [masks[i]!, masks[i + 1]!] as const)) {
      expect([sum(first), sum(second)]).toEqual([72, 72])
      expect(first.map((one, i) => one + second[i]!)).toEqual(new Array(144).fill(1))
    }
  })

  test('is a checkerboard in the first pair, and whole channels in the next', () => {
    const at = (mask: readonly number[], row: number, column: number, channel: number) =>
      mask[(row * width + column) * channels + channel]
    expect([at(masks[0]!, 0, 0, 3), at(masks[0]!, 0, 1, 3), at(masks[0]!, 1, 0, 3), at(masks[0]!, 1, 1, 3)]).toEqual([
      1, 0, 0, 1,
    ])
    for (let channel = 0; channel < channels; channel++)
      expect(new Set(masks[2]!.filter((_, i) => i % channels === channel)).size).toBe(1)
  })
})

test('a new flow set to one class is the diagonal Gaussian of its codes', () => {
  const u = normal([500, 3]).mul([1, 2, 0.1]).add([0, -3, 5])
  const labels = new Int32Array(500)
  const params = placeClasses(normalizeFlow(initFlow('me', mlp, 1, createRng(0)), u, mlp), u, labels, mlp)
  const { mean, variance } = tf.moments(u, 0)
  const [m, v] = [mean.dataSync(), variance.dataSync()]
  const expectedNats = (u.slice(0, 20).arraySync() as number[][]).map(row =>
    row.reduce((sum, x, i) => sum - 0.5 * ((x - m[i]!) ** 2 / v[i]! + Math.log(2 * Math.PI * v[i]!)), 0),
  )
  expectClose(logProbability(params, u.slice(0, 20), oneHot(new Int32Array(20), 1), mlp), expectedNats, 1e-3)
})

describe('trained on two moons', () => {
  const flow: Flow = { ...mlp, shape: [2], couplings: 6, widths: [16] }
  /** A half circle for each class, interleaved, with normal deviates of 0.1 about it. */
  const moons = (count: number, seed: number) => {
    const rng = createRng(seed)
    const [angle, noise] = [rng.uniform(count), rng.normal(2 * count)]
    const labels = Int32Array.from({ length: count }, (_, i) => i % 2)
    const u = Float32Array.from({ length: 2 * count }, (_, i) => {
      const [row, second] = [i >> 1, i % 2 === 1]
      const turn = Math.PI * angle[row]!
      const upper = second ? Math.sin(turn) : Math.cos(turn)
      const lower = second ? 0.5 - Math.sin(turn) : 1 - Math.cos(turn)
      return (labels[row] ? lower : upper) + 0.1 * noise[i]!
    })
    return { u: tf.tensor2d(u, [count, 2]), labels, y: oneHot(labels, 2) }
  }
  const trained = (async () => {
    const { u, labels } = moons(512, 5)
    const start = placeClasses(normalizeFlow(initFlow('me', flow, 2, createRng(0)), u, flow), u, labels, flow)
    let at = 0
    return createTrainer({ emit: () => {} }).fit({
      name: 'moons',
      params: start,
      iterations: 180,
      optimizer: optimizerOptions.parse({ rate: 0.015, schedule: 'cosine' }),
      batch: () => {
        const { u, y } = moons(96, 100 + at++)
        return { u, y }
      },
      loss: (params, batch) => ({
        nats: logProbability(params, batch.u!, batch.y as tf.Tensor2D, flow)
          .mean()
          .neg() as tf.Scalar,
      }),
    })
  })()

  /** Entropy of a class by its density, ∫ over the angle of N(u; point of the circle, 0.01), on a fine grid of one moon. */
  const entropy = () => {
    const [step, sigma] = [0.02, 0.1]
    let sum = 0
    for (let a = -1.7; a < 1.7; a += step)
      for (let b = -0.7; b < 1.7; b += step) {
        let p = 0
        for (let i = 0; i < 200; i++) {
          const turn = (Math.PI * (i + 0.5)) / 200
          p += Math.exp(-((a - Math.cos(turn)) ** 2 + (b - Math.sin(turn)) ** 2) / (2 * sigma ** 2))
        }
        p /= 200 * 2 * Math.PI * sigma ** 2
        if (p > 0) sum -= p * Math.log(p) * step ** 2
      }
    return sum
  }

  test('its density integrates to 1 for each class', async () => {
    const params = await trained
    const [side, from, step] = [100, -2.5, 0.05]
    const grid = tf.tensor2d(
      Float32Array.from({ length: 2 * side * side }, (_, i) => {
        const cell = i >> 1
        return from + step * ((i % 2 === 0 ? Math.floor(cell / side) : cell % side) + 0.5)
      }),
      [side * side, 2],
    )
    const mass = tf.tidy(() =>
      logProbabilities(params, grid, 2, flow)
        .exp()
        .sum(0)
        .mul(step ** 2),
    )
    expectClose(mass, [1, 1], 5e-3)
  })

  test('its nats come within 0.1 of the entropy, where a Gaussian is 0.4 away', async () => {
    const params = await trained
    const { u, labels, y } = moons(2000, 6)
    const nats = -logProbability(params, u, y, flow).mean().dataSync()[0]!
    const gaussian = placeClasses(normalizeFlow(initFlow('me', flow, 2, createRng(0)), u, flow), u, labels, flow)
    const ofGaussian = -logProbability(gaussian, u, y, flow).mean().dataSync()[0]!
    expect(nats - entropy()).toBeLessThan(0.1)
    expect(ofGaussian - entropy()).toBeGreaterThan(0.4)
  })

  test('it goes there and back', async () => {
    const params = await trained
    const { u, y } = moons(1000, 8)
    expectClose(inverse(params, forward(params, u, y, flow).z, y, flow), u.dataSync(), 1e-4)
  })
})

test('shapes that no flow is of are refused in one clear line', () => {
  expect(() => initFlow('me', { ...mlp, shape: [1] }, 2, createRng(0))).toThrow(
    'me: expected codes of at least 2 numbers, got [1]; use the generator "gaussian"',
  )
  expect(() => initFlow('me', { ...conv, shape: [4] }, 2, createRng(0))).toThrow(
    'me: expected codes of shape [height, width, channels] for net: conv, got [4]; use net: mlp',
  )
})

/** log |det| by elimination with pivots. */
function logAbsDet(matrix: number[][]): number {
  const rows = matrix.map(row => [...row])
  let sum = 0
  for (let k = 0; k < rows.length; k++) {
    const pivot = rows
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + i : best), k)
    ;[rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!]
    sum += Math.log(Math.abs(rows[k]![k]!))
    for (let i = k + 1; i < rows.length; i++) {
      const factor = rows[i]![k]! / rows[k]![k]!
      for (let j = k; j < rows.length; j++) rows[i]![j]! -= factor * rows[k]![j]!
    }
  }
  return sum
}
