import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The environment of the process, or a part of it. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The folder, shared by all projects of this user, for what can be fetched again: `LGM_CACHE`, else `lgm` in `XDG_CACHE_HOME`, else
 * what the platform is used to: `~/.cache/lgm` on Linux, `~/Library/Caches/lgm` on macOS, `%LOCALAPPDATA%\lgm` on Windows.
 */
export function cacheFolder(environment: Environment = process.env, platform: string = process.platform): string {
  const { LGM_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment
  if (LGM_CACHE) return resolve(LGM_CACHE)
  if (XDG_CACHE_HOME) return join(resolve(XDG_CACHE_HOME), 'lgm')
  if (platform === 'win32') return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'lgm')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'lgm')
  return join(homedir(), '.cache', 'lgm')
}

/** The place in the cache folder of the data set `name`. */
export function datasetCacheFolder(name: string, environment?: Environment): string {
  return join(cacheFolder(environment), 'datasets', name)
}
