// The packages' modules straight from their sources, without a build.
import { join } from 'node:path'
import { createServer } from 'vite'
import { root } from './steps.mjs'

const conditions = ['source', 'node', 'import']

/**
 * Opens the sources. All modules that are loaded share one core.
 * @returns {Promise<{ load: (path: string) => Promise<any>, close: () => Promise<void> }>} `load` takes a path from the root
 */
export async function openSources() {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'error',
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    ssr: { resolve: { conditions, externalConditions: ['node', 'import'] }, noExternal: [/^@lgm\//] },
  })
  const { runner } = /** @type {import('vite').RunnableDevEnvironment} */ (server.environments.ssr)
  return { load: path => runner.import(join(root, path)), close: () => server.close() }
}
