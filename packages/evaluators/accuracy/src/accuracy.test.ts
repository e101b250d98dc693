import { type Answers, Evaluator, type Measurement, type Scenario, type TaskState } from '@lgm/core'
import { build, checkEvaluator, expectClose, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import { expect, test } from 'vitest'
import { accuracy } from './accuracy.js'

checkEvaluator({ plugin: () => accuracy() })

const evaluator = build(Evaluator, accuracy())

function stateAt(index: number, scenario: Scenario): TaskState {
  return tinyState(tinyTasks({ tasks: 2, scenario, count: 2 }), index, tinyModel().model, scenario)
}

/** Answers whose greatest score stands at `guesses`. */
function answering(task: number, labels: number[], guesses: number[], classes: number, readout = 'head'): Answers {
  const scores = new Float32Array(labels.length * classes).fill(-3)
  for (const [i, guess] of guesses.entries()) scores[i * classes + guess] = -0.1
  return { task, labels: Int32Array.from(labels), classes, scores: { [readout]: scores } }
}

function figure(measurements: readonly Measurement[], name: string) {
  return measurements.find(measurement => measurement.name === name)?.value
}

test('counts right answers by task, and averages over the tasks seen', async () => {
  const answers = [answering(0, [0, 1, 1, 0], [0, 1, 0, 2], 4), answering(1, [2, 3, 2], [2, 3, 2], 4)]
  const row = await evaluator.evaluate(stateAt(1, 'class'), answers)
  expect(figure(row, 'accuracy/head')).toEqual([2 / 4, 3 / 3])
  expect(figure(row, 'accuracy-seen/head')).toBe((0.5 + 1) / 2)
  expect(figure(row, 'chance')).toEqual([1 / 4, 1 / 4])
})

test('a task that was not seen yet counts in the matrix where it can be asked, and not in the mean', async () => {
  const row = await evaluator.evaluate(stateAt(0, 'domain'), [
    answering(0, [0, 1], [0, 1], 2),
    answering(1, [0, 1], [0, 0], 2),
  ])
  expect(figure(row, 'accuracy/head')).toEqual([1, 0.5])
  expect(figure(row, 'accuracy-seen/head')).toBe(1)
})

test('chance in a task-incremental stream is over the classes of the task', async () => {
  const row = await evaluator.evaluate(stateAt(1, 'task'), [answering(0, [0], [0], 4), answering(1, [2], [2], 4)])
  expect(figure(row, 'chance')).toEqual([1 / 2, 1 / 2])
})

test('every read-out has figures of its own', async () => {
  const one = answering(0, [0, 1], [0, 1], 2, 'head')
  const two = answering(0, [0, 1], [1, 1], 2, 'bayes')
  const row = await evaluator.evaluate(stateAt(0, 'class'), [{ ...one, scores: { ...one.scores, ...two.scores } }])
  expect([figure(row, 'accuracy/head'), figure(row, 'accuracy/bayes')]).toEqual([[1], [0.5]])
  expect(evaluator.summarize!([row]).map(({ name }) => name)).toContain('ACC/bayes')
})

test('an empty test set has no accuracy', async () => {
  const row = await evaluator.evaluate(stateAt(0, 'class'), [answering(0, [], [], 2)])
  expect(figure(row, 'accuracy/head')).toEqual([null])
  expect(figure(row, 'accuracy-seen/head')).toBeUndefined()
})

test('the summary of a class-incremental run has no forward transfer, and a matrix with nulls', async () => {
  const rows = [
    await evaluator.evaluate(stateAt(0, 'class'), [answering(0, [0, 1], [0, 1], 2)]),
    await evaluator.evaluate(stateAt(1, 'class'), [answering(0, [0, 1], [0, 3], 4), answering(1, [2, 3], [2, 3], 4)]),
  ]
  const summary = evaluator.summarize!(rows)
  expect(figure(summary, 'ACC/head')).toBe((0.5 + 1) / 2)
  expect(figure(summary, 'BWT/head')).toBe(0.5 - 1)
  expect(figure(summary, 'forgetting/head')).toBe(1 - 0.5)
  expect(figure(summary, 'FWT/head')).toBeUndefined()
  expect(figure(summary, 'accuracy-matrix/head')).toEqual([1, null, 0.5, 1])
})

test('forward transfer in a domain-incremental run is against chance', async () => {
  const early = [answering(0, [0, 1], [0, 1], 2), answering(1, [0, 1, 1, 1], [0, 1, 1, 0], 2)]
  const rows = [
    await evaluator.evaluate(stateAt(0, 'domain'), early),
    await evaluator.evaluate(stateAt(1, 'domain'), early),
  ]
  // R[0][1] = 3/4, one of two classes by chance
  expectClose(figure(evaluator.summarize!(rows), 'FWT/head') as number, 3 / 4 - 1 / 2, 1e-12)
})

test('chance for forward transfer is that of the moment of asking, also where classes come back', () => {
  // the third task shares its classes with the first, so that it can be asked before it is learned, at last among four classes
  const row = (accuracies: (number | null)[], chances: (number | null)[]) => [
    { name: 'accuracy/head', value: accuracies, unit: 'fraction', axis: 'task', aggregation: '' },
    { name: 'chance', value: chances, unit: 'fraction', axis: 'task', aggregation: '' },
  ]
  const rows = [
    row([1, null, 0.9], [0.5, null, 0.5]),
    row([0.5, 1, 0.75], [0.25, 0.25, 0.25]),
    row([1, 1, 1], [0.2, 0.2, 0.2]),
  ]
  expect(figure(evaluator.summarize!(rows), 'FWT/head')).toBe(0.75 - 0.25)
})
