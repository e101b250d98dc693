import { type Answers, Evaluator, type Measurement } from '@lgm/core'
import { build, checkEvaluator, expectClose, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import { expect, test } from 'vitest'
import { calibration } from './calibration.js'

checkEvaluator({ plugin: () => calibration() })
checkEvaluator({ plugin: () => calibration({ binning: 'equal-mass', bins: 5, detail: ['tasks', 'bins'] }) })

const state = (index: number) => tinyState(tinyTasks({ tasks: 2, count: 2 }), index, tinyModel().model)

/** Answers of two classes, from the probabilities of the second. */
function answering(task: number, labels: number[], probabilities: number[], readout = 'head'): Answers {
  const scores = Float32Array.from(probabilities.flatMap(p => [Math.log(1 - p), Math.log(p)]))
  return { task, labels: Int32Array.from(labels), classes: 2, scores: { [readout]: scores } }
}

function figure(measurements: readonly Measurement[], name: string) {
  return measurements.find(measurement => measurement.name === name)?.value
}

test('the examples of all tasks learned count alike, and those of tasks to come do not', async () => {
  const evaluator = build(Evaluator, calibration())
  // bin (11/15, 12/15] of confidence 0.8: two of three right; the other, of confidence 0.9, is wrong
  const answers = [answering(0, [1, 1, 0], [0.8, 0.8, 0.8]), answering(1, [0], [0.9]), answering(2, [0], [0.9])]
  const row = await evaluator.evaluate(state(1), answers)
  expectClose(figure(row, 'expected-calibration-error/head') as number, (3 * (0.8 - 2 / 3) + 0.9) / 4, 1e-6)
  expectClose(
    figure(row, 'negative-log-likelihood/head') as number,
    -(2 * Math.log(0.8) + Math.log(0.2) + Math.log(0.1)) / 4,
    1e-6,
  )
  expectClose(figure(row, 'brier-score/head') as number, (2 * 2 * 0.04 + 2 * 0.64 + 2 * 0.81) / 4, 1e-6)
  expect(evaluator.summarize!([[], row])).toEqual(row)
})

test('every read-out has figures of its own', async () => {
  const scores = { ...answering(0, [1], [0.8]).scores, ...answering(0, [1], [0.6], 'bayes').scores }
  const row = await build(Evaluator, calibration()).evaluate(state(0), [{ ...answering(0, [1], [0.8]), scores }])
  const errors = ['head', 'bayes'].map(readout => figure(row, `expected-calibration-error/${readout}`) as number)
  expectClose(errors, [0.2, 0.4], 1e-6)
})

test('details are the error by task and the bins, which stay out of the summary', async () => {
  const evaluator = build(Evaluator, calibration({ bins: 2, detail: ['bins', 'tasks'] }))
  const row = await evaluator.evaluate(state(1), [answering(0, [1, 0], [0.6, 0.8]), answering(1, [1], [1])])
  expectClose(figure(row, 'expected-calibration-error-by-task/head') as number[], [0.2, 0], 1e-6)
  expect(figure(row, 'reliability-accuracy/head')).toEqual([null, 2 / 3])
  expectClose((figure(row, 'reliability-confidence/head') as number[])[1]!, 0.8, 1e-6)
  expect(figure(row, 'reliability-share/head')).toEqual([0, 1])
  expect(evaluator.summarize!([row]).map(({ name }) => name)).toEqual([
    'expected-calibration-error/head',
    'negative-log-likelihood/head',
    'brier-score/head',
  ])
})

test('bins of equal mass give a figure of another name', async () => {
  const row = await build(Evaluator, calibration({ binning: 'equal-mass', bins: 2 })).evaluate(state(0), [
    answering(0, [1, 1, 1, 0], [0.6, 0.7, 0.8, 0.9]),
  ])
  // (0.6, 0.7) both right, (0.8, 0.9) one of them
  expectClose(figure(row, 'adaptive-calibration-error/head') as number, (1 - 0.65 + (0.85 - 0.5)) / 2, 1e-6)
})

test('what does not exist is left out: everything without test examples, the likelihood of a label outside the softmax', async () => {
  const evaluator = build(Evaluator, calibration())
  expect(await evaluator.evaluate(state(0), [answering(0, [], [])])).toEqual([])
  expect(evaluator.summarize!([[]])).toEqual([])
  const names = (await evaluator.evaluate(state(0), [answering(0, [1], [0])])).map(({ name }) => name)
  expect(names).toEqual(['expected-calibration-error/head', 'brier-score/head'])
})
