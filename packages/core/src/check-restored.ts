import * as tf from '@tensorflow/tfjs'
import type { Params, Rng } from './contracts.js'
import { expected, LgmError, show } from './errors.js'
import { countNumbers } from './params.js'
import { z } from './point.js'
import { createRng } from './rng.js'

/**
 * Checks that tensors out of a file are those that would be made now: the same names, shapes and types.
 * @param make makes them as a new part would, from the numbers it is given; it is refused more than the file could hold
 * @throws LgmError `checkpoint` in the name of `where`, naming what is missing, what is there beside, and what differs.
 * @example
 * checkRestored(nameOf(this), tensors, rng => initMlp([inputs, outputs], rng))
 */
export function checkRestored(where: string, got: Params, make: (rng: Rng) => Params): void {
  tf.tidy(() =>
    checkForms(
      where,
      got,
      orRefused(where, () => make(limited(where, allowance(got)))),
    ),
  )
}

/** As `checkRestored`, where the shapes are known: float32, unless told. */
export function checkShapes(
  where: string,
  got: Params,
  shapes: Readonly<Record<string, readonly number[]>>,
  dtype: (name: string) => tf.DataType = () => 'float32',
): void {
  const wanted = Object.entries(shapes).map(([name, shape]) => [name, { shape, dtype: dtype(name) }] as const)
  checkForms(where, got, Object.fromEntries(wanted))
}

/** The shapes of tensors, by name, as `checkShapes` takes them. */
export function shapesOf(params: Params): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, shape]))
}

/** Values under names with `prefix/` before them. */
export function prefixed<Value>(prefix: string, values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]))
}

/** The error of a state that cannot be taken, whatever was thrown on taking it. */
export function refused(where: string, error: unknown): LgmError {
  if (error instanceof LgmError && error.code === 'checkpoint') return error
  const [issue] = error instanceof z.ZodError ? error.issues : []
  const message = error instanceof Error ? error.message : String(error)
  const got = issue ? `${issue.path.join('.') || 'values'}: ${issue.message}` : message
  return expected(where, 'a state that it can go on from', got, remedy, 'checkpoint')
}

/** What `work` returns. @throws LgmError `checkpoint` whatever it throws. */
export function orRefused<Result>(where: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw refused(where, error)
  }
}

const remedy = 'it is damaged, or was saved with other plugins or options'

type Forms = Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype: string }>>

function checkForms(where: string, got: Forms, wanted: Forms): void {
  const own = (forms: Forms, name: string) => (Object.hasOwn(forms, name) ? forms[name] : undefined)
  const form = (found: Forms[string] | undefined) => found && `${found.dtype} [${found.shape.join(', ')}]`
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(got)])]
  const wrong = names.filter(name => form(own(got, name)) !== form(own(wanted, name)))
  if (wrong.length === 0) return
  const list = (forms: Forms) => wrong.slice(0, 3).map(name => `${show(name)} ${form(own(forms, name)) ?? 'not there'}`)
  const more = wrong.length > 3 ? `, and ${wrong.length - 3} more` : ''
  throw expected(where, list(wanted).join(', ') + more, list(got).join(', '), remedy, 'checkpoint')
}

/** How many numbers may be drawn to make such tensors: some are drawn and not kept. */
function allowance(params: Params): number {
  return 4 * countNumbers(params) + 1000
}

/** Numbers for what is only compared; out of them before a shape out of a file fills the memory. */
function limited(where: string, most: number): Rng {
  let left = most
  const drawing = <Result>(draw: (count: number, below: number) => Result) => {
    return (count: number, below = 0): Result => {
      left -= count
      if (!(left >= 0))
        throw expected(where, 'shapes of the tensors that are there', 'larger ones', remedy, 'checkpoint')
      return draw(count, below)
    }
  }
  const within = (rng: Rng): Rng => ({
    ...rng,
    uniform: drawing(rng.uniform),
    normal: drawing(rng.normal),
    integers: drawing(rng.integers),
    permutation: drawing(rng.permutation),
    fork: name => within(rng.fork(name)),
  })
  return within(createRng(0, '/restored'))
}
