// The rules of the repository, each a function from what was read to the problems found; see repository.test.ts.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, join, relative, sep } from 'node:path'
import ts from 'typescript'

/** What a package is; decides what it may import. */
export type Kind = 'core' | 'testing' | 'cli' | 'library' | 'store' | 'plugin' | 'example'

/** The parts of a package.json that rules look at. */
export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly description?: string
  readonly license?: string
  readonly type?: string
  readonly engines?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly files?: readonly string[]
  readonly keywords?: readonly string[]
  readonly lgm?: { readonly runtime?: string }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A TypeScript file with the modules that it imports. */
export interface Source {
  /** From the package's folder, with `/`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
  readonly isTest: boolean
}

/** A package as it was read. */
export interface Package {
  readonly kind: Kind
  /** From the root, with `/`. */
  readonly path: string
  readonly manifest: Manifest
  readonly sources: readonly Source[]
  /** Names of the files and folders directly inside. */
  readonly entries: readonly string[]
}

/** The packages of a repository, and what all of them may use in tests. */
export interface Workspace {
  readonly root: string
  readonly packages: readonly Package[]
  readonly shared: readonly string[]
}

const toPosix = (path: string) => path.split(sep).join('/')
const method = (path: string) => basename(path)
const isOurs = (name: string) => name.startsWith('@lgm/')

/** Reads all packages below `root`. */
export function readWorkspace(root: string): Workspace {
  const single = ['core', 'testing', 'cli'].map(name => `packages/${name}`)
  const groups = foldersIn(root, 'packages').filter(path => !single.includes(path))
  const paths = [...single, ...groups.flatMap(path => foldersIn(root, path)), ...foldersIn(root, 'examples')]
  const present = paths.filter(path => existsSync(join(root, path, 'package.json')))
  const shared = Object.keys(readManifest(root, '').devDependencies ?? {})
  return { root, packages: present.map(path => readPackage(root, path)), shared }
}

function foldersIn(root: string, path: string): string[] {
  if (!existsSync(join(root, path))) return []
  const entries = readdirSync(join(root, path), { withFileTypes: true })
  return entries.filter(entry => entry.isDirectory()).map(entry => `${path}/${entry.name}`)
}

function readManifest(root: string, path: string): Manifest {
  return JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
}

function readPackage(root: string, path: string): Package {
  const folder = join(root, path)
  const sources = filesBelow(join(folder, 'src')).filter(file => file.endsWith('.ts'))
  return {
    kind: kindOf(path),
    path,
    manifest: readManifest(root, path),
    sources: sources.map(file => readSource(folder, file)),
    entries: readdirSync(folder),
  }
}

function kindOf(path: string): Kind {
  if (path.startsWith('examples/')) return 'example'
  if (path.startsWith('packages/libraries/')) return 'library'
  if (path.startsWith('packages/stores/')) return 'store'
  const single = (['core', 'testing', 'cli'] as const).find(name => path === `packages/${name}`)
  return single ?? 'plugin'
}

function readSource(folder: string, file: string): Source {
  const text = readFileSync(file, 'utf8')
  const imports = ts.preProcessFile(text, true, true).importedFiles.map(imported => imported.fileName)
  return { path: toPosix(relative(folder, file)), text, imports, isTest: /\.(test|fixture)\.ts$/.test(file) }
}

/** All files below a folder, without what is installed or made. */
export function filesBelow(folder: string): string[] {
  const made = ['node_modules', 'dist', '.git', '.turbo', 'runs', 'coverage', 'api', '.snippets']
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (made.includes(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

/** The package that a module belongs to; `undefined` for a file path. */
function packageOf(module: string): string | undefined {
  if (module.startsWith('.') || module.startsWith('/')) return undefined
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/')
}

const mayImport: Readonly<Record<Kind, readonly Kind[]>> = {
  core: [],
  library: ['core', 'library'],
  testing: ['core', 'library'],
  store: ['core', 'library'],
  plugin: ['core', 'library'],
  cli: ['core', 'library', 'store', 'plugin'],
  example: ['core', 'library', 'store', 'plugin', 'testing', 'cli'],
}

/** Examples and cli → plugins → core; no plugin imports another; whatever is imported is declared. */
export function directionProblems({ packages, shared }: Workspace): string[] {
  const byName = new Map(packages.map(item => [item.manifest.name, item]))
  return packages.flatMap(item =>
    item.sources.flatMap(source =>
      source.imports.flatMap(module => {
        const name = packageOf(module)
        if (name === undefined || isBuiltin(module) || name === item.manifest.name) return []
        const where = `${item.path}/${source.path}`
        const target = byName.get(name)
        const allowed: readonly Kind[] = source.isTest ? [...mayImport[item.kind], 'testing'] : mayImport[item.kind]
        if (target && !allowed.includes(target.kind) && !isChoice(item, name))
          return [
            `${where}: expected imports of ${allowed.join(', ') || 'no package of ours'} only, got the ${target.kind} ${name}; go through a point of core`,
          ]
        const declared = declaredBy(item.manifest, source.isTest)
        // Core's tests use the kit that is made for core: declared, that would be a circle.
        const common = item.kind === 'core' ? [...shared, '@lgm/testing'] : shared
        if (!declared.includes(name) && !(source.isTest && common.includes(name)))
          return [
            `${where}: expected ${name} among the dependencies of ${item.manifest.name}, got none; add it to package.json`,
          ]
        return []
      }),
    ),
  )
}

/** A plugin that takes one of several others, as `auto` among the backends, names each as an optional peer. */
function isChoice(item: Package, name: string): boolean {
  const samePoint = name.startsWith(`${item.manifest.name.split('-')[0]}-`)
  return samePoint && item.manifest.peerDependenciesMeta?.[name]?.optional === true
}

function declaredBy(manifest: Manifest, inTest: boolean): string[] {
  const { dependencies, peerDependencies, devDependencies } = manifest
  return Object.keys({ ...dependencies, ...peerDependencies, ...(inTest ? devDependencies : {}) })
}

const ofNode = ['cli', 'datasets', 'observers', 'backends', 'stores', 'libraries']
const needsNode = (item: Package | undefined) => item?.manifest.lgm?.runtime === 'node'

/** Core and algorithm packages import nothing of Node, nor a package of ours that does; those that may, say so. */
export function nodeProblems({ packages }: Workspace): string[] {
  const byName = new Map(packages.map(item => [item.manifest.name, item]))
  return packages.flatMap(item => {
    if (item.kind === 'example') return []
    if (needsNode(item)) {
      const may = ofNode.includes(item.path.split('/')[1] ?? '')
      return may ? [] : [`${item.path}: expected the runtime "node" in ${ofNode.join(', ')} only; remove "lgm.runtime"`]
    }
    return item.sources.flatMap(({ path, imports, isTest }) =>
      imports
        .filter(module => !isTest && (isBuiltin(module) || needsNode(byName.get(packageOf(module) ?? ''))))
        .map(module => `${item.path}/${path}: expected nothing of Node, got ${module}; move it to a package that may`),
    )
  })
}

/** Only core's container knows the injection library. */
export function containerProblems({ packages }: Workspace): string[] {
  return packages.flatMap(item =>
    item.sources.flatMap(({ path, imports }) =>
      imports
        .filter(module => ['tsyringe', 'reflect-metadata'].includes(packageOf(module) ?? ''))
        .filter(() => `${item.path}/${path}` !== 'packages/core/src/container.ts')
        .map(
          module =>
            `${item.path}/${path}: expected ${module} in core's container.ts only; import inject from @lgm/core`,
        ),
    ),
  )
}

/** The name that follows from the folder: `packages/regularizers/ewc` holds `@lgm/regularizer-ewc`. */
export function nameFor({ kind, path }: Pick<Package, 'kind' | 'path'>): string {
  if (kind !== 'plugin' && kind !== 'store') return `@lgm/${method(path)}`
  const point = (path.split('/')[1] ?? '').replace(/s$/, '')
  return `@lgm/${point}-${method(path)}`
}

/** Every package has the same few files, and nothing else by hand. */
export function fileProblems({ packages }: Workspace): string[] {
  return packages.flatMap(item => {
    if (item.kind === 'example') return []
    const name = method(item.path)
    const isMethod = ['plugin', 'store', 'library'].includes(item.kind)
    const wanted = ['src/index.ts', ...(isMethod ? [`src/${name}.ts`, `src/${name}.test.ts`] : [])]
    const found = item.sources.map(source => source.path)
    const always = ['package.json', 'README.md', 'tsconfig.json']
    const allowed = [...always, 'CHANGELOG.md', 'src', 'dist', 'node_modules', '.turbo', ...(item.manifest.files ?? [])]
    const missing = [
      ...always.filter(file => !item.entries.includes(file)),
      ...wanted.filter(file => !found.includes(file)),
    ]
    const extra = item.entries.filter(entry => !allowed.includes(entry))
    const index = item.sources.find(source => source.path === 'src/index.ts')
    const exportsMethod = !isMethod || !index || index.imports.includes(`./${name}.js`)
    return [
      ...missing.map(file => `${item.path}: expected ${file}, got none; add it`),
      ...extra.map(
        entry => `${item.path}: expected the same few files as everywhere, got ${entry}; move it to src or to the root`,
      ),
      ...(exportsMethod ? [] : [`${item.path}/src/index.ts: expected it to export ./${name}.js; add the line`]),
    ]
  })
}

/** What is built is published, without the compiler's notes to itself. */
const published = ['dist', '!dist/.tsbuildinfo']

/** All package.json files have the same form. */
export function manifestProblems({ packages }: Workspace): string[] {
  const version = packages.find(item => item.kind === 'core')?.manifest.version
  return packages.flatMap(item => {
    if (item.kind === 'example') return []
    const { manifest } = item
    const fields: [string, unknown, unknown][] = [
      ['name', nameFor(item), manifest.name],
      ['version', version, manifest.version],
      ['license', 'Apache-2.0', manifest.license],
      ['type', 'module', manifest.type],
      ['engines', { node: '>=20.19' }, manifest.engines],
      [
        'exports',
        { source: './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
        manifest.exports?.['.'],
      ],
    ]
    const wrong = fields.filter(([, wanted, got]) => JSON.stringify(wanted) !== JSON.stringify(got))
    const where = `${item.path}/package.json`
    return [
      ...wrong.map(
        ([key, wanted, got]) =>
          `${where}: expected ${key} ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}; correct it`,
      ),
      ...(manifest.description ? [] : [`${where}: expected a description, got none; add it`]),
      ...(published.every(file => manifest.files?.includes(file))
        ? []
        : [`${where}: expected files with ${published.map(file => `"${file}"`).join(' and ')}; add them`]),
      ...(item.kind !== 'plugin' || manifest.keywords?.includes('lgm-plugin')
        ? []
        : [`${where}: expected the keyword "lgm-plugin"; add it`]),
      ...dependencyProblems(item, where),
    ]
  })
}

/** What must be there only once, the tensor library and core, is a peer; versions come from the workspace or the catalog. */
function dependencyProblems({ kind, manifest }: Package, where: string): string[] {
  const problems: string[] = []
  const once = ['@tensorflow/tfjs', '@lgm/core']
  for (const name of once)
    if (kind !== 'cli' && manifest.dependencies?.[name])
      problems.push(
        `${where}: expected ${name} among the peers, got a dependency; a second copy would not fit the first`,
      )
  for (const [name, range] of Object.entries(manifest.peerDependencies ?? {}))
    if (isOurs(name) && manifest.devDependencies?.[name] !== range)
      problems.push(`${where}: expected the peer ${name} in devDependencies too, as "${range}"; add it`)
  if (kind === 'plugin' && !manifest.peerDependencies?.['@lgm/core'])
    problems.push(`${where}: expected the peer @lgm/core, got none; add it`)
  const all = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies }
  for (const [name, range] of Object.entries(all)) {
    if (isOurs(name) && range !== 'workspace:^')
      problems.push(`${where}: expected ${name} as "workspace:^", got "${range}"; correct it`)
  }
  return problems
}

/** A third-party package that two packages use stands in the catalog, so that there is one version of it. */
export function catalogProblems({ packages }: Workspace): string[] {
  const uses = new Map<string, { path: string; range: string }[]>()
  for (const { path, manifest } of packages) {
    const all = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies }
    for (const [name, range] of Object.entries(all))
      if (!isOurs(name)) uses.set(name, [...(uses.get(name) ?? []), { path, range }])
  }
  return [...uses].flatMap(([name, found]) =>
    found.length < 2
      ? []
      : found
          .filter(({ range }) => !range.startsWith('catalog:'))
          .map(
            ({ path, range }) =>
              `${path}/package.json: expected ${name} as "catalog:", got "${range}"; others use it too`,
          ),
  )
}

const longest = 200
const vague =
  /\b(?:class|interface|type|function|const) ((?:Base|Abstract)[A-Z]\w*|I[A-Z][a-z]\w*|\w+(?:Impl|Manager|Helper|Utils?|Handler|Service))\b/g

/** All files that are or would be committed. */
export function ownFiles(root: string): string[] {
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
  if (listed.status !== 0) return filesBelow(root)
  const files = listed.stdout.split('\0').filter(file => file !== '')
  return files.map(file => join(root, file)).filter(file => existsSync(file))
}

/** Names of the field in kebab-case files, and methods short enough to be read at one go. */
export function styleProblems({ packages }: Workspace): string[] {
  return packages.flatMap(item =>
    item.sources.flatMap(({ path, text }) => {
      const where = `${item.path}/${path}`
      const lines = text.split('\n').filter(line => !/^\s*(\/?\*.*|\/\/.*)?$/.test(line)).length
      const isMethod = item.kind === 'plugin' && path === `src/${method(item.path)}.ts`
      return [
        ...(isMethod && lines > longest
          ? [
              `${where}: expected a method of at most ${longest} lines beside comments, got ${lines}; move a part to a file with its name`,
            ]
          : []),
        ...[...text.matchAll(vague)].map(
          found => `${where}: expected a name that says what it is, got ${found[1]}; use the field's term`,
        ),
        ...(/^[a-z0-9-]+(\.test|\.fixture)?\.ts$/.test(basename(path))
          ? []
          : [`${where}: expected a file name in kebab-case; rename it`]),
      ]
    }),
  )
}

/** A package's README names each of its options, as `` `name` ``. */
export function readmeProblems(path: string, readme: string, options: readonly string[]): string[] {
  return options
    .filter(option => !readme.includes(`\`${option}\``))
    .map(option => `${path}/README.md: expected the option \`${option}\`, got no mention; add what it means`)
}

const machinePath = /(?<![\w.~$})\]*@-])\/(?:work|opt|tmp|home|root|Users)\/[\w.-]+/
const foreign = /\bissue #?\d+\b|\btool library\b/i

/** No file names a place on one machine, or a conversation that its reader cannot see. */
export function mentionProblems(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, at) => {
    const found = machinePath.exec(line) ?? foreign.exec(line)
    return found ? [`${path}:${at + 1}: expected text that holds on any machine, got "${found[0]}"; reword it`] : []
  })
}
