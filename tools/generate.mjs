// Writes what follows from the package.json files: every package's tsconfig.json and the root's list of projects.
// `--check` writes nothing and fails if a file is not what it would be.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { isMain, root } from './steps.mjs'

/** Every folder that holds a package with sources: one or two levels below packages/, one below examples/. */
export function packageFolders() {
  const groups = foldersIn(join(root, 'packages'))
  const nested = groups.filter(folder => !existsSync(join(folder, 'package.json'))).flatMap(foldersIn)
  return [...groups, ...nested, ...foldersIn(join(root, 'examples'))]
    .filter(folder => existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'src')))
    .sort()
}

/** @param {string} folder */
function foldersIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'node_modules')
    .map(entry => join(folder, entry.name))
}

/** @param {unknown} value */
const json = value => `${JSON.stringify(value, null, 2)}\n`
/** @param {string} path */
const toPosix = path => path.split(sep).join(posix.sep)

/** The files that follow from the packages, as a map from path to text. */
export function generatedFiles() {
  const folders = packageFolders()
  const manifests = new Map(
    folders.map(folder => [folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))]),
  )
  const byName = new Map([...manifests].map(([folder, manifest]) => [manifest.name, folder]))
  const files = new Map()
  for (const [folder, manifest] of manifests) {
    const needs = { ...manifest.dependencies, ...manifest.peerDependencies }
    const references = Object.keys(needs)
      .filter(name => byName.has(name))
      .sort()
      .map(name => ({ path: toPosix(relative(folder, byName.get(name) ?? root)) }))
    const node = manifest.lgm?.runtime === 'node'
    files.set(
      join(folder, 'tsconfig.json'),
      json({
        extends: toPosix(relative(folder, join(root, 'tsconfig.base.json'))),
        compilerOptions: {
          rootDir: 'src',
          outDir: 'dist',
          tsBuildInfoFile: 'dist/.tsbuildinfo',
          ...(node ? { types: ['node'] } : { lib: ['ES2023', 'DOM'] }),
        },
        include: ['src'],
        exclude: ['src/**/*.test.ts', 'src/**/*.fixture.ts'],
        references,
      }),
    )
  }
  const projects = folders.map(folder => ({ path: toPosix(relative(root, folder)) }))
  files.set(join(root, 'tsconfig.json'), json({ files: [], references: projects }))
  return files
}

if (isMain(import.meta.url)) {
  const check = process.argv.includes('--check')
  const stale = [...generatedFiles()].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
  if (check && stale.length > 0) {
    console.error(`generate: expected these files to be up to date, got stale ones; run: npm run generate`)
    for (const [path] of stale) console.error(`  ${relative(root, path)}`)
    process.exit(1)
  }
  if (!check) for (const [path, text] of stale) writeFileSync(path, text)
}
