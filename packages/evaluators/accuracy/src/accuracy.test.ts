import {
  type Answers,
  createLearner,
  definePlugin,
  Evaluator,
  learn,
  type Measurement,
  run,
  type Scenario,
  Stream,
  type TaskState,
  z,
} from '@lgm/core'
import { build, checkEvaluator, expectClose, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import { expect, test } from 'vitest'
import { accuracy } from './accuracy.js'

checkEvaluator({ plugin: () => accuracy() })
checkEvaluator({
  plugin: () => accuracy({ detail: ['classes', 'confusion'], reference: [1, 0.9, 0.8], untrained: [0.5, 0.4, 0.3] }),
})

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
  expect(figure(summary, 'FWT/head') ?? figure(summary, 'transfer-matrix/head')).toBeUndefined()
  expect(figure(summary, 'accuracy-matrix/head')).toEqual([1, null, 0.5, 1])
})

test('forward transfer in a domain-incremental run is against chance', async () => {
  const early = [answering(0, [0, 1], [0, 1], 2), answering(1, [0, 1, 1, 1], [0, 1, 1, 0], 2)]
  const rows = [
    await evaluator.evaluate(stateAt(0, 'domain'), early),
    await evaluator.evaluate(stateAt(1, 'domain'), early),
  ]
  // R[0][1] = 3/4, one of two classes by chance
  const summary = evaluator.summarize!(rows)
  expectClose(figure(summary, 'FWT/head') as number, 3 / 4 - 1 / 2, 1e-12)
  expect(figure(summary, 'transfer-matrix/head')).toEqual([null, 3 / 4, null, null])
  const against = build(Evaluator, accuracy({ untrained: [0.9, 0.4] })).summarize!(rows)
  expectClose(figure(against, 'FWT/head') as number, 3 / 4 - 0.4, 1e-12)
  const words = (of: readonly Measurement[]) => of.find(({ name }) => name === 'FWT/head')!.aggregation
  expect([words(summary), words(against)]).toEqual([
    expect.stringMatching(/against chance$/),
    expect.stringMatching(/against an untrained model$/),
  ])
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

test('the accuracy on each class and the confusion are over all tasks learned, on demand', async () => {
  // of class 0 two of three are right, of class 1 none of one; class 2 was not tested
  const answers = [answering(0, [0, 0, 1], [0, 2, 0], 3), answering(1, [0], [0], 3), answering(2, [1], [1], 3)]
  const state = {
    ...stateAt(1, 'class'),
    seen: { scenario: 'class' as const, names: ['a', 'b', 'c'], taskOf: [0, 0, 1] },
  }
  const row = await build(Evaluator, accuracy({ detail: ['classes', 'confusion'] })).evaluate(state, answers)
  expect(figure(row, 'class-accuracy/head')).toEqual([2 / 3, 0, null])
  // rows are true, columns guessed; the third task is not learned yet
  expect(figure(row, 'confusion/head')).toEqual([2, 0, 1, 1, 0, 0, 0, 0, 0])
  const plain = await evaluator.evaluate(state, answers)
  expect(figure(plain, 'class-accuracy/head') ?? figure(plain, 'confusion/head')).toBeUndefined()
})

test('where the task is not told, a class of the right task counts as its guess', async () => {
  const answers = [answering(0, [0, 1, 1, 0], [1, 1, 2, 3], 4), answering(1, [2, 3], [3, 2], 4)]
  const row = await evaluator.evaluate(stateAt(1, 'class'), answers)
  expect(figure(row, 'task-guessing/head')).toEqual([2 / 4, 2 / 2])
  expect(figure(evaluator.summarize!([row, row]), 'mean-task-guessing/head')).toBe((0.5 + 1) / 2)
  for (const scenario of ['task', 'domain'] as const)
    expect(figure(await evaluator.evaluate(stateAt(1, scenario), answers), 'task-guessing/head')).toBeUndefined()
})

test('intransigence is against the references given, and one is needed for each task', async () => {
  const strict = build(Evaluator, accuracy({ reference: [0.9, 0.6] }))
  const rows = [
    await strict.evaluate(stateAt(0, 'domain'), [answering(0, [0, 1], [0, 1], 2), answering(1, [0, 1], [1, 0], 2)]),
    await strict.evaluate(stateAt(1, 'domain'), [answering(0, [0, 1], [0, 0], 2), answering(1, [0, 1], [0, 0], 2)]),
  ]
  // R[0][0] = 1 and R[1][1] = 0.5
  expectClose(figure(strict.summarize!(rows), 'intransigence/head') as number, (0.9 - 1 + (0.6 - 0.5)) / 2, 1e-12)
  expect(figure(evaluator.summarize!(rows), 'intransigence/head')).toBeUndefined()
  await expect(async () =>
    build(Evaluator, accuracy({ reference: [0.9] })).evaluate(stateAt(1, 'class'), []),
  ).rejects.toThrow('evaluator "accuracy": expected in reference an accuracy for task 2, got 1 of them')
  await expect(async () =>
    build(Evaluator, accuracy({ untrained: [] })).evaluate(stateAt(0, 'class'), []),
  ).rejects.toThrow('expected in untrained an accuracy for task 1, got 0 of them')
})

/** Two tasks of eight test examples each. */
const streamOf = (scenario: Scenario) =>
  definePlugin({
    point: Stream,
    name: 'tiny',
    summary: 'tiny tasks',
    options: z.strictObject({}),
    class: class implements Stream {
      readonly scenario = scenario
      tasks = async () => tinyTasks({ scenario, count: 4 })
    },
  })()

test.each(['class', 'task', 'domain'] as const)(
  'the learning curve of a %s-incremental run starts before the first step and ends at the accuracy after the last',
  async scenario => {
    const found = await run(
      await createLearner([
        ...tinyModel().plugins,
        streamOf(scenario),
        learn({ iterations: 3, early: 3, optimizer: { rate: 0.05 } }),
        accuracy(),
      ]),
    )
    const curves = found.rows.map(row => figure(row as Measurement[], 'phase/learn/early-accuracy') as number[])
    const areas = found.rows.map(row => figure(row as Measurement[], 'learning-curve-area') as number)
    for (const [i, curve] of curves.entries()) {
      expect(curve).toHaveLength(4)
      expectClose(curve[3]!, (figure(found.rows[i] as Measurement[], 'accuracy/head') as number[])[i]!, 1e-12)
      expectClose(areas[i]!, (curve[0]! + curve[1]! + curve[2]! + curve[3]!) / 4, 1e-12)
    }
    expect(new Set(curves.flat()).size).toBeGreaterThan(1)
    expectClose(figure(found.summary as Measurement[], 'LCA') as number, (areas[0]! + areas[1]!) / 2, 1e-12)
  },
)

test('without early accuracies there is no learning curve', async () => {
  const plugins = [...tinyModel().plugins, streamOf('class'), learn({ iterations: 1 }), accuracy()]
  const { summary } = await run(await createLearner(plugins))
  expect(figure(summary as Measurement[], 'LCA')).toBeUndefined()
})

test('in a run, tasks to come are measured where they can be asked, and transfer to them', async () => {
  const report = async (scenario: Scenario) =>
    run(await createLearner([...tinyModel().plugins, streamOf(scenario), learn({ iterations: 1 }), accuracy()]))
  const shared = await report('domain')
  expect((figure(shared.rows[0] as Measurement[], 'accuracy/head') as number[]).length).toBe(2)
  const matrix = figure(shared.summary as Measurement[], 'accuracy-matrix/head') as number[]
  expectClose(figure(shared.summary as Measurement[], 'FWT/head') as number, matrix[1]! - 1 / 2, 1e-12)
  const own = await report('class')
  expect((figure(own.summary as Measurement[], 'accuracy-matrix/head') as number[])[1]).toBeNull()
})
