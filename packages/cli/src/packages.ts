import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  corePlugins,
  expected,
  isPluginFactory,
  LgmError,
  nearest,
  type PluginFactory,
  type Point,
  show,
} from '@lgm/core'

/** A plugin that was found, and where. */
export interface Found {
  readonly factory: PluginFactory
  /** `@lgm/core`, the package's name, or the path of a file. */
  readonly from: string
  readonly version: string | undefined
}

/** A plugin package that stands in some node_modules folder, by its name only; it was not loaded. */
export interface Installed {
  readonly point: string
  readonly name: string
  readonly package: string
  readonly folder: string
}

/** The part of a package.json that matters here. */
interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly main?: string
  readonly exports?: unknown
}

/** This package's own folder: where the command's dependencies are found. */
const own = dirname(dirname(fileURLToPath(import.meta.url)))

/** Run from its sources, the command takes the sources of its plugins, so that there is one core. */
const conditions = new Set(['node', 'import', 'default', ...(import.meta.url.endsWith('.ts') ? ['source'] : [])])

/**
 * Finds and loads the plugin that a recipe names in the place of a point. A short name, `ewc` at `regularizer`, is core's own, else that of the
 * package `@lgm/regularizer-ewc`, else of `lgm-regularizer-ewc`; what starts with `.`, `/` or `@`, or holds a `/`, is a file
 * or package in full, with `#name` after it where it exports several plugins of the point. Packages are looked for from each of `bases`
 * upwards, then from this command.
 * @throws LgmError `plugin` when there is none, or it does not load.
 */
export async function findPlugin(
  point: Point<unknown> | undefined,
  use: string,
  bases: readonly string[],
): Promise<Found> {
  const full = /^[./@]|\//.test(use) || isAbsolute(use)
  if (!full && point) return findByName(point, use, bases)
  const [path = '', name] = use.split('#')
  const where = `plugin "${path}"`
  if (/^\.|^\//.test(path) || isAbsolute(path)) {
    const file = resolve(bases[0] ?? '.', path)
    if (!existsSync(file))
      throw expected(
        where,
        'a file or folder',
        `none at ${file}`,
        'correct the path: it counts from the recipe',
        'plugin',
      )
    const entry = statSync(file).isDirectory() ? entryOf(file, where) : file
    return { factory: await load(entry, point, name, where), from: file, version: undefined }
  }
  const [, packageName = '', subpath = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(path) ?? []
  const folder = packageFolder(packageName, bases)
  if (!folder)
    throw new LgmError('plugin', `package "${packageName}" is not installed; add it with: pnpm add ${packageName}`)
  return loadPackage(folder, packageName, `.${subpath}`, point, name, where)
}

async function findByName(point: Point<unknown>, name: string, bases: readonly string[]): Promise<Found> {
  const builtIn = corePlugins.find(
    ({ definition }) => definition.point.token === point.token && definition.name === name,
  )
  if (builtIn)
    return { factory: builtIn, from: '@lgm/core', version: manifestOf(packageFolder('@lgm/core', []) ?? own).version }
  const where = `${point.name} "${name}"`
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
    throw expected(
      point.name,
      'the name of a plugin, or a path or package in full',
      show(name),
      'names are in lower case',
      'plugin',
    )
  for (const packageName of packageNames(point, name)) {
    const folder = packageFolder(packageName, bases)
    if (folder) return loadPackage(folder, packageName, '.', point, name, where)
  }
  throw notInstalled(point, name, bases)
}

/**
 * Everything that the package of a plugin exports.
 * @throws LgmError `plugin` when it is not installed or does not load.
 */
export async function findExports(
  point: Point<unknown>,
  name: string,
  bases: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  for (const packageName of packageNames(point, name)) {
    const folder = packageFolder(packageName, bases)
    const where = `${point.name} "${name}"`
    if (folder) return importModule(entryOf(folder, where), where)
  }
  throw notInstalled(point, name, bases)
}

function packageNames(point: Point<unknown>, name: string): readonly string[] {
  return [`@lgm/${point.name}-${name}`, `lgm-${point.name}-${name}`]
}

function notInstalled(point: Point<unknown>, name: string, bases: readonly string[]): LgmError {
  const known = knownNames(point, bases)
  const near = nearest(name, known)
  const remedy = near ? `did you mean "${near}"?` : `add it with: pnpm add @lgm/${point.name}-${name}`
  return new LgmError('plugin', `${point.name} "${name}" is not installed; ${remedy}`)
}

/** The short names that a recipe can use at a point here. */
export function knownNames(point: Point<unknown>, bases: readonly string[]): readonly string[] {
  const builtIn = corePlugins.filter(({ definition }) => definition.point.token === point.token)
  const installed = installedPlugins([point], bases)
  return [...builtIn.map(({ definition }) => definition.name), ...installed.map(({ name }) => name)]
}

/** The plugin packages that are installed for some points, found by their names; the nearest of each name. */
export function installedPlugins(points: readonly Point<unknown>[], bases: readonly string[]): readonly Installed[] {
  const found = new Map<string, Installed>()
  for (const modules of moduleFolders(bases))
    for (const point of points)
      for (const prefix of [`@lgm/${point.name}-`, `lgm-${point.name}-`]) {
        const [start, scope] = prefix.startsWith('@') ? [prefix.slice(5), '@lgm'] : [prefix, '']
        for (const entry of entriesOf(join(modules, scope))) {
          const name = entry.slice(start.length)
          const folder = join(modules, scope, entry)
          if (
            !entry.startsWith(start) ||
            found.has(`${point.name}/${name}`) ||
            !existsSync(join(folder, 'package.json'))
          )
            continue
          found.set(`${point.name}/${name}`, { point: point.name, name, package: `${prefix}${name}`, folder })
        }
      }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name))
}

/** Loads an installed plugin. @throws LgmError `plugin` when it does not load. */
export async function loadInstalled(installed: Installed, point: Point<unknown>): Promise<Found> {
  const { folder, name } = installed
  return loadPackage(folder, installed.package, '.', point, name, `${point.name} "${name}"`)
}

/** The folder of a package as seen from `bases`, then from this command. */
export function packageFolder(name: string, bases: readonly string[]): string | undefined {
  return moduleFolders(bases)
    .map(modules => join(modules, name))
    .find(folder => existsSync(join(folder, 'package.json')))
}

/** The version of a package as seen from `bases`, then from this command. */
export function packageVersion(name: string, bases: readonly string[]): string | undefined {
  const folder = packageFolder(name, bases)
  return folder && manifestOf(folder).version
}

function moduleFolders(bases: readonly string[]): readonly string[] {
  return [
    ...new Set([...bases, own].flatMap(base => upwards(resolve(base)).map(folder => join(folder, 'node_modules')))),
  ]
}

function upwards(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...upwards(parent)]
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

async function loadPackage(
  folder: string,
  packageName: string,
  subpath: string,
  point: Point<unknown> | undefined,
  name: string | undefined,
  where: string,
): Promise<Found> {
  const factory = await load(entryOf(folder, where, subpath), point, name, where)
  return { factory, from: packageName, version: manifestOf(folder).version }
}

function manifestOf(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  } catch (error) {
    throw expected(
      folder,
      'a package.json that can be read',
      (error as Error).message.split('\n')[0]!,
      'install the package again',
      'plugin',
    )
  }
}

/** The file that `import` would take, by the package's `exports` or `main`. */
function entryOf(folder: string, where: string, subpath = '.'): string {
  const { exports, main } = manifestOf(folder)
  const ofPackage =
    typeof exports === 'object' && exports !== null && Object.keys(exports).some(key => key.startsWith('.'))
  const target = ofPackage
    ? (exports as Record<string, unknown>)[subpath]
    : subpath === '.'
      ? (exports ?? main ?? 'index.js')
      : undefined
  const file = pick(target)
  if (file === undefined)
    throw expected(
      where,
      `"${subpath}" among the exports of ${folder}`,
      'none',
      'name what the package exports',
      'plugin',
    )
  return join(folder, file)
}

function pick(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (Array.isArray(target)) return target.map(pick).find(found => found !== undefined)
  if (typeof target !== 'object' || target === null) return undefined
  for (const [condition, inner] of Object.entries(target)) {
    const found = conditions.has(condition) ? pick(inner) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

async function load(
  entry: string,
  point: Point<unknown> | undefined,
  name: string | undefined,
  where: string,
): Promise<PluginFactory> {
  const exported = await importModule(entry, where)
  const factories = Object.values(exported).filter(isPluginFactory)
  const atPoint = factories.filter(({ definition }) => !point || definition.point.token === point.token)
  const fitting = name === undefined ? atPoint : atPoint.filter(({ definition }) => definition.name === name)
  if (fitting.length === 1) return fitting[0]!
  const listed =
    factories.map(({ definition }) => `${definition.point.name} "${definition.name}"`).join(', ') || 'no plugin'
  const wanted = `${point?.name ?? 'plugin'}${name === undefined ? '' : ` "${name}"`}`
  throw expected(
    where,
    `one ${wanted} among the exports of ${entry}`,
    listed,
    name === undefined ? 'add #name to say which' : 'see the documentation of the package',
    'plugin',
  )
}

async function importModule(entry: string, where: string): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(entry)) throw expected(where, `the file ${entry}`, 'none', 'build or reinstall the package', 'plugin')
  checkCore(entry, where)
  try {
    return await import(/* @vite-ignore */ pathToFileURL(realpathSync(entry)).href)
  } catch (cause) {
    const reason = String(cause).split('\n')[0]!
    const error = expected(where, `a module that loads from ${entry}`, reason, 'repair or reinstall it', 'plugin')
    error.cause = cause
    throw error
  }
}

/** Two copies of core would not know each other's points and errors. */
function checkCore(entry: string, where: string): void {
  const find = (base: string) =>
    upwards(base)
      .map(folder => join(folder, 'node_modules', '@lgm', 'core'))
      .find(existsSync)
  const theirs = find(dirname(realpathSync(entry)))
  const ours = find(own)
  if (theirs && ours && realpathSync(theirs) !== realpathSync(ours))
    throw expected(
      where,
      `the @lgm/core of this command (${ours})`,
      theirs,
      'install @lgm/cli in the same project, and run it with npx lgm',
      'plugin',
    )
}
