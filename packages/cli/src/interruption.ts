import { exitCodes } from './exit.js'

/** Milliseconds within which two signals are one key press: a terminal sends it to npx and to this process, and npx passes its own on. */
const onePress = 500

/**
 * Listens for Ctrl-C and for being asked to end: the first time the signal is aborted, so that the work stops where it can go on
 * from, within 20 steps; the second time the process ends at once. `release` stops listening.
 */
export function interruption(err: (text: string) => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  let first = 0
  const stop = () => {
    if (controller.signal.aborted) {
      if (performance.now() - first < onePress) return
      process.exit(exitCodes.interrupted)
    }
    first = performance.now()
    controller.abort()
    err('interrupted: stopping within 20 steps; once more stops at once')
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
