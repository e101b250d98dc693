import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageFolders } from './generate.mjs'
import { root } from './steps.mjs'

/** Licences under which what is installed may be used with software under Apache-2.0; a new one is looked at before it is added. */
const licences = [
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 AND MIT',
  '(BSD-3-Clause AND Apache-2.0)',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
]
/** A tool behind the test runner that the kit for plugin authors brings along, used as it is. */
const exceptions = [/^lightningcss(-[\w-]+)?: MPL-2\.0$/]

/** Packages that would run a program when they are installed, which nothing of ours needs: the workspace does not let them. */
const withScripts = ['@tensorflow/tfjs-node', 'core-js']

interface Installed {
  readonly name: string
  readonly version: string
  readonly license?: unknown
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const read = (folder: string): Installed => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** Where a package finds another, as Node looks for it; `undefined` for what is not for this machine. */
function found(from: string, name: string): string | undefined {
  const path = join(from, 'node_modules', name)
  if (existsSync(path)) return realpathSync(path)
  return dirname(from) === from ? undefined : found(dirname(from), name)
}

/** Everything of others that our packages bring along, and what that brings along, by folder. */
function closure(): ReadonlyMap<string, Installed> {
  const packages = new Map<string, Installed>()
  const visit = (folder: string, names: readonly string[]) => {
    for (const name of names) {
      const path = name.startsWith('@lgm/') ? undefined : found(folder, name)
      if (path === undefined || packages.has(path)) continue
      const manifest = read(path)
      packages.set(path, manifest)
      visit(path, Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
    }
  }
  for (const folder of packageFolders().filter(path => path.startsWith(join(root, 'packages')))) {
    const { dependencies, peerDependencies } = read(folder)
    visit(folder, Object.keys({ ...dependencies, ...peerDependencies }))
  }
  return packages
}

describe('what our packages bring along', () => {
  const installed = [...closure().values()]

  it('is found, down to what TensorFlow.js is made of', () => {
    const names = installed.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['zod', '@tensorflow/tfjs-core', 'seedrandom', 'commander']))
  })

  it('has licences that go with ours', () => {
    const others = installed
      .filter(({ license }) => !licences.includes(String(license)))
      .map(({ name, license }) => `${name}: ${license}`)
    expect(others.filter(line => !exceptions.some(exception => exception.test(line)))).toEqual([])
  })

  it('runs nothing on being installed, but for two that are not let', () => {
    const running = installed.filter(({ scripts }) => scripts?.preinstall ?? scripts?.install ?? scripts?.postinstall)
    expect([...new Set(running.map(({ name }) => name))].sort()).toEqual(withScripts)
    const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
    for (const name of withScripts) expect(workspace).toMatch(new RegExp(`^ {2}"?${name}"?: false$`, 'm'))
  })
})

describe('what is published', () => {
  it('is what was built, and no tests, fixtures, sources or notes of the compiler', () => {
    const packed = ['core', 'cli'].map(name => join(root, 'packages', name))
    const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', ...packed], {
      encoding: 'utf8',
      shell: process.platform === 'win32',
    })
    const packages: { name: string; files: { path: string }[] }[] = JSON.parse(stdout)
    expect(packages.map(({ name }) => name)).toEqual(['@lgm/core', '@lgm/cli'])
    for (const { name, files } of packages) {
      const paths = files.map(({ path }) => path)
      const wanted = /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|bin\/lgm\.mjs|dist\/.+\.(js|d\.ts)(\.map)?)$/
      expect(
        paths.filter(path => !wanted.test(path) || /\.(test|fixture)\./.test(path)),
        name,
      ).toEqual([])
      expect(paths).toContain('dist/index.js')
    }
  })
})
