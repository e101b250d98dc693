// One process that is measured. Reads requests from standard input, one JSON object a line, and answers each with one.
// Parameters: framework | minimal, native | wasm, stock | ours
import { createInterface } from 'node:readline'
import { startEngine, tf } from './engine.mjs'

const [who, engine, kernels] = /** @type {['framework' | 'minimal', 'native' | 'wasm', 'stock' | 'ours']} */ (
  process.argv.slice(2)
)
await startEngine(engine, kernels === 'stock')
const run =
  who === 'framework'
    ? await (await import('./framework.mjs')).frameworkSteps()
    : await (await import('./minimal.mjs')).minimalSteps()

/** Seconds of a product of two matrices 1024 × 1024. @param {number} repetitions */
async function product(repetitions) {
  const [a, b] = [0, 1].map(() => tf.randomUniform([1024, 1024]))
  const times = []
  for (let i = 0; i < repetitions + 1; i++) {
    const start = performance.now()
    const c = tf.matMul(a, b)
    await c.data()
    times.push((performance.now() - start) / 1000)
    c.dispose()
  }
  tf.dispose([a, b])
  return times.slice(1)
}

/** @param {any} request */
async function answer({ ask, workload, steps }) {
  if (ask === 'step') return run(workload, steps)
  if (ask === 'product') return { times: await product(steps) }
  const { profile } = await import('./profile.mjs')
  return profile((change, count) => run(workload, count, change), steps)
}

console.log(JSON.stringify({ ready: true, rss: process.memoryUsage.rss() }))
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await answer(JSON.parse(line))))
  } catch (error) {
    console.log(JSON.stringify({ error: error instanceof Error ? error.message.split('\n')[0] : String(error) }))
  }
}
process.exit(0)
