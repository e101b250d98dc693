/**
 * Run in a process of its own by signals.test.ts: handles SIGUSR2, says `ready`, multiplies matrices for a while, says how that
 * went, and waits to be killed, or for the end of its input. Arguments: addon, threads, milliseconds.
 */
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { loadEngine } from '../setup/index.mjs'

const [addon = '', threads, milliseconds] = process.argv.slice(2)
let handled = 0
process.on('SIGUSR2', () => {
  handled++
})
const tf = loadEngine({ addon, threads: Number(threads) })
await tf.setBackend('tensorflow')

/** @type {(rows: number, columns: number, seed: number) => import('@tensorflow/tfjs').Tensor2D} */
const matrix = (rows, columns, seed) => tf.randomUniform([rows, columns], -1, 1, 'float32', seed)
const products = [
  { a: matrix(256, 256, 1), b: matrix(256, 256, 2), transposeA: false },
  { a: matrix(256, 256, 1), b: matrix(256, 256, 2), transposeA: true },
  { a: matrix(16, 256, 3), b: matrix(256, 128, 4), transposeA: false },
]
/** @param {(typeof products)[number]} factors */
const bits = ({ a, b, transposeA }) => {
  const product = tf.matMul(a, b, transposeA)
  const { buffer } = product.dataSync().slice()
  product.dispose()
  return Buffer.from(buffer)
}

const calm = products.map(bits)
process.stdout.write('ready\n')
const end = performance.now() + Number(milliseconds)
/** Tensors of changing sizes, so that what lies beside a product's memory changes. */
const neighbours = []
let count = 0
let different = 0
while (performance.now() < end) {
  for (const [index, product] of products.entries()) {
    neighbours.push(tf.zeros([1 + ((count * 7919) % 1000)]))
    if (neighbours.length > 50) neighbours.splice((count * 31) % 50, 1)[0]?.dispose()
    if (!bits(product).equals(/** @type {Buffer} */ (calm[index]))) different++
    count++
  }
  await turn()
}
process.stdout.write(`${JSON.stringify({ count, different, handled })}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
