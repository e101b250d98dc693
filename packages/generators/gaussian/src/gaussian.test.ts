import { arrayExamples, createRng, type Examples, Generator } from '@lgm/core'
import { build, checkGenerator, expectClose } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { gaussian } from './gaussian.js'

checkGenerator({ plugin: () => gaussian() })
checkGenerator({ plugin: () => gaussian({ components: 3, covariance: 'diagonal' }) })
checkGenerator({ plugin: () => gaussian({ components: 3, covariance: 'shared' }) })
checkGenerator({ plugin: () => gaussian({ components: 3, retention: 'refit' }) })

const codes = (rows: readonly (readonly number[])[], label = 0): Examples =>
  arrayExamples(Float32Array.from(rows.flat()), [rows[0]!.length], new Int32Array(rows.length).fill(label))

/** `count` draws of N((x, y), deviation² 1). */
function blob(count: number, x: number, y: number, deviation: number, seed: number): number[][] {
  const noise = createRng(seed).normal(2 * count)
  return Array.from({ length: count }, (_, i) => [x + deviation * noise[2 * i]!, y + deviation * noise[2 * i + 1]!])
}

const nats = (generator: Generator, rows: readonly (readonly number[])[], classes = 1): number[][] =>
  tf.tidy(() => generator.logProbability!(tf.tensor2d(rows.map(row => [...row])), classes).arraySync())

const tensorsOf = (generator: Generator): Record<string, number[]> => {
  const { tensors } = generator.state()
  const numbers = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]),
  )
  tf.dispose(tensors)
  return numbers
}

// Mean (1, 2). Deviations (±2, ±1), (∓1, ±1): sums of squares 10 and 4, of products 2, so Σ = [[2.5, 0.5], [0.5, 1]] (divided by 4).
const four = [
  [3, 3],
  [-1, 1],
  [0, 3],
  [2, 1],
]

describe('one Gaussian', () => {
  test('its density is the formula', async () => {
    const generator = build(Generator, gaussian({ components: 1, ridge: 0 }))
    await generator.memorize(codes(four))
    // With 1e-5 on the diagonal: det = 2.50001 · 1.00001 − 0.25; Σ⁻¹ = [[1.00001, −0.5], [−0.5, 2.50001]] / det.
    const det = 2.50001 * 1.00001 - 0.25
    const formula = ([x, y]: readonly number[]) => {
      const [a, b] = [x! - 1, y! - 2]
      return -0.5 * ((1.00001 * a * a - a * b + 2.50001 * b * b) / det + Math.log(det)) - Math.log(2 * Math.PI)
    }
    const points = [
      [1, 2],
      [3, 3],
      [-4, 7.5],
      [100, -30],
    ]
    for (const [i, [value]] of nats(generator, points).entries())
      expectClose(value!, formula(points[i]!), 1e-5 * Math.abs(formula(points[i]!)) + 1e-5)
  })

  test('diagonal: without the covariances; shared by one class: the same as full', async () => {
    const densities: number[] = []
    for (const covariance of ['full', 'diagonal', 'shared'] as const) {
      const generator = build(Generator, gaussian({ components: 1, covariance, ridge: 0 }))
      await generator.memorize(codes(four))
      densities.push(nats(generator, [[2, 4]])[0]![0]!)
    }
    expectClose(densities[1]!, -0.5 * (1 / 2.5 + 4 / 1 + Math.log(2.5)) - Math.log(2 * Math.PI), 1e-4)
    expectClose(densities[2]!, densities[0]!, 1e-5)
  })

  test('the ridge is a share of the mean variance', async () => {
    const generator = build(Generator, gaussian({ components: 1, covariance: 'diagonal', ridge: 0.2 }))
    await generator.memorize(codes(four))
    // 0.2 · (2.5 + 1) / 2 = 0.35.
    expectClose(tensorsOf(generator)['0/factors']!, [Math.sqrt(2.85001), Math.sqrt(1.35001)], 1e-6)
  })

  test('after a task it tells the mean of −log p(u | y) over its codes, also of each number', async () => {
    const generator = build(Generator, gaussian({ components: 1, ridge: 0 }))
    expect(generator.measure!()).toEqual([])
    await generator.memorize(codes(four))
    // Half the squared Mahalanobis distances to the fitted mean average d/2 = 1, with the covariance over n.
    const entropy = 1 + Math.log(2 * Math.PI) + 0.5 * Math.log(2.5 - 0.25)
    const figures = generator.measure!()
    expect(figures.map(({ name }) => name)).toEqual(['generator/gaussian/nats', 'generator/gaussian/nats-per-number'])
    expectClose(
      figures.map(({ value }) => value as number),
      [entropy, entropy / 2],
      1e-4,
    )
    // Only codes of the task count, here of another class: the same ones twice, 50 further, which have the same density there.
    await generator.memorize(
      codes(
        [...four, ...four].map(([x, y]) => [x! + 50, y!]),
        1,
      ),
    )
    expectClose(generator.measure!()[0]!.value as number, entropy, 1e-3)
  })

  test('samples have its mean and covariance', async () => {
    const generator = build(Generator, gaussian({ components: 1, ridge: 0 }))
    await generator.memorize(codes(four))
    tf.tidy(() => {
      const samples = generator.sample(new Int32Array(20000)) as tf.Tensor2D
      const centred = samples.sub(samples.mean(0)) as tf.Tensor2D
      // Standard errors: √(2.5 / 20000) = 0.011 of a mean, 2.5 √(2 / 20000) = 0.025 of a variance.
      expectClose(samples.mean(0), [1, 2], 0.045)
      expectClose(
        tf.matMul(centred, centred, true).div(20000),
        [
          [2.5, 0.5],
          [0.5, 1],
        ],
        0.1,
      )
    })
  })

  test('far from zero it is as exact as near it', async () => {
    const [near, far] = [build(Generator, gaussian({ components: 2 })), build(Generator, gaussian({ components: 2 }))]
    const moved = four.map(([x, y]) => [x! + 4096, y! - 4096])
    await near.memorize(codes(four))
    await far.memorize(codes(moved))
    expectClose(nats(far, moved).flat(), nats(near, four).flat(), 1e-3)
  })
})

describe('a mixture', () => {
  const rows = [...blob(600, -2, 0, 0.5, 1), ...blob(300, 2, 1, 1, 2)]

  test.each(['full', 'diagonal'] as const)('a known one is found again, covariance %s', async covariance => {
    const generator = build(Generator, gaussian({ components: 2, covariance, ridge: 0 }))
    await generator.memorize(codes(rows))
    const { '0/weights': weights, '0/means': means, '0/factors': factors } = tensorsOf(generator)
    const [narrow, wide] = means![0]! < 0 ? [0, 1] : [1, 0]
    expectClose([weights![narrow]!, weights![wide]!], [2 / 3, 1 / 3], 0.02)
    expectClose(means!.slice(2 * narrow, 2 * narrow + 2), [-2, 0], 0.1)
    expectClose(means!.slice(2 * wide, 2 * wide + 2), [2, 1], 0.2)
    const own = (k: number) => factors!.slice((k * factors!.length) / 2, ((k + 1) * factors!.length) / 2)
    expectClose(own(narrow), covariance === 'full' ? [0.5, 0, 0.5] : [0.5, 0.5], 0.05)
    expectClose(own(wide), covariance === 'full' ? [1, 0, 1] : [1, 1], 0.15)
  })

  test.each(['full', 'diagonal', 'shared'] as const)(
    'its density integrates to one, covariance %s',
    async covariance => {
      const generator = build(Generator, gaussian({ components: 4, covariance }))
      await generator.memorize(codes(rows))
      const step = 0.1
      const line = Array.from({ length: 161 }, (_, i) => -8 + i * step)
      const grid = line.flatMap(x => line.map(y => [x, y]))
      const integral = nats(generator, grid).reduce((sum, [value]) => sum + Math.exp(value!) * step * step, 0)
      expect(Math.abs(integral - 1)).toBeLessThan(1e-3)
      expectClose(
        tensorsOf(generator)['0/weights']!.reduce((a, b) => a + b),
        1,
        1e-6,
      )
    },
  )

  test('no iteration of EM makes the data less likely', async () => {
    const likelihoods: number[] = []
    for (const iterations of [0, 1, 2, 4, 8, 16]) {
      const generator = build(Generator, gaussian({ components: 5, kMeans: 0, iterations, ridge: 0 }))
      await generator.memorize(codes(rows))
      likelihoods.push(nats(generator, rows).reduce((sum, [value]) => sum + value! / rows.length, 0))
    }
    for (const [i, value] of likelihoods.slice(1).entries()) expect(value).toBeGreaterThan(likelihoods[i]! - 1e-4)
    expect(likelihoods.at(-1)! - likelihoods[0]!).toBeGreaterThan(0.03)
  })

  test('there are no more components than examples, and equal examples do no harm', async () => {
    const generator = build(Generator, gaussian({ components: 20 }))
    await generator.memorize(codes(four))
    await generator.memorize(
      codes(
        Array.from({ length: 30 }, () => [1, 1]),
        1,
      ),
    )
    expect(tensorsOf(generator)['0/weights']!.length).toBe(4)
    expect(
      nats(
        generator,
        [
          [1, 1],
          [0, 3],
        ],
        2,
      )
        .flat()
        .every(Number.isFinite),
    ).toBe(true)
    expectClose(
      tf.tidy(() => generator.sample(new Int32Array(50).fill(1)).mean(0)),
      [1, 1],
      0.02,
    )
  })

  test('codes may have more numbers than there are examples', async () => {
    const generator = build(Generator, gaussian({ components: 2 }))
    const noise = createRng(0).normal(5 * 30)
    await generator.memorize(arrayExamples(noise, [30], new Int32Array(5)))
    const density = tf.tidy(() => generator.logProbability!(tf.tensor2d(noise, [5, 30]), 1).dataSync())
    expect(density.every(value => Number.isFinite(value) && value > -200)).toBe(true)
  })
})

describe('kept between tasks', () => {
  test('numbers: k (1 + d + d(d + 1)/2) a class; diagonal k (1 + 2d); shared k (1 + d) and one triangle', async () => {
    for (const [covariance, count] of [
      ['full', 2 * 2 * (1 + 2 + 3)],
      ['diagonal', 2 * 2 * (1 + 4)],
      ['shared', 2 * 2 * (1 + 2) + 3],
    ] as const) {
      const generator = build(Generator, gaussian({ components: 2, covariance }))
      await generator.memorize(codes(four, 0))
      await generator.memorize(codes(four, 1))
      expect(Object.values(tensorsOf(generator)).flat().length).toBe(count)
    }
  })

  test('shared: the covariance within classes over all tasks, each example counted once', async () => {
    const generator = build(Generator, gaussian({ components: 1, covariance: 'shared', ridge: 0 }))
    await generator.memorize(codes(four, 0))
    await generator.memorize(
      codes(
        [
          [10, 0],
          [12, 0],
        ],
        1,
      ),
    )
    // (4 · [[2.5, 0.5], [0.5, 1]] + 2 · [[1, 0], [0, 0]]) / 6, + 1e-5.
    expectClose(tensorsOf(generator).pooled!, [12 / 6, 2 / 6, 4 / 6], 2e-5)
  })

  test('an old class does not change, unless it is to be fitted to recall again', async () => {
    for (const [retention, mean] of [
      ['keep', [1, 2]],
      ['refit', [51, 2]],
    ] as const) {
      const generator = build(Generator, gaussian({ components: 1, retention }))
      await generator.memorize(codes(four, 0))
      await generator.memorize(
        codes(four, 1),
        codes(
          four.map(([x, y]) => [x! + 50, y!]),
          0,
        ),
      )
      expectClose(tensorsOf(generator)['0/means']!, mean, 1e-4)
    }
  })

  test('a class that returns counts its recall for as many examples as were met before', async () => {
    const generator = build(Generator, gaussian({ components: 1 }))
    await generator.memorize(codes(four))
    await generator.memorize(
      codes([
        [9, 2],
        [9, 2],
      ]),
      codes([[0, 2]]),
    )
    // (4 · 0 + 2 · 9) / 6 = 3, though recall is one row.
    expectClose(tensorsOf(generator)['0/means']!, [3, 2], 1e-5)
    await generator.memorize(
      codes([
        [9, 2],
        [9, 2],
      ]),
      codes([
        [3, 2],
        [3, 2],
        [3, 2],
      ]),
    )
    expectClose(tensorsOf(generator)['0/means']!, [(6 * 3 + 2 * 9) / 8, 2], 1e-5)
  })
})
