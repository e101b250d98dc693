/**
 * The addon compiled against the TensorFlow library of the Python package index.
 */
import { createHash } from 'node:crypto'
import {
  createReadStream,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { runCommand } from './command.mjs'
import { addonPath, builtTensorflow, napiVersion } from './locate.mjs'

/**
 * The wheels we know, by `platform-arch`. The C library inside does not depend on the version of Python, so one wheel
 * serves every Python.
 * @type {Record<string, { platform: string, sha256: string, megabytes: number }>}
 */
const wheels = {
  'linux-x64': {
    platform: 'manylinux_2_27_x86_64',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    megabytes: 261,
  },
}

/** What is taken out of the wheel: the libraries, and the headers that the binding includes. */
const members = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring',
  'tensorflow/include/tsl/platform/',
  'tensorflow/include/xla/tsl/c/',
]

const neededMegabytes = 1400

/** @typedef {{ python: string, compiler: string }} Tools programs by name */

/**
 * Whether the addon can be compiled on this machine.
 * @param {string} folder an existing folder on the file system of the cache
 * @returns {Promise<{ tools: Tools } | { why: string, remedy: string }>}
 */
export async function canBuild(folder) {
  const kind = `${process.platform}-${process.arch}`
  if (!wheels[kind]) {
    return { why: `no TensorFlow wheel is known here for ${kind}`, remedy: "only tfjs-node's installer has one for it" }
  }
  const glibc = glibcVersion()
  if (glibc === undefined || Number(glibc.split('.')[1]) < 27) {
    return {
      why: `the TensorFlow wheel needs glibc 2.27, this system has ${glibc ?? 'another C library'}`,
      remedy: 'use a newer system',
    }
  }
  const python = await firstThatRuns(['python3', 'python'], ['-m', 'pip', '--version'])
  const compiler = await firstThatRuns([process.env.CXX ?? '', 'g++', 'clang++', 'c++'], ['--version'])
  if (!python || !compiler) {
    const missing = [...(python ? [] : ['pip']), ...(compiler ? [] : ['g++'])].join(' and ')
    return { why: `${missing} not found`, remedy: `install ${missing}, for example: apt-get install python3-pip g++` }
  }
  const space = statfsSync(folder)
  const freeMegabytes = Math.floor((space.bavail * space.bsize) / 2 ** 20)
  if (freeMegabytes < neededMegabytes) {
    return {
      why: `${neededMegabytes} MB of disk are needed in ${folder}, ${freeMegabytes} MB are free`,
      remedy: 'make room, or point LGM_CACHE to another disk',
    }
  }
  return { tools: { python, compiler } }
}

/**
 * Downloads, checks, unpacks and compiles into `folder`.
 * @param {{ folder: string, package_: { folder: string }, tools: Tools, step: (name: string, progress?: () => string) => (() => void) }} build
 *   `step` announces a step and gives back what to call at its end
 * @returns {Promise<string>} why it failed, or an empty text
 */
export async function buildFromWheel({ folder, package_, tools, step }) {
  const wheel = /** @type {(typeof wheels)[string]} */ (wheels[`${process.platform}-${process.arch}`])
  const download = join(folder, 'download')
  mkdirSync(download, { recursive: true })
  const downloaded = step(
    `download TensorFlow ${builtTensorflow} from the Python package index (${wheel.megabytes} MB)`,
    () => `${folderMegabytes(download)} of ${wheel.megabytes} MB`,
  )
  const fetched = await downloadWheel(tools.python, download, wheel.platform)
  if (fetched.problem) return `pip cannot download TensorFlow ${builtTensorflow}: ${fetched.problem}`
  const digest = createHash('sha256')
  await pipeline(createReadStream(fetched.file), digest)
  const sha256 = digest.digest('hex')
  if (sha256 !== wheel.sha256) {
    return `the TensorFlow wheel has sha256 ${sha256}, expected ${wheel.sha256}; nothing of it was used`
  }
  downloaded()

  const unpacked = step('unpack the library')
  const extracted = await runCommand(tools.python, ['-c', unpackProgram, fetched.file, folder, ...members], {
    seconds: 300,
  })
  if (!extracted.ok) return `the wheel cannot be unpacked: ${extracted.problem}`
  rmSync(download, { recursive: true })
  unpacked()

  const compiled = step('compile the addon')
  const problem = await compileAddon(tools.compiler, folder, realpathSync(package_.folder))
  rmSync(join(folder, 'include'), { recursive: true, force: true })
  if (problem) return `the addon does not compile: ${problem}`
  compiled()
  return ''
}

/** Puts libraries under `deps/lib` and headers under `include`. */
const unpackProgram = `
import os, shutil, sys, zipfile
wheel, folder, wanted = sys.argv[1], sys.argv[2], tuple(sys.argv[3:])
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if not name.startswith(wanted) or name.endswith('/'):
            continue
        library = '/include/' not in name
        target = os.path.join(folder, 'deps/lib' if library else '', os.path.basename(name) if library else name[len('tensorflow/'):])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(name) as source, open(target, 'wb') as sink:
            shutil.copyfileobj(source, sink, 1 << 22)
`

/**
 * @param {string} python
 * @param {string} folder
 * @param {string} platform
 * @returns {Promise<{ file: string, problem: string }>}
 */
async function downloadWheel(python, folder, platform) {
  const parameters = ['-m', 'pip', 'download', `tensorflow-cpu==${builtTensorflow}`]
  parameters.push(
    '--no-deps',
    '--only-binary=:all:',
    '--python-version',
    '3.11',
    '--implementation',
    'cp',
    '--platform',
    platform,
  )
  parameters.push('--retries', '0', '--timeout', '10', '--no-cache-dir', '--progress-bar', 'off', '--quiet')
  parameters.push('--disable-pip-version-check', '--dest', folder)
  const { ok, problem } = await runCommand(python, parameters, { seconds: 1800, environment: { TMPDIR: folder } })
  const name = readdirSync(folder).find(file => file.endsWith('.whl'))
  if (ok && name) return { file: join(folder, name), problem: '' }
  return { file: '', problem: problem || 'it gave no file' }
}

/**
 * tfjs-node's sources and what keeps signals away. Whoever changes what is compiled or how raises `builtRevision`.
 * @param {string} compiler
 * @param {string} folder
 * @param {string} tfjsNode
 * @returns {Promise<string>} why it failed, or an empty text
 */
async function compileAddon(compiler, folder, tfjsNode) {
  const libraries = join(folder, 'deps', 'lib')
  const headers = join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include')
  symlinkSync('libtensorflow_cc.so.2', join(libraries, 'libtensorflow.so'))
  symlinkSync('libtensorflow_framework.so.2', join(libraries, 'libtensorflow_framework.so'))
  mkdirSync(dirname(addonPath(folder)), { recursive: true })
  const parameters = ['-shared', '-fPIC', '-O2', '-std=c++17', '-w', `-DNAPI_VERSION=${napiVersion}`]
  parameters.push('-DBUILDING_NODE_EXTENSION', `-I${join(folder, 'include')}`, `-I${headers}`)
  for (const name of readdirSync(join(tfjsNode, 'binding'))) {
    if (name.endsWith('.cc')) parameters.push(join(tfjsNode, 'binding', name))
  }
  parameters.push(fileURLToPath(new URL('./signals.cc', import.meta.url)))
  parameters.push('-Wl,--wrap=TFE_NewContext', '-Wl,--wrap=TFE_Execute')
  parameters.push('-o', addonPath(folder), `-L${libraries}`, '-ltensorflow', '-ltensorflow_framework')
  parameters.push('-Wl,-rpath,$ORIGIN/../../deps/lib')
  const { problem } = await runCommand(compiler, parameters, { seconds: 600 })
  return problem
}

/**
 * @param {string[]} programs
 * @param {string[]} parameters
 * @returns {Promise<string | undefined>}
 */
export async function firstThatRuns(programs, parameters) {
  for (const program of programs) {
    if (program !== '' && (await runCommand(program, parameters, { seconds: 30 })).ok) return program
  }
  return undefined
}

/** @returns {string | undefined} version of glibc, undefined where the C library is another */
function glibcVersion() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  return report.header.glibcVersionRuntime
}

/**
 * @param {string} folder
 * @returns {number} megabytes in all files below, as far as they stay where they are while they are counted
 */
function folderMegabytes(folder) {
  try {
    const sizes = readdirSync(folder, { recursive: true }).map(
      name => statSync(join(folder, String(name)), { throwIfNoEntry: false })?.size ?? 0,
    )
    return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20)
  } catch {
    return 0
  }
}
