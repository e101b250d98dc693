import { type Examples, expected, labelsAt, type Rng, range, sizeOf } from '@lgm/core'

/** How many codes are looked at outside of training. */
const many = 1000

/** Some codes, row-major `[labels.length, size]`, and their labels. */
export interface Look {
  readonly values: Float32Array
  readonly labels: Int32Array
  readonly size: number
}

/** Takes up to 1000 codes from all over the examples, always the same. */
export async function lookAt(examples: Examples): Promise<Look> {
  const { count, shape } = examples
  // multiples of the golden ratio spread evenly, and are out of step with labels that take turns
  const indices = range(0, Math.min(count, many)).map(i =>
    count <= many ? i : Math.floor(((i * 0.6180339887498949) % 1) * count),
  )
  return { values: await examples.read(indices), labels: labelsAt(examples, indices), size: sizeOf(shape) }
}

/** Mean and variance of each number over the codes of a class, or over all where there are none of it. */
function moments({ values, labels, size }: Look, label: number): { mean: Float64Array; variance: Float64Array } {
  const wanted = labels.includes(label) ? (i: number) => labels[i] === label : () => true
  const members = range(0, labels.length).filter(wanted)
  const [mean, variance] = [new Float64Array(size), new Float64Array(size)]
  for (const i of members) for (let j = 0; j < size; j++) mean[j]! += values[i * size + j]! / members.length
  for (const i of members)
    for (let j = 0; j < size; j++) variance[j]! += (values[i * size + j]! - mean[j]!) ** 2 / members.length
  return { mean, variance }
}

/** Draws of independent Gaussians with the moments of a class. */
export function typicalOf(look: Look, rng: Rng): (label: number) => Float32Array {
  const known = new Map<number, ReturnType<typeof moments>>()
  return label => {
    if (!known.has(label)) known.set(label, moments(look, label))
    const { mean, variance } = known.get(label)!
    return rng.normal(look.size).map((value, j) => mean[j]! + Math.sqrt(variance[j]!) * value)
  }
}

/** The variance of codes about the mean of their class in the direction in which it is largest, by 20 steps of the power method. */
export function largestVariance(look: Look): number {
  const { values, labels, size } = look
  const means = new Map([...new Set(labels)].map(label => [label, moments(look, label).mean]))
  const centred = values.map((value, i) => value - means.get(labels[Math.floor(i / size)]!)![i % size]!)
  const rows = Array.from(labels, (_, i) => centred.subarray(i * size, (i + 1) * size))
  let direction = Float64Array.from(rows.reduce((one, other) => (length(other) > length(one) ? other : one)))
  let variance = 0
  for (let step = 0; step < 20 && length(direction) > 0; step++) {
    const next = new Float64Array(size)
    const scale = 1 / (length(direction) * rows.length)
    for (const row of rows) {
      const along = row.reduce((sum, value, j) => sum + value * direction[j]!, 0) * scale
      for (let j = 0; j < size; j++) next[j]! += along * row[j]!
    }
    variance = length(next)
    direction = next
  }
  return variance
}

function length(numbers: Iterable<number>): number {
  let squares = 0
  for (const value of numbers) squares += value ** 2
  return Math.sqrt(squares)
}

/**
 * Checks that codes can be probabilities.
 * @throws LgmError `input` in the name of `where`.
 */
export function checkUnit(where: string, { values }: Look): void {
  const outside = values.find(value => value < 0 || value > 1)
  if (outside === undefined) return
  throw expected(where, 'codes from 0 to 1 for likelihood: bernoulli', `${outside}`, 'use likelihood: gaussian')
}
