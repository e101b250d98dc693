import { Backend, definePlugin, type EngineFacts, expected, isPluginFactory, LgmError, z } from '@lgm/core'

const candidates = ['native', 'wasm']

/** Starts the first engine that can be started. */
class Auto implements Backend {
  async start(): Promise<EngineFacts> {
    const forced = process.env.LGM_BACKEND || undefined
    if (forced !== undefined && !candidates.includes(forced))
      throw expected('LGM_BACKEND', candidates.join(' or '), `"${forced}"`, 'correct it or unset it', 'engine')
    const failures: string[] = []
    for (const name of forced ? [forced] : candidates) {
      try {
        const facts = await startEngine(name)
        const why = forced ? 'LGM_BACKEND asks for it' : [...failures, `${name} is the first that starts`].join('; ')
        return { ...facts, note: facts.note ? `${why}; ${facts.note}` : why }
      } catch (error) {
        if (!(error instanceof LgmError)) throw error
        if (forced) throw error
        failures.push(`not ${name}: ${error.message}`)
      }
    }
    throw expected(
      'backend "auto"',
      'an engine that starts',
      failures.join('; '),
      'install @lgm/backend-wasm, which runs everywhere',
      'engine',
    )
  }
}

async function startEngine(name: string): Promise<EngineFacts> {
  const package_ = `@lgm/backend-${name}`
  const exports: Record<string, unknown> = await import(/* @vite-ignore */ package_).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
      throw expected(
        `backend "${name}"`,
        `the package ${package_}`,
        'none',
        `add it with: pnpm add ${package_}`,
        'engine',
      )
    },
  )
  const factory = exports[name]
  if (!isPluginFactory(factory))
    throw expected(package_, `a plugin named ${name}`, 'none', 'update the package', 'engine')
  const { definition, options } = factory()
  return (new definition.class(options) as Backend).start()
}

/**
 * Tensor engine: the first of native and wasm that starts; the facts it returns say which and why. `LGM_BACKEND=native` or `wasm`
 * leaves no choice.
 *
 * @throws LgmError `engine` when none starts, or the one asked for does not.
 * @example
 * createLearner([auto(), stream, embedder, head])
 */
export const auto = definePlugin({
  point: Backend,
  name: 'auto',
  summary: 'the first of native and wasm that starts',
  options: z.strictObject({}),
  class: Auto,
})
