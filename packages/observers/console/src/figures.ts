import type { Measurement } from '@lgm/core'

/** A count with separated thousands, as `1,069,784`. */
export function number(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : value.toPrecision(4)
}

/** A duration in words, as `0.4 s`, `12 s`, `3 min 5 s` or `2 h 10 min`. */
export function seconds(duration: number): string {
  if (duration < 10) return `${duration.toFixed(1)} s`
  const whole = Math.round(duration)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** A measured value with its unit: fractions as percentages, durations in words, a series as its mean over `axis`. */
export function figure({ value, unit }: Measurement): string {
  const known = (typeof value === 'number' ? [value] : value).filter(entry => entry !== null)
  if (known.length === 0) return '–'
  const mean = known.reduce((sum, entry) => sum + entry, 0) / known.length
  if (unit === 's' || unit === 'seconds') return seconds(mean)
  if (unit === 'fraction') return `${(100 * mean).toFixed(2)} %`
  if (unit === 'difference of fractions') return `${(100 * mean).toFixed(2)} points`
  return unit === '' || unit === '1' ? number(mean) : `${number(mean)} ${unit}`
}
