/** Numbers as people read them. What is not there is a dash. */

const missing = '–'

/** Up to four significant digits, thousands apart; powers of ten beyond. */
export function plain(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return missing
  if (value === 0 || !Number.isFinite(value)) return String(value).replace('-', '−')
  const size = Math.abs(value)
  if (size >= 1e9 || size < 1e-4) return value.toExponential(2).replaceAll('-', '−')
  const digits = size >= 1000 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(size)))
  const text = Number.isInteger(value) ? String(size) : size.toFixed(digits)
  return `${value < 0 ? '−' : ''}${grouped(text)}`
}

function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.')
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction === undefined ? '' : `.${fraction}`}`
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/** A number on an axis: no more digits than it has, powers of ten beyond thousandths and ten thousands. */
export function tick(value: number): string {
  const size = Math.abs(value)
  if (size < 1e-12) return '0'
  const exponent = Math.round(Math.log10(size))
  if (size >= 1e15 || size < 9.99e-4) {
    const digits = [...String(Math.abs(exponent))].map(digit => superscripts[Number(digit)]).join('')
    const factor = Number((value / 10 ** exponent).toPrecision(3))
    const power = `10${exponent < 0 ? '⁻' : ''}${digits}`
    return factor === 1 ? power : factor === -1 ? `−${power}` : `${String(factor).replace('-', '−')}·${power}`
  }
  return (size >= 1e4 ? compact(value) : String(Number(value.toPrecision(6)))).replace('-', '−')
}

/** A fraction in percent, without the sign: 0.9731 is 97.3. */
export function percent(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return missing
  return (100 * value).toFixed(digits).replace('-', '−')
}

/** In thousands, millions and so on: 1139058 is 1.14 M. */
export function compact(value: number): string {
  for (const [sign, unit] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (Math.abs(value) >= 0.9995 * unit) return `${Number((value / unit).toPrecision(3))} ${sign}`
  return String(Number(value.toPrecision(3)))
}

/** 1716000 is 1.72 MB. */
export function bytes(value: number): string {
  return Math.abs(value) < 1000 ? `${value} B` : `${compact(value)}B`
}

/** Seconds, minutes and hours. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Number((1000 * seconds).toPrecision(2))} ms`
  if (seconds < 100) return `${Number(seconds.toPrecision(3))} s`
  const whole = Math.round(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${rest} s`
}

/** A figure in its unit: fractions are percent. */
export function figure(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return missing
  if (unit === 'fraction' || unit === 'difference of fractions') return `${percent(value, 2)} %`
  if (unit === 'bytes') return bytes(value)
  if (unit === 'seconds' || unit === 's') return duration(value)
  return plain(value)
}
