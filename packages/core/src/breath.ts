/** Longest time in milliseconds for which long work keeps the event loop to itself. */
const longest = 50

/**
 * Makes a function that long work awaits between its steps: it gives the event loop a turn when the last one is a while ago, so that
 * signals are heard and timers run, and costs nothing otherwise.
 */
export function createBreath(): () => Promise<void> {
  let last = Date.now()
  return async () => {
    if (Date.now() - last < longest) return
    await new Promise(resolve => setTimeout(resolve, 0))
    last = Date.now()
  }
}
