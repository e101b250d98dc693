import { describe, expect, test } from 'vitest'
import { createRng } from './rng.js'

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length
const draw = (seed: number, path?: string) => Array.from(createRng(seed, path).uniform(20))

describe('an Rng', () => {
  test('draws the same from the same seed, and something else from another, seed 0 included', () => {
    expect(draw(0)).toEqual(draw(0))
    const firsts = [0, 1, 2, 3, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1].map(seed => draw(seed)[0])
    expect(new Set(firsts).size).toBe(7)
  })

  test.each([
    ['seed', (i: number) => createRng(i)],
    ['name', (i: number) => createRng(0).fork(`${i}`)],
  ])('draws first numbers that do not go with the %s', (_, make) => {
    const firsts = Array.from({ length: 2000 }, (_, i) => make(i).uniform(1)[0]!)
    expect(Math.abs(mean(firsts) - 0.5)).toBeLessThan(0.03)
    // neighbours: the covariance of independent uniforms is 0 ± 1 / (12 √2000)
    const products = firsts.slice(1).map((value, i) => (value - 0.5) * (firsts[i]! - 0.5))
    expect(Math.abs(mean(products))).toBeLessThan(0.008)
  })

  test('draws numbers known by heart, so that no release changes a published run', () => {
    expect(Array.from(createRng(1).integers(8, 100))).toMatchInlineSnapshot(`
      [
        91,
        18,
        77,
        36,
        18,
        65,
        27,
        80,
      ]
    `)
    expect(Array.from(createRng(1).normal(2), value => value.toFixed(5))).toMatchInlineSnapshot(`
      [
        "0.92084",
        "-0.94405",
      ]
    `)
    expect(Array.from(createRng(1).permutation(6))).toMatchInlineSnapshot(`
      [
        4,
        0,
        2,
        1,
        5,
        3,
      ]
    `)
  })

  test('draws uniformly in [0, 1)', () => {
    const values = createRng(3).uniform(20_000)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThan(1)
    // standard error of the mean: 1 / √(12 · 20000) = 0.002
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(0.01)
    expect(Math.abs(mean(values.map(value => value ** 2)) - 1 / 3)).toBeLessThan(0.01)
  })

  test('draws standard normals: mean 0, variance 1, fourth moment 3', () => {
    const values = createRng(4).normal(40_000)
    expect(Math.abs(mean(values))).toBeLessThan(0.025)
    expect(Math.abs(mean(values.map(value => value ** 2)) - 1)).toBeLessThan(0.04)
    expect(Math.abs(mean(values.map(value => value ** 4)) - 3)).toBeLessThan(0.3)
    expect(createRng(4).normal(3)).toHaveLength(3)
  })

  test('draws integers below a bound, each about as often', () => {
    const counts = [0, 0, 0, 0, 0]
    for (const value of createRng(5).integers(10_000, 5)) counts[value]!++
    // each 2000 ± √(10000 · 0.2 · 0.8) = 40
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200)
  })

  test('draws permutations, each order about as often', () => {
    const rng = createRng(6)
    const counts = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const order = rng.permutation(3).join()
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(['0,1,2', '0,2,1', '1,0,2', '1,2,0', '2,0,1', '2,1,0'])
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
    expect(rng.permutation(0)).toHaveLength(0)
  })

  test('goes on from a state that went through JSON', () => {
    const rng = createRng(7)
    rng.normal(5)
    const state = JSON.parse(JSON.stringify(rng.state()))
    const next = rng.uniform(10)
    const other = createRng(0)
    other.restore(state)
    expect(other.uniform(10)).toEqual(next)
    rng.restore(state)
    expect(rng.uniform(10)).toEqual(next)
  })

  test('forks by name, whatever was drawn before, and forks of forks differ', () => {
    const rng = createRng(8)
    const before = Array.from(rng.fork('a').uniform(3))
    rng.uniform(100)
    expect(Array.from(rng.fork('a').uniform(3))).toEqual(before)
    const streams = [
      rng,
      rng.fork('a'),
      rng.fork('b'),
      rng.fork('a').fork('b'),
      rng.fork('b').fork('a'),
      createRng(9).fork('a'),
    ]
    expect(new Set(streams.map(stream => stream.uniform(1)[0])).size).toBe(6)
  })

  test('gives neighbouring seeds and names streams that do not go together', () => {
    const [a, b, c] = [createRng(10), createRng(11), createRng(10).fork('x')].map(rng => rng.normal(10_000))
    for (const other of [b!, c!]) expect(Math.abs(mean(a!.map((value, i) => value * other[i]!)))).toBeLessThan(0.05)
  })
})
