import { expect, test } from 'vitest'
import type { Task } from './contracts.js'
import { arrayExamples } from './examples.js'
import { addClasses, noClasses } from './seen.js'

function task(index: number, classes: number[], labels = classes, tested = labels): Task {
  const examples = (ids: number[]) => arrayExamples(new Float32Array(ids.length), [1], Int32Array.from(ids))
  const names = classes.map(id => `class ${id}`)
  return { index, name: `t${index}`, classes, names, train: examples(labels), test: examples(tested) }
}

test('classes are added once, with the task in which they first appeared', () => {
  const seen = [task(0, [0, 1]), task(1, [1, 2]), task(2, [0])].reduce(addClasses, noClasses('class'))
  expect(seen).toEqual({ scenario: 'class', names: ['class 0', 'class 1', 'class 2'], taskOf: [0, 0, 1] })
  expect(noClasses('task').names).toEqual([])
})

test('a gap, a label of another class and a task without examples are errors that name the task', () => {
  const after = (bad: Task) => () => addClasses(addClasses(noClasses('class'), task(0, [0, 1])), bad)
  expect(after(task(1, [3]))).toThrow(
    'task 2 ("t1"): expected class id 2 next, got 3; number classes in order of appearance',
  )
  expect(after(task(1, [2], [2, 0]))).toThrow(/expected labels among its classes 2, got 0/)
  expect(after(task(1, [2], [2], [1]))).toThrow(/expected labels among its classes 2, got 1/)
  expect(after(task(1, [2], [], [2]))).toThrow(/expected at least one training example, got none/)
})
