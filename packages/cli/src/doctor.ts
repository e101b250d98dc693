import { readFileSync } from 'node:fs'
import { availableParallelism, freemem } from 'node:os'
import { corePoints } from '@lgm/core'
import { cacheFolder } from '@lgm/download'
import { createColors } from 'picocolors'
import { exitCodes } from './exit.js'
import type { Surroundings } from './main.js'
import { findPlugin, installedPlugins, loadInstalled, packageVersion } from './packages.js'

/** One thing that was looked at. `wrong` stops runs, `poor` makes them slow or less than they could be. */
interface Finding {
  readonly state: 'good' | 'poor' | 'wrong'
  readonly about: string
  readonly found: string
  readonly remedy?: string | undefined
}

/** A run of the native engine with MNIST in memory needs about this much, in GiB. */
const memoryWanted = 1.5

/**
 * Says what this machine has, and what to do about whatever is wrong.
 * Returns 1 when something would keep recipes from running, else 0.
 */
export async function doctor({ cwd, out }: Surroundings): Promise<number> {
  const native = await nativeEngine()
  const findings = [
    node(),
    memory(),
    threads(),
    native,
    await wasmEngine(cwd, native.state === 'good'),
    forced(native.state === 'good'),
    { state: 'good', about: 'TensorFlow.js', found: packageVersion('@tensorflow/tfjs', [cwd]) ?? 'not found' } as const,
    { state: 'good', about: 'cache folder', found: `${cacheFolder()} (LGM_CACHE changes it)` } as const,
    ...(await plugins(cwd)),
  ].filter(finding => finding !== undefined)
  const { green, yellow, red } = createColors(process.stdout.isTTY === true && !process.env.NO_COLOR)
  const signs = { good: green('✔'), poor: yellow('!'), wrong: red('✖') }
  for (const { state, about, found, remedy } of findings) {
    out(`${signs[state]} ${about}: ${found}`)
    if (remedy !== undefined) out(`    → ${remedy}`)
  }
  return findings.some(({ state }) => state === 'wrong') ? exitCodes.failed : exitCodes.done
}

function node(): Finding {
  const { node: version } = process.versions
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = major > 20 || (major === 20 && minor >= 19)
  const about = 'Node'
  return fits
    ? { state: 'good', about, found: version }
    : { state: 'wrong', about, found: version, remedy: 'install Node 20.19 or later' }
}

function memory(): Finding {
  const free = availableMemory() / 2 ** 30
  const found = `${free.toFixed(1)} GiB free`
  if (free >= memoryWanted) return { state: 'good', about: 'memory', found }
  return {
    state: 'poor',
    about: 'memory',
    found,
    remedy: `close other programs: a run takes about ${memoryWanted} GiB`,
  }
}

/** What programs can have, in bytes: Linux counts caches that it would give up. */
function availableMemory(): number {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
    return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024
  } catch {
    return freemem()
  }
}

function threads(): Finding {
  const set = process.env.TF_NUM_INTRAOP_THREADS
  return {
    state: 'good',
    about: 'threads',
    found: `${availableParallelism()} cores${set ? `, TF_NUM_INTRAOP_THREADS=${set}` : ''}`,
  }
}

async function nativeEngine(): Promise<Finding> {
  const about = 'native engine'
  try {
    const { facts } = await import('@lgm/backend-native/setup')
    const { engine, problem, remedy, cache } = await facts()
    if (engine && problem === undefined)
      return { state: 'good', about, found: `TensorFlow ${engine.tensorflow} (${engine.how}), ${engine.addon}` }
    return {
      state: 'poor',
      about,
      found: `${problem}; looked in ${cache}`,
      remedy: remedy?.replace('npx lgm-setup-native', 'npx lgm setup-native'),
    }
  } catch (error) {
    return {
      state: 'poor',
      about,
      found: (error as Error).message.split('\n')[0]!,
      remedy: 'install @lgm/backend-native',
    }
  }
}

async function wasmEngine(cwd: string, native: boolean): Promise<Finding> {
  const about = 'wasm engine'
  const backend = corePoints.find(({ name }) => name === 'backend')!
  try {
    const { version } = await findPlugin(backend, 'wasm', [cwd])
    return {
      state: 'good',
      about,
      found: `@lgm/backend-wasm ${version}`,
    }
  } catch (error) {
    return {
      state: native ? 'poor' : 'wrong',
      about,
      found: (error as Error).message,
      remedy: native ? undefined : 'install @lgm/backend-wasm: without any engine nothing runs',
    }
  }
}

function forced(native: boolean): Finding | undefined {
  const engine = process.env.LGM_BACKEND
  if (!engine) return undefined
  const about = 'LGM_BACKEND'
  if (engine !== 'native' && engine !== 'wasm')
    return { state: 'wrong', about, found: engine, remedy: 'set it to native or wasm, or unset it' }
  if (engine === 'native' && !native)
    return {
      state: 'wrong',
      about,
      found: 'native, which is not set up',
      remedy: 'npx lgm setup-native, or unset LGM_BACKEND',
    }
  return { state: 'good', about, found: `${engine}: no other engine is tried` }
}

async function plugins(cwd: string): Promise<Finding[]> {
  const findings: Finding[] = []
  const counts: string[] = []
  for (const point of corePoints) {
    let loaded = 0
    for (const installed of installedPlugins([point], [cwd])) {
      const [result] = await Promise.allSettled([loadInstalled(installed, point)])
      if (result.status === 'fulfilled') loaded++
      else
        findings.push({ state: 'poor', about: `plugin ${installed.package}`, found: (result.reason as Error).message })
    }
    if (loaded > 0) counts.push(`${point.name} ${loaded}`)
  }
  const found = counts.length > 0 ? `${counts.join(', ')} (lgm plugins lists them)` : 'none'
  return [{ state: 'good', about: 'installed plugins', found }, ...findings]
}
