import { flatten, type Model, type Params, Regularizer } from '@lgm/core'
import { build, checkRegularizer, expectClose, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { l2 } from './l2.js'

checkRegularizer({ plugin: () => l2({ strength: 3 }) })

/** The penalty at `params`, after tasks that ended at these models. */
function penaltyAt(params: Params, models: readonly Model[], options: Parameters<typeof l2>[0]): number {
  const regularizer = build(Regularizer, l2(options), { beside: tinyModel().plugins })
  const tasks = tinyTasks({ tasks: models.length })
  for (const [index, model] of models.entries()) regularizer.consolidate(tinyState(tasks, index, model))
  const batch = { x: tf.zeros([1, 2]), labels: tf.zeros([1], 'int32') as tf.Tensor1D }
  return regularizer.penalty!(params, batch).dataSync()[0]!
}

const { model } = tinyModel()
const moved = (by: number) =>
  Object.fromEntries(Object.entries(flatten(model)).map(([name, value]) => [name, value.add(by)]))

test('is half the strength for each number that has moved by 1', () => {
  // 2 · 3 + 3 numbers in the embedder, 3 · 2 + 2 in the head
  expectClose([penaltyAt(moved(1), [model], { strength: 4 })], [(4 / 2) * 17], 1e-4)
  expectClose([penaltyAt(moved(2), [model], { strength: 4, protect: 'embedder' })], [(4 / 2) * 4 * 9], 1e-4)
})

test('holds the parameters of the newest task alone', () => {
  const newest = tinyModel({ seed: 1 }).model
  expect(penaltyAt(flatten(newest), [model, newest], {})).toBe(0)
  expect(penaltyAt(flatten(model), [model, newest], {})).toBeGreaterThan(0)
})

test('keeps the anchors and nothing else', () => {
  const regularizer = build(Regularizer, l2(), { beside: tinyModel().plugins })
  expect(regularizer.state().tensors).toEqual({})
  regularizer.consolidate(tinyState(tinyTasks(), 0, model))
  const { tensors } = regularizer.state()
  for (const [name, value] of Object.entries(flatten(model))) expectClose(tensors[name]!, value.dataSync(), 0)
  expect(Object.keys(tensors)).toHaveLength(4)
})

test('without parameters to hold is an error', () => {
  const regularizer = build(Regularizer, l2({ protect: 'embedder' }), { beside: tinyModel().plugins })
  expect(() => regularizer.begin!(tinyState(tinyTasks(), 0, { ...model, embedder: {} }))).toThrow(
    'regularizer "l2": expected parameters to hold in the embedder, got none; use an embedder that learns, or protect: embedder+head',
  )
})
