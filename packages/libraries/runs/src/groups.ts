import { isDeepStrictEqual } from 'node:util'
import type { SavedRun } from './runs.js'

/** Runs of one recipe, which differ in their seeds. */
export interface RunGroup {
  readonly name: string
  readonly runs: readonly SavedRun[]
}

/** A place in which two recipes differ. */
export interface RecipeDifference {
  /** Keys and indices: `phases.1.iterations`. */
  readonly path: string
  /** What stands there; undefined where nothing does. */
  readonly left: unknown
  readonly right: unknown
}

type Recipe = SavedRun['recipe']

/** Keys that do not change what a run finds but by chance: the seed, and observers, which say where events go. */
const indifferent = new Set(['seed', 'observers'])

/** Runs whose recipes differ in nothing but the seed and the observers, together, in the order met. Several groups may have one name. */
export function groupRuns(runs: readonly SavedRun[]): readonly RunGroup[] {
  const groups = new Map<string, { name: string; runs: SavedRun[] }>()
  for (const run of runs) {
    const key = canonical(relevant(run.recipe))
    const group = groups.get(key)
    if (group) group.runs.push(run)
    else groups.set(key, { name: nameOf(run), runs: [run] })
  }
  return [...groups.values()]
}

function nameOf({ recipe, report }: SavedRun): string {
  return typeof recipe.name === 'string' ? recipe.name : (report.name ?? 'run')
}

/** Where two recipes differ, but for the seed and the observers, in the order of their keys. */
export function recipeDifferences(left: Recipe, right: Recipe): readonly RecipeDifference[] {
  return differences(relevant(left), relevant(right), [])
}

function relevant(recipe: Recipe): Recipe {
  return Object.fromEntries(Object.entries(recipe).filter(([key]) => !indifferent.has(key)))
}

function differences(left: unknown, right: unknown, path: readonly string[]): readonly RecipeDifference[] {
  if (isDeepStrictEqual(left, right)) return []
  if (!isBranch(left) || !isBranch(right) || Array.isArray(left) !== Array.isArray(right))
    return [{ path: path.join('.'), left, right }]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap(key =>
    differences(own(left, key), own(right, key), [...path, key]),
  )
}

type Branch = Readonly<Record<string, unknown>>

function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null
}

function own(branch: Branch, key: string): unknown {
  return Object.hasOwn(branch, key) ? branch[key] : undefined
}

/** Data as text, keys sorted, so that equal data are equal texts and others are not. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isBranch(value)) return typeof value === 'string' ? JSON.stringify(value) : String(value)
  const entries = Object.keys(value).sort()
  return `{${entries.map(key => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`
}
