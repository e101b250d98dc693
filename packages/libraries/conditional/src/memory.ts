import { checkRestored, checkShape, type Examples, expected, type Params, type Rng, sizeOf, z } from '@lgm/core'

/** What a generator has memorized: the shape of its codes, the classes by id, and the tasks so far. */
export interface Memorized {
  readonly shape: readonly number[]
  readonly known: ReadonlySet<number>
  readonly tasks: number
}

/** `Memorized` in the values of a state. */
export function memorizedValues({ shape, known, tasks }: Memorized) {
  return { shape: [...shape], known: [...known], tasks }
}

/** Far above what any generator has met: a number out of a file decides how long rows are. */
const mostClasses = 1e6

/** Reads `memorizedValues`, among other values or alone. */
export const memorizedSchema = z
  .object({
    shape: z.array(z.int().positive()),
    known: z.array(z.int().min(0).max(mostClasses)),
    tasks: z.int().min(0),
  })
  .transform(({ shape, known, tasks }): Memorized => ({ shape, known: new Set(known), tasks }))

/** Of a generator that has met nothing yet. */
export const nothingMemorized: Memorized = { shape: [], known: new Set(), tasks: 0 }

/** What will have been memorized when `fresh` is. */
export function after({ known, tasks }: Memorized, fresh: Examples): Memorized {
  return { shape: fresh.shape, known: new Set([...known, ...fresh.labels]), tasks: tasks + 1 }
}

/**
 * Checks that tensors out of a file are the parameters of a network that has memorized this: none, or those that `make` would make for as
 * many classes, from numbers it is given.
 * @throws LgmError `checkpoint` in the name of `where`.
 */
export function checkNetworks(
  where: string,
  tensors: Params,
  { shape, known, tasks }: Memorized,
  make: (classes: number, rng: Rng) => Params,
): void {
  checkRestored(where, tensors, rng => {
    if (tasks === 0) return {}
    // no network has fewer numbers than codes have: a shape that is too large ends here
    rng.uniform(sizeOf(shape))
    return make(classesIn(known), rng)
  })
}

/** How many classes one-hot labels need room for. */
export function classesIn(known: ReadonlySet<number>): number {
  return Math.max(-1, ...known) + 1
}

/**
 * Checks what one network for all classes can be trained on: codes of one shape, and recall of the old classes after the first task.
 * @throws LgmError `data` or `input` in the name of `where`.
 */
export function checkRehearsal(
  where: string,
  { shape, known, tasks }: Memorized,
  fresh: Examples,
  recall: Examples | undefined,
): void {
  for (const examples of recall ? [fresh, recall] : [fresh])
    checkShape(where, tasks > 0 ? shape : fresh.shape, examples)
  if (tasks > 0 && !recall)
    throw expected(
      where,
      `recall of the classes ${[...known].join(', ')}`,
      'none',
      'put the phase "recall" before "memorize"',
    )
}

/**
 * Checks that no class returns, for a way to keep old classes that holds what the network makes of them.
 * @throws LgmError `input` in the name of `where`.
 */
export function checkNew(where: string, { known }: Memorized, fresh: Examples, remedy: string): void {
  const again = [...new Set(fresh.labels)].find(label => known.has(label))
  if (again !== undefined)
    throw expected(where, 'classes that are new, as outputs for old ones are held', `class ${again} again`, remedy)
}
