/**
 * Run in a process of its own: loads the addon given as the argument, computes, and says `works`.
 */
import { loadEngine } from './load.mjs'

const tf = loadEngine({ addon: process.argv[2] ?? '' })
if (!(await tf.setBackend('tensorflow'))) throw new Error('the backend does not start')
const values = [1, 2, 3, 4]
const product = tf.matMul(tf.tensor2d(values, [2, 2]), tf.tensor2d(values, [2, 2])).dataSync()
if (product.join() !== '7,10,15,22') throw new Error(`a matrix product is wrong: ${product.join()}`)
process.stdout.write('works\n')
