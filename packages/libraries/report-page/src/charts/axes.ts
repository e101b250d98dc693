import type { Part } from '../draw.js'
import { tick } from '../numbers.js'
import { standIn } from '../palette.js'

/** What an axis counts, with its unit, and how its numbers are written. */
export interface Axis {
  readonly name: string
  readonly kind?: 'value' | 'log' | 'whole'
  readonly min?: number
  readonly max?: number
  /** From one number to the next. */
  readonly interval?: number
  readonly format?: (value: number) => string
}

/** The place of a chart, as large as labels and names leave it. */
export const grid: Part = {
  left: 6,
  right: 14,
  top: 14,
  bottom: 6,
  outerBoundsMode: 'same',
  outerBoundsContain: 'all',
}

const label = { color: standIn('soft'), fontSize: 12, hideOverlap: true }
const lines = {
  axisLine: { show: true, lineStyle: { color: standIn('axis') }, onZero: false },
  axisTick: { show: false },
  minorTick: { show: false },
  splitLine: { show: true, lineStyle: { color: standIn('line') } },
}

function named(name: string, gap: number): Part {
  return { name, nameLocation: 'middle', nameGap: gap, nameTextStyle: { color: standIn('soft'), fontSize: 12 } }
}

/** An axis of numbers. */
export function numbers(axis: Axis, along: 'x' | 'y'): Part {
  const { name, kind = 'value', min, max, interval, format } = axis
  const bounds = { ...(min !== undefined && { min }), ...(max !== undefined && { max }), ...(interval && { interval }) }
  return {
    ...lines,
    ...named(name, along === 'x' ? 26 : 12),
    ...(along === 'y' && { nameMoveOverlap: true }),
    type: kind === 'log' ? 'log' : 'value',
    ...(kind === 'whole' && { minInterval: 1 }),
    ...(kind === 'value' && min === undefined && { scale: true }),
    ...bounds,
    ...(along === 'x' && { splitLine: { show: false } }),
    axisLabel: { ...label, formatter: (value: number) => (format ?? tick)(value) },
  }
}

/** An axis of names; `cut` is the length beyond which they end in dots. */
export function names(all: readonly string[], name: string, along: 'x' | 'y', cut: number): Part {
  return {
    ...lines,
    ...named(name, along === 'x' ? 26 : 12),
    type: 'category',
    data: all,
    splitLine: { show: false },
    ...(along === 'y' && { inverse: true }),
    axisLabel: { ...label, formatter: (text: string) => shortened(text, cut) },
  }
}

/** A text of at most `length` characters. */
export function shortened(text: string, length: number): string {
  const characters = [...text]
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : text
}
