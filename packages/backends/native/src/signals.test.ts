import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { findEngines } from '@lgm/backend-native/setup'
import { describe, expect, test } from 'vitest'

/** The engine compiled here; no other keeps signals away. `LGM_TEST_ADDON` puts another in its place, to see it fail. */
const addon = process.env.LGM_TEST_ADDON ?? findEngines().find(({ how }) => how === 'built')?.addon

describe.skipIf(addon === undefined)('signals while the native engine computes', () => {
  test.each([1, 2])('do no harm and change no bit: threads %d', async threads => {
    const { ended, report } = await storm([addon!, String(threads), '1500'])
    expect(ended).toEqual([null, 'SIGKILL'])
    const { count, different, handled } = JSON.parse(report!) as Record<string, number>
    expect(different).toBe(0)
    expect(count).toBeGreaterThan(10)
    expect(handled).toBeGreaterThan(10)
  })
})

/**
 * Sends signals to every thread of `multiply.mjs`, as fast as it can, from when it is ready until it has reported; then kills it:
 * a process that ends by itself gives its handlers up first, and a signal that still waits for a thread to run would end it.
 */
async function storm(parameters: readonly string[]): Promise<{ ended: unknown[]; report: string | undefined }> {
  const program = fileURLToPath(new URL('./multiply.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, ...parameters], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Freed memory is checked when it is joined to its neighbours, which it is at once without this cache.
    env: { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0' },
  })
  const exit = once(child, 'exit')
  let [ready, report]: [boolean, string | undefined] = [false, undefined]
  createInterface(child.stdout).on('line', line => {
    if (ready) report = line
    else {
      ready = true
      // Linux gives a signal for a thread's id to that thread, unless it is blocked there.
      const threads = new Set(readdirSync(`/proc/${child.pid}/task`).map(Number))
      const burst = () => {
        if (report !== undefined || child.exitCode !== null || child.signalCode !== null) return child.kill('SIGKILL')
        for (const end = performance.now() + 5; performance.now() < end; )
          for (const thread of threads) if (!send(thread)) threads.delete(thread)
        setImmediate(burst)
      }
      burst()
    }
  })
  return { ended: await exit, report }
}

/** A signal for a thread; false when it has ended. */
function send(thread: number): boolean {
  try {
    return process.kill(thread, 'SIGUSR2')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
