import 'reflect-metadata'
import { type DependencyContainer, injectable, container as root, inject as tsyringeInject } from 'tsyringe'
import { Events, Options, Rng, type Stateful, Trainer, Twins } from './contracts.js'
import { LgmError } from './errors.js'
import { disposeParams } from './params.js'
import type { Definition, Plugin, Point } from './point.js'

const asked = new WeakMap<object, Set<Point<unknown>>>()

/**
 * Injects what stands at a point: one plugin, `undefined` at an empty optional point, or an array at a point that takes many.
 * Every constructor parameter of a plugin carries one.
 */
export function inject(point: Point<unknown>): ParameterDecorator {
  return (target, ...parameter) => {
    asked.set(target, (asked.get(target) ?? new Set()).add(point))
    tsyringeInject(point.token)(target, ...parameter)
  }
}

/** The points and services that a plugin is built with: those that its constructor asks for, in order, and those that it requires. */
export function needsOf(definition: Definition): readonly Point<unknown>[] {
  // decorators of parameters run from the last to the first
  return [...new Set([...[...(asked.get(definition.class) ?? [])].reverse(), ...(definition.requires ?? [])])]
}

const names = new WeakMap<object, string>()

/** The name under which a composed plugin appears in terms, states and reports, such as `regularizer/ewc`. */
export function nameOf(part: unknown): string {
  return (typeof part === 'object' && part !== null && names.get(part)) || 'unnamed'
}

/** The parts of a learner, built and checked. */
export interface Composition {
  /** The plugin at a point that takes one, or `undefined`. */
  one<Contract>(point: Point<Contract>): Contract | undefined
  /** All plugins at a point, in the order given. */
  all<Contract>(point: Point<Contract>): readonly Contract[]
  /** Every part with its name. */
  readonly parts: ReadonlyMap<string, unknown>
  /** Each plugin's Rng, by the plugin's name. */
  readonly rngs: ReadonlyMap<string, Rng>
}

/** The services that plugins may ask for. */
export interface Services {
  readonly rng: Rng
  readonly trainer: Trainer
  readonly events: Events
}

/**
 * Builds every plugin in a child container of its own, after checking arity and requirements.
 * @throws LgmError `composition` when a point has too few or too many plugins, or plugins ask for each other in a circle.
 */
export function compose(
  plugins: readonly Plugin[],
  required: readonly Point<unknown>[],
  points: readonly Point<unknown>[],
  services: Services,
): Composition {
  const named = nameParts(plugins)
  checkArity(plugins, required)
  const parent = root.createChildContainer()
  parent.registerInstance(Trainer.token, services.trainer)
  parent.registerInstance(Events.token, services.events)
  const rngs = new Map<string, Rng>()
  const built = new Map<string, unknown>()
  const underway: string[] = []
  const refusals: LgmError[] = []

  const build = (name: string, plugin: Plugin): unknown => {
    if (built.has(name)) return built.get(name)
    if (underway.includes(name)) {
      const circle = [...underway, name].join(' → ')
      refusals.push(
        new LgmError(
          'composition',
          `composition: expected plugins that do not need each other in a circle, got ${circle}; remove one of them`,
        ),
      )
      throw refusals[0]
    }
    underway.push(name)
    const rng = services.rng.fork(name)
    const part = make(name, plugin, rng)
    underway.pop()
    rngs.set(name, rng)
    built.set(name, part)
    return part
  }

  const make = (name: string, plugin: Plugin, rng: Rng): object => {
    const child = parent.createChildContainer()
    child.registerInstance(Options.token, plugin.options)
    child.registerInstance(Rng.token, rng)
    const part = construct(child, plugin.definition, name, refusals)
    names.set(part, name)
    return part
  }

  const at = (point: Point<unknown>) => named.filter(([, plugin]) => plugin.definition.point.token === point.token)
  const twins: Twins = {
    of<Contract extends Stateful>(point: Point<Contract>, rng: Rng): Contract | undefined {
      const [name, plugin] = at(point)[0] ?? []
      if (!name || !plugin) return undefined
      const twin = make(name, plugin, rng) as Contract
      const state = (built.get(name) as Contract).state()
      twin.restore(state)
      disposeParams(state.tensors)
      return twin
    },
  }
  parent.registerInstance(Twins.token, twins)
  const allPoints = new Map(
    [...points, ...plugins.map(plugin => plugin.definition.point)].map(point => [point.token, point]),
  )
  for (const point of allPoints.values()) {
    const members = at(point)
    parent.register(point.token, {
      useFactory: () => {
        const parts = members.map(([name, plugin]) => build(name, plugin))
        return point.arity === 'many' ? parts : parts[0]
      },
    })
  }
  for (const [name, plugin] of named) build(name, plugin)
  const all = <Contract>(point: Point<Contract>) => at(point).map(([name]) => built.get(name) as Contract)
  return { one: point => all(point)[0], all, parts: new Map(named.map(([name]) => [name, built.get(name)])), rngs }
}

/** Builds one part. The container wraps the errors of what it injects: `refusals` remembers them as they were thrown. */
function construct(child: DependencyContainer, definition: Definition, name: string, refusals: LgmError[]): object {
  try {
    injectable()(definition.class)
    return child.resolve(definition.class as new () => object)
  } catch (error) {
    if (error instanceof LgmError) refusals.push(error)
    if (refusals[0]) throw refusals[0]
    if (!/TypeInfo not known|Cannot inject|unregistered dependency/.test(String(error))) throw error
    const refusal = new LgmError(
      'composition',
      `${name}: expected a constructor whose parameters all carry @inject of a known point, got: ${String(error).split('\n')[0]}; see docs/writing-a-plugin.md`,
    )
    refusals.push(refusal)
    throw refusal
  }
}

/** `point/name`, and `point/name-2` for the second of the same kind. */
function nameParts(plugins: readonly Plugin[]): [string, Plugin][] {
  const counts = new Map<string, number>()
  return plugins.map(plugin => {
    const name = `${plugin.definition.point.name}/${plugin.definition.name}`
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return [count === 1 ? name : `${name}-${count}`, plugin]
  })
}

function checkArity(plugins: readonly Plugin[], required: readonly Point<unknown>[]): void {
  const members = (point: Point<unknown>) => plugins.filter(plugin => plugin.definition.point.token === point.token)
  for (const point of required)
    if (members(point).length === 0)
      throw new LgmError(
        'composition',
        `composition: expected one ${point.name}, got none; add a plugin of the point "${point.name}"`,
      )
  for (const { definition } of plugins) {
    const { point } = definition
    const found = members(point)
    if (point.arity !== 'many' && found.length > 1)
      throw new LgmError(
        'composition',
        `composition: expected at most one ${point.name}, got ${found.map(plugin => plugin.definition.name).join(' and ')}; remove all but one`,
      )
    for (const need of definition.requires ?? [])
      if (members(need).length === 0)
        throw new LgmError(
          'composition',
          `${point.name} "${definition.name}": expected a ${need.name} beside it, got none; add a plugin of the point "${need.name}"`,
        )
  }
}
