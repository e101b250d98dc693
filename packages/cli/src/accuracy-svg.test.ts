import type { Report } from '@lgm/core'
import { describe, expect, test } from 'vitest'
import { accuracyMatrices, accuracySvg } from './accuracy-svg.js'

const measured = (readout: string, value: (number | null)[]) => ({
  name: `accuracy/${readout}`,
  value,
  unit: 'fraction',
  axis: 'task',
  aggregation: 'mean over the test set',
})
const rows = [
  [
    measured('head', [1, null]),
    measured('bayes', [0.9, null]),
    { name: 'chance', value: [1, null], unit: '', axis: 'task', aggregation: '' },
  ],
  [measured('head', [0.25, 0.98765]), measured('bayes', [0.8, 0.7])],
]

describe('the accuracy picture', () => {
  test('has a matrix for each read-out, the main one first', () => {
    expect(accuracyMatrices({ rows } as unknown as Report, 'bayes')).toEqual([
      {
        readout: 'bayes',
        rows: [
          [0.9, null],
          [0.8, 0.7],
        ],
      },
      {
        readout: 'head',
        rows: [
          [1, null],
          [0.25, 0.98765],
        ],
      },
    ])
    expect(accuracyMatrices({ rows: [[]] } as unknown as Report, 'head')).toEqual([])
  })

  test('shows every accuracy as a percentage in a cell, and an empty cell where there is none', () => {
    const picture = accuracySvg(
      'run <1> & "2"',
      ['0, 1', 'a task of a long name'],
      accuracyMatrices({ rows } as unknown as Report, 'head'),
    )
    for (const percentage of ['100', '25.0', '98.8', '90.0', '80.0', '70.0'])
      expect(picture).toContain(`>${percentage}</text>`)
    expect(picture.match(/<rect class="none"/g)).toHaveLength(2)
    expect(picture.match(/<rect/g)).toHaveLength(8)
    expect(picture).toContain('run &#60;1&#62; &#38; &#34;2&#34;')
    expect(picture).toContain('>a task of a…</text>')
    expect(picture).toContain('prefers-color-scheme: dark')
  })

  test('grows with the number of tasks, but more slowly beyond ten', () => {
    const width = (count: number) => {
      const tasks = Array.from({ length: count }, (_, k) => `${k}`)
      return Number(/width="(\d+)"/.exec(accuracySvg('', tasks, [{ readout: 'head', rows: [] }]))![1])
    }
    expect([width(5), width(50)]).toEqual([132 + 5 * 56 + 16, 132 + 50 * 36 + 16])
  })
})
