import { exitCodes } from './exit.js'

/**
 * Listens for Ctrl-C and for being asked to end: the first time the signal is aborted, so that the work stops at its next step and
 * leaves nothing half done; the second time the process ends at once. `release` stops listening.
 */
export function interruption(err: (text: string) => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    controller.abort()
    err('interrupted: stopping at the next step; once more stops at once')
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}
