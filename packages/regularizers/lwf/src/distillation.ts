import * as tf from '@tensorflow/tfjs'

const closed = -1e9

/**
 * The mean over rows of KL( softmax(teacher / T) ‖ softmax(student / T) ), in nats: teacher `[n, old]`, student `[n, seen]` with the old
 * classes first. Classes that only the student has get a target of zero.
 *
 * With `masks` `[tasks, old]`, 0 for the classes of a task and −10⁹ for others, it is the mean over the tasks as well, each with a softmax
 * of its own over the old classes.
 */
export function distillation(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  temperature: number,
  masks?: tf.Tensor2D,
): tf.Scalar {
  return tf.tidy(() => {
    const old = teacher.shape[1]
    const logProbabilities = (logits: tf.Tensor2D) => {
      const softened = logits.div(temperature)
      return tf.logSoftmax(masks ? softened.expandDims(1).add(masks) : softened)
    }
    const padded = (logits: tf.Tensor2D) =>
      tf.pad(
        logits,
        [
          [0, 0],
          [0, student.shape[1] - old],
        ],
        closed * temperature,
      )
    const target = logProbabilities(masks ? teacher : (padded(teacher) as tf.Tensor2D))
    const answer = logProbabilities(masks ? (student.slice([0, 0], [-1, old]) as tf.Tensor2D) : student)
    return target.exp().mul(target.sub(answer)).sum(-1).mean() as tf.Scalar
  })
}
