import { describe, expect, test } from 'vitest'
import { Sketch, thinned } from './index.js'

describe('a sketch of a line', () => {
  test('is the line itself where there is room', () => {
    const sketch = new Sketch(4)
    for (const [x, y] of [
      [0, 5],
      [1, 2],
      [3, 7],
    ] as const)
      sketch.add(x, y)
    expect(sketch.points()).toEqual([
      [0, 5],
      [1, 2],
      [3, 7],
    ])
  })

  test('keeps the least and the greatest of each stretch, in their order', () => {
    const sketch = new Sketch(2)
    // four stretches of 1, then two of 2 and at last two of 4: 0 to 3 and 4 to 7
    for (const [x, y] of [3, 9, 1, 4, 5, 8, 6, 0].entries()) sketch.add(x, y)
    expect(sketch.points()).toEqual([
      [1, 9],
      [2, 1],
      [5, 8],
      [7, 0],
    ])
  })

  test('loses no peak of a hundred thousand steps, and has two places a stretch at most', () => {
    const sketch = new Sketch(500)
    for (let x = 0; x < 100_000; x++) sketch.add(x, x === 31_337 ? 1e6 : x === 77_777 ? -1e6 : Math.sin(x))
    const points = sketch.points()
    expect(points.length).toBeLessThanOrEqual(1000)
    expect(points.length).toBeGreaterThan(700)
    expect(points).toContainEqual([31_337, 1e6])
    expect(points).toContainEqual([77_777, -1e6])
    expect(points.every(([x], i) => i === 0 || x > points[i - 1]![0])).toBe(true)
  })

  test('thinned, a line keeps its ends within a stretch, its peaks and its places', () => {
    const line = Array.from({ length: 1001 }, (_, k) => [100 + k, k === 500 ? 9 : 0] as const)
    const thin = thinned(line, 10)
    expect(thin.length).toBeLessThanOrEqual(10)
    const peak = thin.find(([, y]) => y === 9)!
    expect(peak[0]).toBeCloseTo(600, 6)
    expect(thinned(line.slice(0, 10), 10)).toHaveLength(10)
  })
})
