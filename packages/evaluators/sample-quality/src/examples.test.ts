import { arrayExamples, type Examples, readAll } from '@lgm/core'
import { tinyTasks } from '@lgm/testing'
import { expect, test } from 'vitest'
import { joined, MetTasks, spaced, together } from './examples.js'

/** Examples of one number, which is 10 × part + place. */
const part = (number: number, labels: number[]): Examples =>
  arrayExamples(
    Float32Array.from(labels, (_, i) => 10 * number + i),
    [1],
    Int32Array.from(labels),
  )
const parts = [part(1, [0, 1, 0, 0]), part(2, [1, 0, 1])]
const content = async (examples: Examples) => [[...(await readAll(examples))], [...examples.labels]]

test('a few of each label are spread evenly over all parts', async () => {
  // label 0 stands at 10, 12, 13, 21: every second; label 1 at 11, 20, 22: places 0 and 1.5
  expect(await content(await spaced(parts, 2))).toEqual([
    [10, 13, 11, 20],
    [0, 0, 1, 1],
  ])
  expect(await content(await spaced(parts, 9, 1))).toEqual([
    [11, 20, 22],
    [1, 1, 1],
  ])
  expect((await spaced(parts, 9, 7)).count).toBe(0)
})

test('parts one after the other, read at once or when asked for', async () => {
  const all = [
    [10, 11, 12, 13, 20, 21, 22],
    [0, 1, 0, 0, 1, 0, 1],
  ]
  expect(await content(await joined(parts))).toEqual(all)
  expect(await content(together(parts))).toEqual(all)
  expect([...(await together(parts).read(Int32Array.of(6, 0, 4, 6)))]).toEqual([22, 10, 20, 22])
})

test('tasks are those of the run, or else those that were given, up to the one at hand', () => {
  const tasks = tinyTasks({ tasks: 3, count: 1 })
  const facts = { tasks, seconds: {}, kept: () => ({}) }
  expect(new MetTasks().until(tasks[1]!, facts)).toEqual(tasks.slice(0, 2))
  const alone = new MetTasks()
  expect(alone.until(tasks[2]!, undefined)).toEqual([tasks[2]])
  alone.until(tasks[0]!, undefined)
  expect(alone.until(tasks[2]!, undefined)).toEqual([tasks[0], tasks[2]])
  expect(alone.until(tasks[1]!, undefined)).toEqual([tasks[0], tasks[1]])
})
