import { arrayExamples, createRng, createTrainer, type Examples } from '@lgm/core'
import { expectNoLeak } from '@lgm/testing'
import { describe, expect, test } from 'vitest'
import { accuracyByClass, classifierOptions, trainClassifier } from './classifier.js'

const options = classifierOptions.parse({ widths: [16], iterations: 60, batchSize: 32, optimizer: { rate: 0.01 } })
const training = { name: 'cas', options, trainer: createTrainer({ emit: () => {} }) }

/** Class k lies around k · `step` on each of two axes, times `scale`. */
function blobs(count: number, seed: number, scale = 1, relabel = (label: number) => label): Examples {
  const noise = createRng(seed).normal(2 * count)
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3)
  return arrayExamples(
    noise.map((value, i) => scale * (value + 8 * labels[i >> 1]!)),
    [2],
    labels.map(relabel),
  )
}
const score = async (samples: Examples, test: Examples, seed = 0) => {
  const classifier = await trainClassifier(samples, { ...training, classes: 3, rng: createRng(seed) })
  return accuracyByClass(test.labels, await classifier.guess(test), 3)
}

describe('the classification accuracy score', () => {
  test('of samples like the examples is that of the examples, whatever their size', async () => {
    for (const scale of [1, 1e-3, 1e3])
      for (const share of await score(blobs(300, 1, scale), blobs(150, 2, scale))) expect(share).toBeGreaterThan(0.95)
  })

  test('of samples with two labels exchanged is 0 for both', async () => {
    const exchanged = blobs(300, 1, 1, label => [1, 0, 2][label]!)
    const [first, second, third] = await score(exchanged, blobs(150, 2))
    expect([first, second]).toEqual([0, 0])
    expect(third).toBeGreaterThan(0.95)
  })

  test('is the same again, and leaves no tensor behind', async () => {
    expect(await score(blobs(60, 1), blobs(30, 2), 5)).toEqual(await score(blobs(60, 1), blobs(30, 2), 5))
    await expectNoLeak(() => score(blobs(60, 1), blobs(30, 2)))
  })
})

test('the accuracy of a class is the share of its examples that are guessed right', () => {
  expect(accuracyByClass(Int32Array.of(0, 0, 2, 2, 2, 0), Int32Array.of(0, 1, 2, 2, 0, 0), 4)).toEqual([
    2 / 3,
    null,
    2 / 3,
    null,
  ])
})
