import { arrayExamples, createBreath, type Examples, type Generator, range } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { joined } from './examples.js'

/** Samples drawn at once. */
const chunk = 1000

/** `each` samples of each class 0 to `classes` − 1, class by class, outside the engine. */
export async function drawSamples(
  generator: Generator,
  classes: number,
  each: number,
  notice: (done: number, of: number) => void,
): Promise<Examples> {
  const labels = range(0, classes * each).map(i => Math.floor(i / each))
  const breathe = createBreath()
  const parts: Examples[] = []
  for (let from = 0; from < labels.length; from += chunk) {
    const some = labels.subarray(from, from + chunk)
    const drawn = tf.tidy(() => generator.sample(some))
    const values = (await drawn.data()) as Float32Array
    drawn.dispose()
    parts.push(arrayExamples(values, drawn.shape.slice(1), some, 'samples of the generator'))
    notice(from + some.length, labels.length)
    await breathe()
  }
  return joined(parts)
}
