import { type Answers, decodeArrays, encodeArrays, LgmError } from '@lgm/core'
import { checkParser, fuzzRuns, hostileJson, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import { expect, test } from 'vitest'
import { decodeAnswers, encodeAnswers } from './answers.js'
import { asTold } from './as-told.js'

/** What a run of two tasks of two classes, of two test examples each, tells after the second. */
function saved(): Uint8Array {
  const tasks = tinyTasks({ tasks: 2, count: 2 })
  const classes = 4
  const answers = tasks.map(({ index, test: { count, labels } }): Answers => {
    const head = Float32Array.from({ length: count * classes }, (_, i) => Math.sin(i))
    return { task: index, labels, classes, scores: { head, bayes: head } }
  })
  const measurements = [{ name: 'loss', value: [0.1, null], unit: 'nats', axis: 'step', aggregation: 'mean' }]
  const state = { ...tinyState(tasks, 1, tinyModel({ classes }).model), measurements }
  return encodeAnswers(state, answers, { tasks, seconds: {}, kept: () => ({ head: { numbers: 3, bytes: 12 } }) })
}

const file = saved()
const { arrays, metadata } = decodeArrays(file)

/** Files whose arrays are right, and whose description is not. */
const described = hostileJson([JSON.parse(metadata['lgm-answers']!)]).map(text =>
  encodeArrays(arrays, { 'lgm-answers': text }),
)

test('damaged or hostile answers are read or refused', async () => {
  const { read, refused } = await checkParser({
    parse(bytes) {
      const moment = decodeAnswers(bytes, 'task-2.safetensors')
      for (const { labels, classes, scores } of moment.answers)
        for (const values of Object.values(scores))
          if (values.length !== labels.length * classes) throw new Error('scores that do not fit the labels')
      const { state, answers, facts } = asTold(moment)
      if (state.task !== facts.tasks[state.task.index]) throw new Error('another task')
      for (const { task, labels } of answers)
        if (facts.tasks[task]?.test.count !== labels.length) throw new Error('answers of no task')
      if (state.seen.names.length !== state.seen.taskOf.length) throw new Error('classes of no task')
    },
    valid: [file],
    codes: ['checkpoint', 'answers'],
    more: described,
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})

test('answers whose tasks are out of their order, or whose classes have no names, are refused', () => {
  const about = JSON.parse(metadata['lgm-answers']!)
  const withTasks = (tasks: unknown) => encodeArrays(arrays, { 'lgm-answers': JSON.stringify({ ...about, tasks }) })
  const [first, second] = about.tasks
  expect(() => decodeAnswers(withTasks([second, first]))).toThrow(/got tasks: tasks in their order; /)
  expect(() => decodeAnswers(withTasks([first, { ...second, names: [] }]))).toThrow(
    /got tasks: a name for each class; /,
  )
  const seen = { ...about.seen, taskOf: [0] }
  const text = JSON.stringify({ ...about, seen })
  expect(() => decodeAnswers(encodeArrays(arrays, { 'lgm-answers': text }))).toThrow(
    /got seen: a task for each class; /,
  )
  expect(() => decodeAnswers(withTasks([]))).toThrow(LgmError)
})
