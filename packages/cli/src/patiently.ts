/** Milliseconds without a word, and between two. */
const patience = 2000

/** Says what it is told, but only when nothing has been said for two seconds: progress of what is mostly over before. */
export function patiently(say: (text: string) => void): (text: string) => void {
  let last = performance.now()
  return text => {
    if (performance.now() - last < patience) return
    last = performance.now()
    say(text)
  }
}
