import { expect, test } from 'vitest'
import type { Answers, Measurement, TaskState } from './contracts.js'
import { evaluate, rowOf, summarize } from './evaluation.js'

const figure: Measurement = { name: 'a', value: 1, unit: 'fraction', aggregation: 'mean' }
const list: Measurement = { ...figure, value: [1, null], axis: 'task' }
const measuring = (found: Measurement) => ({ evaluate: () => [found], summarize: () => [found] })
const [state, answers] = [{} as TaskState, [] as Answers[]]

test('figures are copied, so that nobody changes those of a report', async () => {
  const [[found]] = (await evaluate([measuring(list)], state, answers)) as [[typeof list]]
  expect(found).toEqual(list)
  expect(found).not.toBe(list)
  expect(found.value).not.toBe(list.value)
})

test.each([
  ['unit', { ...figure, unit: '' }],
  ['name', { ...figure, name: '' }],
  ['aggregation', { ...list, aggregation: '' }],
  ['axis', { ...figure, value: [1] }],
  ['axis', { ...figure, axis: '' }],
])('a figure without %s is refused when it is measured, not when the report is written', async (what, wrong) => {
  const message = `expected name, unit, aggregation and, of a list, axis, got no ${what}; let the plugin`
  await expect(evaluate([measuring(wrong)], state, answers)).rejects.toThrow(message)
  expect(() => summarize([measuring(wrong)], [[[]]])).toThrow(message)
  expect(() => rowOf({ measurements: [wrong] }, [])).toThrow(message)
})
