import { checkParser, fuzzRuns } from '@lgm/testing'
import { expect, test } from 'vitest'
import { type CifarFormat, copyImage, copyLabels, countOf } from './formats.js'

const format: CifarFormat = { train: [], test: [], labels: 2, label: 1, classes: new Array(100).fill('name') }
const file = Uint8Array.from({ length: 2 * 3074 }, (_, i) => (i * 7) % 100)

test('damaged or hostile records are read or refused', async () => {
  const { read, refused } = await checkParser({
    parse(bytes) {
      const count = countOf(bytes.length, format, 'train.bin')
      const labels = new Int32Array(count).fill(-1)
      copyLabels(bytes, format, 'train.bin', labels, 0)
      if (!labels.every(label => label >= 0 && label < 100)) throw new Error('no class')
      const rows = new Float32Array(3072).fill(-1)
      copyImage(bytes, count - 1, format, rows, 0)
      if (!rows.every(value => value >= 0 && value <= 1)) throw new Error('out of range')
    },
    valid: [file, file.subarray(3074)],
    codes: ['data'],
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.05)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})
