import { flatten, mapParams, Regularizer } from '@lgm/core'
import { build, checkRegularizer, expectClose, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import { expect, it } from 'vitest'
import { anchor } from './anchor.js'

checkRegularizer({ plugin: () => anchor({ strength: 2 }) })

it('is ½ λ Σ (θ − θ*)²: 17 parameters, each moved by 0.1, under λ = 2 cost 17 · 0.01', async () => {
  const { plugins, model } = tinyModel()
  const regularizer = build(Regularizer, anchor({ strength: 2 }), { beside: plugins })
  await regularizer.consolidate(tinyState(tinyTasks(), 0, model))
  const moved = mapParams(flatten(model), tensor => tensor.add(0.1))
  expectClose(regularizer.penalty!(moved, undefined as never), [0.17])
})

it('refuses a strength below 0', () => {
  expect(() => anchor({ strength: -1 })).toThrow(/regularizer "anchor": strength/)
})
