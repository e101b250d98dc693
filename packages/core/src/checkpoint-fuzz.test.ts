import { checkParser, fuzzRuns } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { memoryStore, readCheckpoint, writeCheckpoint } from './checkpoint.js'
import type { Stateful } from './contracts.js'
import { disposeParams } from './params.js'
import { createRng } from './rng.js'

/** A plugin that keeps one tensor and one number. */
const mean: Stateful = {
  state: () => ({ tensors: { mean: tf.tensor1d([1, 2]) }, values: { count: 3 } }),
  restore: () => {},
}
const parts = new Map([['generator/mean', mean]])
const rngs = new Map([['generator/mean', createRng(1)]])

test('a damaged or hostile manifest of a checkpoint is read or refused', async () => {
  const store = memoryStore()
  const model = { embedder: { kernel: tf.tensor1d([1]) }, head: { bias: tf.tensor1d([1]) }, decoder: {} }
  const seen = { scenario: 'class', names: ['cat', 'dog'], taskOf: [0, 0] } as const
  await writeCheckpoint(store, { seed: 1, tasks: 1, exampleShape: [2], seen, model }, parts, rngs)
  const told = new TextDecoder().decode(await store.read('manifest.json'))
  // one that says it has no checksums gets further
  const { files: _, crc32: __, ...rest } = JSON.parse(told)
  const before = tf.memory().numTensors
  const { read, refused } = await checkParser({
    async parse(text: string) {
      const read = (name: string) =>
        name === 'manifest.json' ? Promise.resolve(new TextEncoder().encode(text)) : store.read(name)
      const snapshot = await readCheckpoint({ ...store, read }, parts, rngs, () => {})
      for (const part of Object.values(snapshot.model)) disposeParams(part)
      if (snapshot.seen.names.length !== snapshot.seen.taskOf.length) throw new Error('classes that do not fit')
    },
    valid: [told, JSON.stringify({ ...rest, version: 1 })],
    codes: ['checkpoint'],
  })
  expect(tf.memory().numTensors).toBe(before)
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})
