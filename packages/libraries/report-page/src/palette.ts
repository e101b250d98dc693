/**
 * The colours of the page, by name, in a light and a dark theme. Charts are drawn with a stand-in for each name, which becomes
 * `var(--name)` afterwards: so a chart follows the reader's theme without being drawn twice.
 */

/** Levels of the heat map, from nothing to all. */
export const heatLevels = 21
/** Steps of the colours that tell tasks by their order. */
export const orderSteps = 12
/** Colours that tell things apart that have no order. */
export const seriesColours = 8

interface Theme {
  readonly named: Readonly<Record<string, string>>
  readonly series: readonly string[]
  readonly order: readonly string[]
  readonly heat: readonly string[]
}

const light: Theme = {
  named: {
    ground: '#f4f6f8',
    card: '#ffffff',
    ink: '#17202b',
    soft: '#566171',
    line: '#e4e8ed',
    axis: '#a9b2be',
    accent: '#1a5fb4',
    wash: '#eaf1fb',
  },
  // Okabe & Ito, darker where they were pale: told apart by the colour-blind
  series: ['#0072b2', '#c84e00', '#00835f', '#b4538a', '#8a6b00', '#2b93cc', '#7a1f4d', '#5b4bb0'],
  order: ['#3430a8', '#8a2cb4', '#cf3f7f', '#de6a18'],
  heat: ['#edf3fb', '#a6cbee', '#3d87cc', '#0a3d87'],
}

const dark: Theme = {
  named: {
    ground: '#10151c',
    card: '#19212b',
    ink: '#e8edf3',
    soft: '#9eabba',
    line: '#2b3541',
    axis: '#566373',
    accent: '#7fb6ff',
    wash: '#1f2c3d',
  },
  series: ['#4fb0ea', '#ff9350', '#36c99b', '#ef96c6', '#e5c453', '#9ad5ff', '#e06b9d', '#ab9cff'],
  order: ['#8f90ff', '#cc85f2', '#ff85ad', '#ffbd75'],
  heat: ['#202c3b', '#1d4d80', '#3b8ad6', '#b5dcff'],
}

/** A colour by its place in a list of colours without order. */
export const seriesColour = (index: number) => standIn(`s${index % seriesColours}`)
/** The colour of the item at `index` of `count` in order. */
export const orderColour = (index: number, count: number) => standIn(`q${stepOf(index, count)}`)
/** The name of that colour, as the style sheet knows it. */
export const orderVariable = (index: number, count: number) => `--q${stepOf(index, count)}`
/** The level of a fraction from 0 to 1. */
export const heatLevel = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * (heatLevels - 1))
export const heatColour = (level: number) => standIn(`h${level}`)
/** The colour of text upon that level. */
export const heatText = (level: number) => standIn(`t${level}`)

function stepOf(index: number, count: number): number {
  return count <= 1 ? 0 : Math.round((index / (count - 1)) * (orderSteps - 1))
}

const lightColours = coloursOf(light)
const names = Object.keys(lightColours)

/** What a chart is drawn with in the place of the colour `name`. */
export function standIn(name: string): string {
  const at = names.indexOf(name)
  if (at < 0) throw new Error(`no colour ${name}`)
  return `#fa0${at.toString(16).padStart(3, '0')}`
}

/** A drawing with the names of colours in the place of the stand-ins. */
export function themed(drawing: string): string {
  return drawing.replace(/#fa0([0-9a-f]{3})\b/g, (_, digits: string) => `var(--${names[Number.parseInt(digits, 16)]})`)
}

/** The rules that give every name its colour, by what the reader prefers; on paper the light ones. */
export function paletteRules(): string {
  const rule = (theme: Theme) =>
    Object.entries(coloursOf(theme))
      .map(([name, colour]) => `--${name}:${colour}`)
      .join(';')
  return [
    `:root{color-scheme:light dark;${rule(light)}}`,
    `@media screen and (prefers-color-scheme:dark){:root{${rule(dark)}}}`,
  ].join('\n')
}

function coloursOf({ named, series, order, heat }: Theme): Record<string, string> {
  const colours: Record<string, string> = { ...named }
  for (const [i, colour] of series.entries()) colours[`s${i}`] = colour
  for (let i = 0; i < orderSteps; i++) colours[`q${i}`] = between(order, i / (orderSteps - 1))
  for (let i = 0; i < heatLevels; i++) {
    const fill = between(heat, i / (heatLevels - 1))
    colours[`h${i}`] = fill
    colours[`t${i}`] = contrast(fill, '#ffffff') >= contrast(fill, '#000000') ? '#ffffff' : '#000000'
  }
  return colours
}

/** The colour at `part`, 0 to 1, of the way along anchors. */
function between(anchors: readonly string[], part: number): string {
  const at = part * (anchors.length - 1)
  const left = Math.min(Math.floor(at), anchors.length - 2)
  const [from, to] = [channels(anchors[left]!), channels(anchors[left + 1]!)]
  const mixed = from.map((channel, k) => Math.round(channel + (to[k]! - channel) * (at - left)))
  return `#${mixed.map(channel => channel.toString(16).padStart(2, '0')).join('')}`
}

/** How well two colours are told apart, 1 to 21, as the accessibility guidelines (WCAG 2) define it. */
export function contrast(a: string, b: string): number {
  const [dark, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (bright + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [r, g, b] = channels(colour).map(channel => {
    const part = channel / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function channels(colour: string): readonly number[] {
  return [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16))
}

/** The colours of both themes, for checks of their contrast. */
export const themes = { light: lightColours, dark: coloursOf(dark) }
