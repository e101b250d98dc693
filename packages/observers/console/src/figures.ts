import type { Measurement } from '@lgm/core'

/** A count with separated thousands, as `1,069,784`. */
export function number(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : value.toPrecision(4)
}

/** A duration in words, as `0.4 s`, `12 s`, `3 min 5 s` or `2 h 10 min`. */
export function seconds(duration: number): string {
  if (duration < 9.95) return `${duration.toFixed(1)} s`
  const whole = Math.round(duration)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** The arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** How a unit is written: fractions as percentages, their differences as points. */
function written(unit: string): { readonly of: (value: number) => string; readonly suffix: string } {
  if (unit === 'fraction') return { of: value => (100 * value).toFixed(2), suffix: ' %' }
  if (unit === 'difference of fractions') return { of: value => (100 * value).toFixed(2), suffix: ' points' }
  return { of: number, suffix: unit === '' || unit === '1' ? '' : ` ${unit}` }
}

/**
 * A measured value with its unit. A series stands for its mean over `axis`; of the same measurement in several runs it is the mean with
 * the standard deviation (over n − 1), as `97.06 ± 0.12 %`.
 */
export function figure(...measurements: readonly Measurement[]): string {
  const means = measurements
    .map(({ value }) => mean((typeof value === 'number' ? [value] : value).filter(entry => entry !== null)))
    .filter(value => !Number.isNaN(value))
  const unit = measurements[0]?.unit ?? ''
  if (means.length === 0) return '–'
  const centre = mean(means)
  if (unit === 's' || unit === 'seconds') return seconds(centre)
  const { of, suffix } = written(unit)
  if (means.length === 1) return `${of(centre)}${suffix}`
  const variance = means.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (means.length - 1)
  return `${of(centre)} ± ${of(Math.sqrt(variance))}${suffix}`
}
