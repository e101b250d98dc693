import { resolve } from 'node:path'
import { Dataset, expected, LgmError } from '@lgm/core'
import type { FetchData } from '@lgm/download'
import { interruption } from './interruption.js'
import type { Surroundings } from './main.js'
import { findExports, installedPlugins } from './packages.js'

/**
 * Sets up the native engine for this user, with a line a step.
 * @throws LgmError `engine` when this machine cannot have it.
 */
export async function setUpNative(
  { force = false }: { readonly force?: boolean },
  { out, err }: Surroundings,
): Promise<void> {
  const { setupNative } = await import('@lgm/backend-native/setup')
  const result = await setupNative({ force, log: err })
  if (!result.ok)
    throw new LgmError('engine', `native engine: expected to set it up, got: ${result.why}; ${result.remedy}`)
  out(`native engine: ready, TensorFlow ${result.tensorflow} (${result.how}), ${result.seconds.toFixed(1)} s`)
  out(`  ${result.addon}`)
}

/**
 * Downloads a data set by what its package exports as `fetchData`.
 * @throws LgmError `plugin` when the data set is not installed or cannot be downloaded; `download` when that fails.
 */
export async function fetchDataset(
  name: string,
  options: { readonly folder?: string; readonly from?: string },
  { cwd, out, err }: Surroundings,
): Promise<void> {
  const exported = await findExports(Dataset, name, [cwd])
  const fetchData = exported.fetchData
  if (typeof fetchData !== 'function') {
    const others = []
    for (const installed of installedPlugins([Dataset], [cwd]))
      if (
        typeof (await findExports(Dataset, installed.name, [cwd]).catch(() => ({}) as Record<string, unknown>))
          .fetchData === 'function'
      )
        others.push(installed.name)
    throw expected(
      `dataset "${name}"`,
      'one that is downloaded',
      'one that comes with its package or from you',
      `these are: ${others.join(', ') || 'none'}`,
      'plugin',
    )
  }
  const { signal, release } = interruption(err)
  try {
    const { folder, fetched } = await (fetchData as FetchData)({
      log: err,
      signal,
      ...(options.folder !== undefined && { folder: resolve(cwd, options.folder) }),
      ...(options.from !== undefined && { baseUrl: options.from }),
    })
    out(`${name}: ${fetched === 0 ? 'was there already' : `${fetched} files fetched`}, in ${folder}`)
  } catch (error) {
    if (error instanceof LgmError) throw new LgmError('download', error.message)
    throw error
  } finally {
    release()
  }
}
