import type { Measurement } from '@lgm/core'

/** A count with separated thousands, as `1,069,784`; what is no count with four digits. */
export function number(value: number): string {
  if (Number.isInteger(value) || (Math.abs(value) >= 1000 && Math.abs(value) < 1e15))
    return Math.round(value).toLocaleString('en-US')
  return value.toPrecision(4)
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

/** A value with its unit, and behind ± how far it may be off, if that is given: `97.06 ± 0.12 %`, `3 min 5 s ± 4.0 s`. */
export function quantity(value: number, unit: string, off?: number): string {
  if (unit === 's' || unit === 'seconds') return [value, ...(off === undefined ? [] : [off])].map(seconds).join(' ± ')
  const { of, suffix } = written(unit)
  return `${of(value)}${off === undefined ? '' : ` ± ${of(off)}`}${suffix}`
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
  if (means.length === 1 || unit === 's' || unit === 'seconds') return quantity(centre, unit)
  const variance = means.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (means.length - 1)
  return quantity(centre, unit, Math.sqrt(variance))
}
