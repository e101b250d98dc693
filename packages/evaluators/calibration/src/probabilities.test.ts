import { expectClose } from '@lgm/testing'
import { expect, test } from 'vitest'
import { brierScore, confidencesOf, negativeLogLikelihood, probabilitiesOf } from './probabilities.js'

// odds 1 : 3 and 4 : 1, shifted by constants that a softmax does not see
const scores = [0, Math.log(3), 1000 + Math.log(4), 1000]
const scored = { scores, classes: 2, labels: Int32Array.from([1, 1]) }

test('probabilities are the softmax of each row, also of log densities far from 0', () => {
  expectClose(probabilitiesOf(scored), [0.25, 0.75, 0.8, 0.2], 1e-12)
  const far = { scores: [-5000, -9000, -Infinity], classes: 3, labels: Int32Array.from([0]) }
  expect([...probabilitiesOf(far)]).toEqual([1, 0, 0])
})

test('confidence is the probability of the best class', () => {
  const { confidences, right } = confidencesOf(scored)
  expectClose(confidences, [0.75, 0.8], 1e-7)
  expect(right).toEqual([true, false])
})

test('the likelihood is that of the label, in nats', () => {
  expectClose(negativeLogLikelihood(scored), -(Math.log(0.75) + Math.log(0.2)) / 2, 1e-12)
  expect(negativeLogLikelihood({ scores: [-5000, -9000], classes: 2, labels: Int32Array.from([1]) })).toBe(4000)
  expect(negativeLogLikelihood({ scores: [0, -Infinity], classes: 2, labels: Int32Array.from([1]) })).toBe(Infinity)
})

test('the Brier score is the squared distance from the one-hot label', () => {
  expectClose(brierScore(scored), (0.25 ** 2 + 0.25 ** 2 + 0.8 ** 2 + 0.8 ** 2) / 2, 1e-12)
  expect(brierScore({ scores: [0, -Infinity], classes: 2, labels: Int32Array.from([1]) })).toBe(2)
})
