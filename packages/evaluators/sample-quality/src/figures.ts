import type { Measurement } from '@lgm/core'

/** A value for each class, by id; `null` where there is nothing to measure. */
export type Series = (number | null)[]

/** No value for any class yet. */
export function blank(classes: number): Series {
  return new Array<number | null>(classes).fill(null)
}

/** A figure with a value for each class. */
export function byClass(name: string, value: Series, unit: string, aggregation: string): Measurement {
  return { name, value, unit, axis: 'class', aggregation }
}

/**
 * The figures after the last task, those of classes as `mean-…`. There is no mean log-likelihood where a class has none: it would be
 * the better for what is deemed impossible.
 */
export function atTheEnd(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
  return (rows.at(-1) ?? []).flatMap(({ name, value, unit, aggregation }) => {
    if (typeof value === 'number') return [{ name, value, unit, aggregation: `${aggregation}; at the end` }]
    if (name === 'log-likelihood' && value.includes(null)) return []
    const measured = value.filter(figure => figure !== null)
    if (measured.length === 0) return []
    const mean = measured.reduce((sum, figure) => sum + figure, 0) / measured.length
    return [{ name: `mean-${name}`, value: mean, unit, aggregation: `${aggregation}; mean over classes, at the end` }]
  })
}
