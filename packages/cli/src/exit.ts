import { Interrupted, LgmError } from '@lgm/core'

/** What the command's exit code says. */
export const exitCodes = { done: 0, failed: 1, input: 2, interrupted: 130 } as const

/** Codes of errors that are no mistake of the user's: the run, or the machine, failed. */
const failures = new Set(['not-finite', 'collapsed', 'engine', 'download', 'write', 'busy', 'disposed'])

/** The exit code for what was thrown. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return exitCodes.interrupted
  if (error instanceof LgmError && !failures.has(error.code)) return exitCodes.input
  return exitCodes.failed
}

/** What the user reads of an error: its message, and with `debug` where it came from. */
export function explain(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `unexpected error: ${String(error)}`
  if (debug)
    return [error.stack ?? error.message, ...(error.cause ? [`caused by: ${explain(error.cause, true)}`] : [])].join(
      '\n',
    )
  if (error instanceof LgmError || error instanceof Interrupted) return error.message
  return `unexpected error: ${error.message.split('\n')[0]}; run again with --debug to see where, and report it`
}
