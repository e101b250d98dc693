import { arrayExamples, type Examples, indicesByLabel, type RunFacts, readAll, sizeOf, type Task } from '@lgm/core'

/**
 * The tasks met so far: those of the run, or else, where nobody knows of a run, those that were given here. They are remembered by
 * reference, for whoever gives them holds them too.
 */
export class MetTasks {
  readonly #met = new Map<number, Task>()

  /** The tasks up to and with this one, as far as they are known, in their order. */
  until(task: Task, facts: RunFacts | undefined): readonly Task[] {
    if (facts) return facts.tasks.filter(({ index }) => index <= task.index)
    this.#met.set(task.index, task)
    return [...this.#met.values()].filter(({ index }) => index <= task.index).sort((a, b) => a.index - b.index)
  }
}

/**
 * Of each label, or of `only` one, at most `most` examples, evenly spaced over all that the parts have of it, in memory, by ascending label.
 */
export async function spaced(parts: readonly Examples[], most: number, only?: number): Promise<Examples> {
  const shape = parts[0]?.shape ?? []
  const places = parts.map(part => indicesByLabel(part.labels))
  const all = only === undefined ? places.flatMap(place => [...place.keys()]) : [only]
  const read: Float32Array[] = []
  const labels: number[] = []
  for (const label of [...new Set(all)].sort((a, b) => a - b)) {
    const segments = places.map(place => place.get(label) ?? new Int32Array(0))
    const total = segments.reduce((sum, segment) => sum + segment.length, 0)
    const count = Math.min(most, total)
    const wanted = Array.from({ length: count }, (_, k) => Math.floor((k * total) / count))
    let offset = 0
    for (const [p, segment] of segments.entries()) {
      const from = offset
      offset += segment.length
      const chosen = wanted.filter(at => at >= from && at < offset).map(at => segment[at - from]!)
      if (chosen.length > 0) read.push(await parts[p]!.read(Int32Array.from(chosen)))
    }
    for (let k = 0; k < count; k++) labels.push(label)
  }
  const values = new Float32Array(labels.length * sizeOf(shape))
  let at = 0
  for (const rows of read) {
    values.set(rows, at)
    at += rows.length
  }
  return arrayExamples(values, shape, Int32Array.from(labels), 'evaluator "sample-quality"')
}

/** The examples of all parts, one after the other, read into one array. */
export async function joined(parts: readonly Examples[]): Promise<Examples> {
  const labels = new Int32Array(parts.reduce((sum, part) => sum + part.count, 0))
  const shape = parts[0]?.shape ?? []
  const values = new Float32Array(labels.length * sizeOf(shape))
  let at = 0
  for (const part of parts) {
    labels.set(part.labels, at)
    values.set(await readAll(part), at * sizeOf(shape))
    at += part.count
  }
  return arrayExamples(values, shape, labels, 'evaluator "sample-quality"')
}

/** The examples of all parts, one after the other; nothing is copied. */
export function together(parts: readonly Examples[]): Examples {
  const starts: number[] = []
  let count = 0
  for (const part of parts) {
    starts.push(count)
    count += part.count
  }
  const labels = new Int32Array(count)
  for (const [p, part] of parts.entries()) labels.set(part.labels, starts[p]!)
  const shape = parts[0]?.shape ?? []
  const size = sizeOf(shape)
  return {
    count,
    shape,
    labels,
    async read(indices) {
      const rows = new Float32Array(indices.length * size)
      for (const [p, part] of parts.entries()) {
        const within = [...indices.keys()].filter(
          i => indices[i]! >= starts[p]! && indices[i]! < starts[p]! + part.count,
        )
        if (within.length === 0) continue
        const read = await part.read(Int32Array.from(within, i => indices[i]! - starts[p]!))
        for (const [k, i] of within.entries()) rows.set(read.subarray(k * size, (k + 1) * size), i * size)
      }
      return rows
    },
  }
}

/** Whether two arrays hold the same numbers. */
export function isEqual(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
