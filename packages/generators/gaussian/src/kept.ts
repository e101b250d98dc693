import { type Params, z } from '@lgm/core'
import { rowAt } from './cholesky.js'
import type { Components } from './components.js'

/** What is kept beside the tensors. */
export const stored = z.object({
  shape: z.array(z.int().positive()),
  classes: z.array(z.object({ label: z.int().min(0), met: z.number() })),
})

/** The shapes of the tensors of these classes, for codes of `d` numbers and as many components as there are weights. */
export function shapesFor(
  tensors: Params,
  d: number,
  labels: readonly number[],
  covariance: Components['covariance'],
): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {}
  for (const label of labels) {
    const count = tensors[`${label}/weights`]?.size || 1
    shapes[`${label}/weights`] = [count]
    shapes[`${label}/means`] = [count, d]
    if (covariance !== 'shared') shapes[`${label}/factors`] = [count, covariance === 'full' ? rowAt(d) : d]
  }
  if (covariance === 'shared' && labels.length > 0) shapes.pooled = [rowAt(d)]
  return shapes
}
