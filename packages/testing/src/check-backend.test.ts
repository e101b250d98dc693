import { Backend, definePlugin, z } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { checkBackend } from './check-backend.js'

/** The engine in plain JavaScript that tfjs brings along. */
class Plain implements Backend {
  async start() {
    await tf.setBackend('cpu')
    return { name: 'cpu', version: tf.version.tfjs, threads: 1 }
  }
}

const plain = definePlugin({
  point: Backend,
  name: 'plain',
  summary: 'plain JavaScript',
  options: z.strictObject({}),
  class: Plain,
})

checkBackend({ plugin: () => plain() })
