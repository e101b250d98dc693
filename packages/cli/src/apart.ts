import { expected, show } from '@lgm/core'
import { type RecipeDifference, type RunGroup, recipeDifferences } from '@lgm/runs'

/** A message names no more differences than this. */
const mostNamed = 8

/**
 * Refuses groups of one name, whose recipes then differ in more than the seed.
 * @throws LgmError `comparison` that says in what, with both values.
 */
export function refuseTwins(groups: readonly RunGroup[]): void {
  for (const [index, group] of groups.entries()) {
    const first = groups.find(({ name }) => name === group.name)!
    if (first === groups[index]) continue
    const differences = recipeDifferences(first.runs[0]!.recipe, group.runs[0]!.recipe)
    const named = differences
      .slice(0, mostNamed)
      .map(({ path, left, right }) => `${path} ${value(left)} and ${value(right)}`)
    const more = differences.length > mostNamed ? `, and ${differences.length - mostNamed} more` : ''
    throw expected(
      `runs named ${group.name}`,
      'recipes that differ in nothing but the seed',
      `${named.join(', ')}${more} in ${first.runs[0]!.folder} and ${group.runs[0]!.folder}`,
      'no mean is taken over them: add --apart for a row each, or name only the folders that belong together',
      'comparison',
    )
  }
}

/** Groups under names of their own: those of one name are told apart by the values in which they differ, as `ewc (head.gain=2)`. */
export function toldApart(groups: readonly RunGroup[]): readonly RunGroup[] {
  const twins = new Map<string, RunGroup[]>()
  for (const group of groups) twins.set(group.name, [...(twins.get(group.name) ?? []), group])
  const names = new Map([...twins.values()].flatMap(same => [...labels(same)]))
  return groups.map(group => ({ ...group, name: names.get(group)! }))
}

/** As few of the differing values as tell the groups apart, in the order of the recipe; words about the recipe come last. */
function labels(same: readonly RunGroup[]): ReadonlyMap<RunGroup, string> {
  if (same.length === 1) return new Map([[same[0]!, same[0]!.name]])
  const [first, ...others] = same.map(({ runs }) => runs[0]!.recipe)
  const differences = others.flatMap(other => recipeDifferences(first!, other))
  const paths = [...new Set(differences.map(pathOf))].sort((a, b) => Number(isAbout(a)) - Number(isAbout(b)))
  for (let count = 1; count <= paths.length; count++) {
    const named = same.map(({ name, runs }) => {
      const values = paths.slice(0, count).map(path => `${path}=${value(valueAt(runs[0]!.recipe, path))}`)
      return `${name} (${values.join(', ')})`
    })
    if (new Set(named).size === same.length) return new Map(same.map((group, k) => [group, named[k]!]))
  }
  return new Map(same.map((group, k) => [group, `${group.name} (${k + 1})`]))
}

function pathOf({ path }: RecipeDifference): string {
  return path
}

function isAbout(path: string): boolean {
  return path === 'description'
}

function valueAt(recipe: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (from, key) =>
        typeof from === 'object' && from !== null && Object.hasOwn(from, key)
          ? (from as Readonly<Record<string, unknown>>)[key]
          : undefined,
      recipe,
    )
}

function value(of: unknown): string {
  return of === undefined ? 'nothing' : typeof of === 'string' && /^[\w./-]{1,40}$/.test(of) ? of : show(of)
}
