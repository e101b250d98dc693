import type { Rng } from '@lgm/core'

/**
 * A pass over 0 to `count` − 1 in the order i ↦ (start + i · stride) mod count with a stride that has no factor in common with the count,
 * so that each is drawn once; `drawn` of them were. When all were, a new pass begins.
 */
export interface Pass {
  readonly count: number
  readonly start: number
  readonly stride: number
  readonly drawn: number
}

/** A pass that has yet to begin. */
export function newPass(count: number): Pass {
  return { count, start: 0, stride: 1, drawn: count }
}

/** The next index of a pass, and what is left of it. */
export function advance(pass: Pass, rng: Rng): { readonly index: number; readonly pass: Pass } {
  const { count, start, stride, drawn } = pass.drawn < pass.count ? pass : begin(pass.count, rng)
  return { index: (start + drawn * stride) % count, pass: { count, start, stride, drawn: drawn + 1 } }
}

function begin(count: number, rng: Rng): Pass {
  const start = rng.integers(1, count)[0]!
  let stride = 1 + rng.integers(1, count)[0]!
  while (divisor(stride, count) > 1) stride = (stride % count) + 1
  return { count, start, stride, drawn: 0 }
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
