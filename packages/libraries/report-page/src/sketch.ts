/** A place of a line. */
export type Point = readonly [x: number, y: number]

interface Stretch {
  low: Point
  high: Point
}

/**
 * A line of any length in bounded memory: of each of at most `stretches` equal stretches of x it keeps the least and the greatest place,
 * so that no peak is lost. Where x outgrows them, stretches become twice as wide. x starts at 0 or later and does not fall.
 */
export class Sketch {
  readonly #most: number
  #width = 1
  #stretches: (Stretch | undefined)[] = []

  constructor(stretches = 500) {
    this.#most = stretches
  }

  add(x: number, y: number): void {
    while (Math.floor(x / this.#width) >= this.#most) this.#widen()
    const at = Math.floor(x / this.#width)
    const stretch = this.#stretches[at]
    if (!stretch) this.#stretches[at] = { low: [x, y], high: [x, y] }
    else if (y < stretch.low[1]) stretch.low = [x, y]
    else if (y > stretch.high[1]) stretch.high = [x, y]
  }

  /** At most two places a stretch, by x. */
  points(): readonly Point[] {
    return this.#stretches.flatMap(stretch => {
      if (!stretch) return []
      const { low, high } = stretch
      if (low[0] === high[0]) return [low]
      return low[0] < high[0] ? [low, high] : [high, low]
    })
  }

  #widen(): void {
    this.#width *= 2
    const halved: (Stretch | undefined)[] = []
    for (const [at, stretch] of this.#stretches.entries()) {
      if (!stretch) continue
      const other = halved[at >> 1]
      halved[at >> 1] = other ? joined(other, stretch) : stretch
    }
    this.#stretches = halved
  }
}

function joined(a: Stretch, b: Stretch): Stretch {
  return { low: b.low[1] < a.low[1] ? b.low : a.low, high: b.high[1] > a.high[1] ? b.high : a.high }
}

/** The places of a line, at most `most` of them, with the least and the greatest of each stretch. */
export function thinned(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points
  const [first, last] = [points[0]![0], points.at(-1)![0]]
  const stretches = Math.max(1, Math.floor(most / 2))
  const sketch = new Sketch(stretches)
  const scale = (stretches - 1e-6) / (last - first || 1)
  for (const [x, y] of points) sketch.add((x - first) * scale, y)
  return sketch.points().map(([x, y]) => [x / scale + first, y])
}
