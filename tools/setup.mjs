// `npm run setup`, and the first part of `npm run demo` and `npm test`: whatever a fresh clone needs, once.
// Plain Node without dependencies, because it runs before anything is installed.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { endOnInterrupt, explain, isMain, root, run, StepFailed, step, turbo } from './steps.mjs'

const oldestNode = [20, 19]

/**
 * Node checked, packages installed, engine set up, everything built. Each step is skipped when nothing changed.
 * @returns {Promise<{ engine: 'native' | 'wasm' }>} the best engine this machine has
 * @throws {StepFailed} with one line on what is missing
 */
export async function setup() {
  const release = endOnInterrupt()
  try {
    checkNode(process.versions.node)
    const wanted = wantedEngine()
    await step('packages', installPackages)
    /** @type {'native' | 'wasm'} */
    let engine = 'wasm'
    await step('engine', async progress => {
      const found = await setupEngine(wanted, progress)
      engine = found.engine
      return found.line
    })
    await step('build', () => turbo('build'))
    return { engine }
  } finally {
    release()
  }
}

/** @param {string} version */
function checkNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  const remedy = 'install a newer one, for example from https://nodejs.org'
  throw new StepFailed(`set-up: expected Node ${oldestNode.join('.')} or newer, got ${version}; ${remedy}`)
}

/** @returns {'native' | 'wasm' | undefined} what LGM_BACKEND forces */
function wantedEngine() {
  const wanted = process.env.LGM_BACKEND || undefined
  if (wanted === undefined || wanted === 'native' || wanted === 'wasm') return wanted
  if (wanted === 'auto') return undefined
  const message = `LGM_BACKEND: expected native, wasm or auto, got ${wanted}; correct it or unset it`
  throw new StepFailed(message, { exitCode: 2 })
}

/** @param {(now: string) => void} progress */
async function installPackages(progress) {
  const stamp = join(root, 'node_modules', '.lgm-setup')
  const manifests = manifestFiles()
  const wanted = fingerprint(manifests)
  const installed = manifests.every(hasItsPackages)
  if (installed && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 'unchanged'

  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  progress(`fetching ${packageManager}`)
  // From another folder, because npx would else run the pnpm inside the node_modules that is being written.
  const { code, output } = await run(
    'npx',
    ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only', '--dir', quoted(root)],
    {
      folder: tmpdir(),
      environment: { CI: 'true', pnpm_config_confirm_modules_purge: 'false' },
      shell: process.platform === 'win32',
      line: line => {
        const [, all, reused, downloaded] = /^Progress: resolved (\d+), reused (\d+), downloaded (\d+)/.exec(line) ?? []
        if (all) progress(`${Number(reused) + Number(downloaded)} of ${all}`)
      },
    },
  )
  if (code !== 0) {
    const remedy = output.includes('ERR_PNPM_OUTDATED_LOCKFILE')
      ? `a package.json was changed: run npx ${packageManager} install`
      : 'mend what is said above and run the same command again'
    throw new StepFailed(`packages: expected an installation by ${packageManager}, got exit code ${code}; ${remedy}`, {
      output,
    })
  }
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(stamp, wanted)
  return `${manifests.length - 1} of this repository and what they need, installed by ${packageManager}`
}

/** @param {string} path */
const quoted = path => (process.platform === 'win32' ? `"${path}"` : path)

/** @returns {string[]} the package.json files of the workspace */
function manifestFiles() {
  const found = [join(root, 'package.json')]
  for (const top of ['packages', 'examples']) {
    for (const first of foldersIn(join(root, top))) {
      for (const folder of [first, ...foldersIn(first)]) {
        if (existsSync(join(folder, 'package.json'))) found.push(join(folder, 'package.json'))
      }
    }
  }
  return found.sort()
}

/** @param {string} folder */
function foldersIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'node_modules')
    .map(entry => join(folder, entry.name))
}

/**
 * What the installed packages depend on, as a digest.
 * @param {string[]} manifests
 */
function fingerprint(manifests) {
  const digest = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  const settings = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc'].map(name => join(root, name))
  for (const file of [...settings, ...manifests]) {
    if (existsSync(file)) digest.update(`${relative(root, file)}\n`).update(readFileSync(file))
  }
  return digest.digest('hex')
}

/** @param {string} manifest */
function hasItsPackages(manifest) {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(manifest, 'utf8'))
  const needed = Object.keys({ ...dependencies, ...devDependencies })
  return needed.every(name => existsSync(join(manifest, '..', 'node_modules', name)))
}

/**
 * @param {'native' | 'wasm' | undefined} wanted
 * @param {(now: string) => void} progress
 * @returns {Promise<{ engine: 'native' | 'wasm', line: string }>}
 */
async function setupEngine(wanted, progress) {
  if (wanted === 'wasm') return { engine: 'wasm', line: 'wasm, as LGM_BACKEND says' }
  const module = pathToFileURL(join(root, 'packages', 'backends', 'native', 'setup', 'index.mjs')).href
  /** @type {typeof import('@lgm/backend-native/setup')} */
  const { setupNative } = await import(module)
  const result = await setupNative({ log: line => progress(line.replace(/^native engine: /, '')) })
  if (result.ok) {
    const how = { present: 'already there', installer: "by tfjs-node's installer", built: 'compiled here' }[result.how]
    return { engine: 'native', line: `native, TensorFlow ${result.tensorflow}, ${how}` }
  }
  if (wanted === 'native') {
    throw new StepFailed(`engine: expected native, as LGM_BACKEND says, got ${result.why}; ${result.remedy}`)
  }
  return { engine: 'wasm', line: `wasm, 3 to 10 times slower than native: ${result.why}; for native: ${result.remedy}` }
}

if (isMain(import.meta.url)) {
  try {
    await setup()
  } catch (error) {
    process.exitCode = explain(error)
  }
}
