import { composeParts, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { type Examples, Generator, Phase } from '../contracts.js'
import { emptyState } from '../params.js'
import { definePlugin, z } from '../point.js'
import { memorize } from './memorize.js'

const figure = (name: string, value: number) => ({
  name: `generator/${name}`,
  value,
  unit: 'count',
  aggregation: 'sum',
})

/** Keeps nothing; samples are zeros. */
class Silent implements Generator {
  async memorize() {}
  sample(labels: Int32Array) {
    return tf.zeros([labels.length, 2])
  }
  state() {
    return emptyState
  }
  restore() {}
}

/** Measures how many codes it was last given. */
class Counting implements Generator {
  #count = 0
  async memorize(fresh: Examples) {
    this.#count = fresh.count
  }
  sample(labels: Int32Array) {
    return tf.zeros([labels.length, 2])
  }
  measure() {
    return [figure('counting/codes', this.#count)]
  }
  state() {
    return emptyState
  }
  restore() {}
}

const none = z.strictObject({})
const silent = definePlugin({ point: Generator, name: 'silent', summary: 'nothing', options: none, class: Silent })
const counting = definePlugin({ point: Generator, name: 'counting', summary: 'counts', options: none, class: Counting })
const { plugins, model } = tinyModel()
const [task] = tinyTasks({ tasks: 1 })
const state = tinyState([task!], 0, model)

test('the phase memorize reports what the generator measures after its fit, in the place of older figures', async () => {
  const parts = composeParts([...plugins, counting(), memorize()])
  const before = { ...state, measurements: [figure('other', 7), figure('counting/codes', 1)] }
  const after = await parts.all(Phase)[0]!.run(before)
  expect(after.measurements).toEqual([figure('other', 7), figure('counting/codes', task!.train.count)])
})

test('the phase memorize reports nothing of a generator that measures nothing', async () => {
  const parts = composeParts([...plugins, silent(), memorize()])
  expect((await parts.all(Phase)[0]!.run(state)).measurements ?? []).toEqual([])
})
