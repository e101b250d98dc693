import { type Answers, encodeArrays, LgmError, type RunFacts, type Scenario } from '@lgm/core'
import { tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import { describe, expect, test } from 'vitest'
import { decodeAnswers, encodeAnswers } from './answers.js'

/** What a run of two tasks of two classes, of 5 test examples each, tells after the second. */
function told(scenario: Scenario = 'class') {
  const tasks = tinyTasks({ tasks: 2, count: 10, scenario })
  const classes = scenario === 'domain' ? 2 : 4
  const measurements = [
    { name: 'loss', value: 0.1, unit: 'nats', aggregation: 'mean over steps' },
    { name: 'curve', value: [1 / 3, null], unit: 'nats', axis: 'step', aggregation: 'one step' },
  ]
  const state = { ...tinyState(tasks, 1, tinyModel({ classes }).model, scenario), measurements }
  const answers = tasks.map(
    ({ index, test }): Answers => ({
      task: index,
      labels: test.labels,
      classes,
      scores: {
        head: Float32Array.from({ length: test.count * classes }, (_, i) => (i % 3 === 0 ? -1e9 : Math.sin(i))),
        bayes: Float32Array.from({ length: test.count * classes }, (_, i) => (i % 3 === 0 ? -Infinity : -1000 - i / 7)),
      },
    }),
  )
  const facts: RunFacts = { tasks, seconds: { learn: 1.5 }, kept: () => ({ head: { numbers: 3, bytes: 12 } }) }
  return { state, answers, facts }
}

const encoded = (scenario?: Scenario) => {
  const { state, answers, facts } = told(scenario)
  return encodeAnswers(state, answers, facts)
}

describe('saved answers', () => {
  test.each<Scenario>(['class', 'task', 'domain'])('come back to the bit, %s-incremental', scenario => {
    const { state, answers, facts } = told(scenario)
    const back = decodeAnswers(encodeAnswers(state, answers, facts))
    expect(back.answers).toEqual(answers)
    expect(back).toMatchObject({ task: 1, seen: state.seen, before: state.before, measurements: state.measurements })
    expect(back.kept).toEqual(facts.kept())
    expect(back.tasks[1]).toEqual({
      index: 1,
      name: 'tiny 1',
      classes: state.task.classes,
      names: state.task.names,
      shape: [2],
      train: 20,
      test: 10,
    })
  })

  test('have the same bytes whenever they are written, however long a phase took', () => {
    const { state, answers, facts } = told()
    expect(encodeAnswers(state, answers, { ...facts, seconds: { learn: 99 } })).toEqual(encoded())
  })

  test('take four bytes a number, beside the header', () => {
    const file = encoded()
    const header = 8 + Number(new DataView(file.buffer).getBigUint64(0, true))
    // two test sets of 10 examples: a label, and scores of 4 classes by 2 read-outs
    expect(file.length - header).toBe(2 * 10 * (4 + 4 * 4 * 2))
  })
})

describe('refused, with the name of the file, is', () => {
  const { state, answers, facts } = told()
  const changed = (change: object) => encodeAnswers(state, [{ ...answers[0]!, ...change }, answers[1]!], facts)
  const scores = (length: number) => ({ head: new Float32Array(length) })
  test.each([
    ['a file that was cut', encoded().slice(0, -1), /^x: expected .* bytes/],
    ['a file that was cut in its header', encoded().slice(0, 100), /^x: expected a header/],
    [
      'a file of something else',
      encodeArrays({}),
      /^x: expected saved answers, got a safetensors file of something else/,
    ],
    [
      'another version',
      encodeArrays({}, { 'lgm-answers': '{"version":2}' }),
      /^x: expected saved answers of version 1, got version: .*; .*run again/,
    ],
    ['what is no JSON', encodeArrays({}, { 'lgm-answers': '{' }), /saved answers of version 1, got no JSON/],
    ['a label that is no class', changed({ labels: answers[0]!.labels.map(() => 4) }), /class ids below 4, got 4/],
    [
      'scores of fewer classes',
      changed({ classes: 2, scores: scores(20) }),
      /x: task-1\/scores\/head: expected float32 of shape \[10, 4\]/,
    ],
    [
      'other labels',
      changed({ labels: new Int32Array(9), scores: scores(36) }),
      /x: task-1\/labels: expected int32 of shape \[10\]/,
    ],
    ['a task that it does not name', changed({ task: 7 }), /arrays of the tasks that it names, got others: task-8/],
  ])('%s', (_, file, message) => {
    expect(() => decodeAnswers(file, 'x')).toThrow(message)
    expect(() => decodeAnswers(file, 'x')).toThrow(LgmError)
  })
})
