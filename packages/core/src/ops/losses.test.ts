import { expectClose, golden } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { test } from 'vitest'
import { crossEntropy } from './losses.js'

test('soft cross-entropy gives the golden value without the factor T²', () => {
  const { student, teacher, temperature, softCrossEntropyWithoutT2, klBatchMeanWithoutT2 } = golden.distillation
  const targets = tf.softmax(tf.tensor2d(teacher).div(temperature))
  const rows = crossEntropy(tf.tensor2d(student).div(temperature), targets as tf.Tensor2D)
  expectClose(rows.mean(), softCrossEntropyWithoutT2, 1e-6)
  const entropy = targets.mul(targets.log()).sum(1).mean()
  expectClose(rows.mean().add(entropy), klBatchMeanWithoutT2, 1e-6)
})
