import { findEngines } from '@lgm/backend-native/setup'
import { Backend, type EngineFacts } from '@lgm/core'
import { build, checkBackend } from '@lgm/testing'
import { afterEach, expect, test } from 'vitest'
import { auto } from './index.js'

const before = process.env.LGM_BACKEND

afterEach(() => {
  if (before === undefined) delete process.env.LGM_BACKEND
  else process.env.LGM_BACKEND = before
})

checkBackend({ plugin: () => auto() })

async function start(forced: string | undefined): Promise<EngineFacts> {
  if (forced === undefined) delete process.env.LGM_BACKEND
  else process.env.LGM_BACKEND = forced
  return build(Backend, auto()).start()
}

test('takes native where it is set up and wasm where it is not, and says why', async () => {
  const facts = await start(undefined)
  const native = findEngines().length > 0
  expect(facts.name).toBe(native ? 'native' : 'wasm')
  expect(facts.note).toMatch(
    native ? /^native is the first that starts/ : /^not native: .*npx lgm-setup-native; wasm is the first/,
  )
})

test('LGM_BACKEND leaves no choice', async () => {
  expect(await start('wasm')).toMatchObject({ name: 'wasm', note: 'LGM_BACKEND asks for it' })
})

test('an engine that does not exist is refused', async () => {
  await expect(start('cuda')).rejects.toThrow(
    'LGM_BACKEND: expected native or wasm, got "cuda"; correct it or unset it',
  )
})

test.skipIf(findEngines().length > 0)('native that is asked for and not set up is an error', async () => {
  await expect(start('native')).rejects.toThrow(/npx lgm-setup-native/)
})
