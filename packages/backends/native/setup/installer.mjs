/**
 * tfjs-node's own installer, run on a copy of the package inside the cache, so that nothing in `node_modules` (whose
 * files may be hard links into a store shared with other projects) is written.
 */
import { cpSync, existsSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runCommand } from './command.mjs'
import { addonPath } from './locate.mjs'

const host = process.env.TFJS_NODE_CDN_STORAGE ?? process.env.CDN_STORAGE ?? 'https://storage.googleapis.com/'

/**
 * Whether the host that the installer downloads from answers; costs three seconds at the most.
 * @returns {Promise<string>} why not, or an empty text
 */
export async function installerUnreachable() {
  // The installer honours a proxy and fetch does not: then only trying it tells.
  if (process.env.HTTPS_PROXY || process.env.https_proxy) return ''
  try {
    await fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(3000) })
    return ''
  } catch {
    return `${new URL(host).host} is not reachable from here`
  }
}

/**
 * Runs the installer into `folder`.
 * @param {{ folder: string, package_: { folder: string } }} places
 * @returns {Promise<string>} why it failed, or an empty text
 */
export async function runInstaller({ folder, package_ }) {
  const source = realpathSync(package_.folder)
  const dependencies = join(source, '..', '..')
  for (const name of ['package.json', 'scripts', 'binding', 'binding.gyp']) {
    cpSync(join(source, name), join(folder, name), { recursive: true })
  }
  symlinkSync(dependencies, join(folder, 'node_modules'), 'junction')
  const programs = [join(source, 'node_modules', '.bin'), join(dependencies, '.bin'), process.env.PATH ?? '']
  const { problem } = await runCommand(process.execPath, [join('scripts', 'install.js')], {
    seconds: 900,
    folder,
    environment: { PATH: programs.join(delimiter) },
  })
  for (const name of ['node_modules', 'scripts', 'binding', 'binding.gyp', 'build']) {
    rmSync(join(folder, name), { recursive: true, force: true })
  }
  if (existsSync(addonPath(folder))) return ''
  return `tfjs-node's installer brought no addon: ${problem || 'it gave no reason'}`
}
