import { expectClose, golden } from '@lgm/testing'
import { expect, test } from 'vitest'
import {
  averageAccuracy,
  backwardTransfer,
  forgetting,
  forgettingByTask,
  forwardTransfer,
  intransigence,
  learningCurveArea,
  transferMatrix,
  worstForgetting,
} from './metrics.js'

const { metrics, metricsWhereDefinitionsDiffer: differing } = golden

test('the golden matrix has the golden figures', () => {
  expectClose(averageAccuracy(metrics.R)!, metrics.ACC, 1e-8)
  expectClose(backwardTransfer(metrics.R)!, metrics.BWT, 1e-8)
  expectClose(forwardTransfer(metrics.R, metrics.randomBaseline)!, metrics.FWT, 1e-8)
  expectClose(forgetting(metrics.R)!, metrics.forgetting, 1e-8)
})

test('forgetting is from the best, backward transfer from the first accuracy', () => {
  // max(0.6, 0.8) − 0.5 = 0.3 and 0.7 − 0.6 = 0.1; 0.5 − 0.6 = −0.1 and 0.6 − 0.7 = −0.1
  expectClose(averageAccuracy(differing.R)!, differing.ACC, 1e-8)
  expectClose(forgetting(differing.R)!, differing.forgetting, 1e-8)
  expectClose(backwardTransfer(differing.R)!, differing.BWT, 1e-8)
})

test('the transfer matrix is what stands above the diagonal, and its first diagonal less b has the mean FWT', () => {
  const R = [
    [0.9, 0.4, 0.3],
    [0.8, 0.9, 0.5],
    [0.7, 0.8, 0.9],
  ]
  expect(transferMatrix(R)).toEqual([
    [null, 0.4, 0.3],
    [null, null, 0.5],
    [null, null, null],
  ])
  // (0.4 − 0.1 + 0.5 − 0.2) / 2
  expectClose(forwardTransfer(R, [0.3, 0.1, 0.2])!, 0.3, 1e-12)
  expect(transferMatrix([[0.9], [0.7, 0.8]]).flat()).toEqual([null, null, null, null])
})

test('the area under a learning curve has the point before the first step', () => {
  // (0.1 + 0.4 + 0.7) / 3, β = 2
  expectClose(learningCurveArea([0.1, 0.4, 0.7]), 0.4, 1e-12)
})

test('forgetting is negative where the last task helped', () => {
  expectClose(
    forgetting([
      [0.5, 0.1],
      [0.75, 0.9],
    ])!,
    -0.25,
    1e-12,
  )
})

test('a task is left out of a figure where it could not be asked', () => {
  const R = [[0.9], [0.7, 0.8], [0.6, 0.5, 0.7]]
  expectClose(averageAccuracy(R)!, 0.6, 1e-12)
  expectClose(backwardTransfer(R)!, -0.3, 1e-12)
  expect(forwardTransfer(R, [0.1, 0.1, 0.1])).toBeNull()
  expectClose(averageAccuracy([[null], [null, 0.4]])!, 0.4, 1e-12)
})

test('figures over earlier tasks are null after the first task, and all are null without tasks', () => {
  expect([
    averageAccuracy([[0.9]]),
    backwardTransfer([[0.9]]),
    forgetting([[0.9]]),
    forwardTransfer([[0.9]], [0.5]),
  ]).toEqual([0.9, null, null, null])
  expect([averageAccuracy([]), backwardTransfer([]), forgetting([])]).toEqual([null, null, null])
})

test('the worst forgetting is that of one task, which the mean hides', () => {
  const R = [
    [0.9, 0, 0],
    [0.95, 0.8, 0],
    [0.35, 0.85, 0.7],
  ]
  // 0.95 − 0.35 and 0.8 − 0.85
  expectClose(forgettingByTask(R) as number[], [0.6, -0.05], 1e-12)
  expectClose([worstForgetting(R)!, forgetting(R)!], [0.6, 0.275], 1e-12)
  expect(worstForgetting([[0.9]])).toBeNull()
})

test('intransigence is what a joint reference would have got more on each task when it was new', () => {
  const R = [[0.9], [0.2, 0.5], [0.1, 0.1, 0.8]]
  // 0.95 − 0.9, 0.9 − 0.5, 0.75 − 0.8
  expectClose(intransigence(R, [0.95, 0.9, 0.75])!, (0.05 + 0.4 - 0.05) / 3, 1e-12)
  expectClose(intransigence(R, [null, 0.9])!, 0.4, 1e-12)
  expect(intransigence(R, [])).toBeNull()
})
