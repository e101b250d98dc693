import { createRng, Embedder } from '@lgm/core'
import { build, checkEmbedder } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { identity } from './identity.js'

checkEmbedder({ plugin: () => identity() })
checkEmbedder({ plugin: () => identity(), example: [3] })

test('codes are the examples, in tensors of their own', () => {
  const embedder = build(Embedder, identity())
  expect(embedder.init([2, 2], createRng(0))).toEqual({})
  const x = tf.tensor3d([1, 2, 3, 4], [1, 2, 2])
  const u = embedder.embed({}, x)
  x.dispose()
  expect(u.arraySync()).toEqual([
    [
      [1, 2],
      [3, 4],
    ],
  ])
})
