import { expect, test } from 'vitest'
import { accuracyOf, classAccuracies, confusionMatrix, guessesOf, taskGuessing } from './guesses.js'

const labels = Int32Array.from([0, 0, 1, 2])
const guesses = Int32Array.from([0, 1, 1, 1])

test('a guess is the greatest score of its row, the first of equals', () => {
  expect(guessesOf(Float32Array.from([1, 2, 3, 5, 5, -1, -Infinity, -7, -Infinity]), 3)).toEqual(
    Int32Array.from([2, 0, 1]),
  )
  expect(guessesOf(new Float32Array(0), 0)).toEqual(new Int32Array(0))
})

test('of four examples, two guesses are right', () => {
  expect(accuracyOf(labels, guesses)).toBe(2 / 4)
  expect(accuracyOf(new Int32Array(0), new Int32Array(0))).toBeNull()
})

test('confusion has rows of true classes, and on its diagonal the accuracies', () => {
  expect(confusionMatrix(labels, guesses, 3)).toEqual([1, 1, 0, 0, 1, 0, 0, 1, 0])
  expect(classAccuracies([1, 1, 0, 0, 1, 0, 0, 1, 0], 3)).toEqual([1 / 2, 1, 0])
  expect(classAccuracies([0, 0, 1, 3], 2)).toEqual([null, 3 / 4])
})

test('the task is guessed where the class is wrong but of the same task', () => {
  // classes 0 and 1 are of task 0, class 2 of task 1: only the last is taken for another task
  expect(taskGuessing(labels, guesses, [0, 0, 1])).toBe(3 / 4)
  expect(taskGuessing(new Int32Array(0), new Int32Array(0), [0])).toBeNull()
})
