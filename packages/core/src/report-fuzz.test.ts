import { checkParser, fuzzRuns } from '@lgm/testing'
import { expect, test } from 'vitest'
import { LgmError } from './errors.js'
import { type Report, readReport, reportSchema } from './report.js'

const accuracy = { name: 'accuracy/head', unit: 'fraction', axis: 'task', aggregation: 'mean' }
const report: Report = {
  version: 1,
  name: 'lgm',
  seed: 3,
  engine: { name: 'native', version: '4.22.0', threads: 1, note: 'the fastest' },
  scenario: 'class',
  readouts: ['head', 'bayes'],
  tasks: [
    { name: '0, 1', classes: ['0', '1'], train: 20, test: 10 },
    { name: '2', classes: ['2'], train: 20, test: 10 },
  ],
  rows: [[{ ...accuracy, value: [0.9, null] }], [{ ...accuracy, value: [0.8, 0.9] }]],
  summary: [{ name: 'ACC/head', value: 0.85, unit: 'fraction', aggregation: 'mean over tasks' }],
  kept: { head: { numbers: 10, bytes: 40 } },
  seconds: [{ learn: 1 }, { learn: 2, evaluate: 0.5 }],
  totalSeconds: 3.5,
  versions: { tfjs: '4.22.0' },
}

test('a damaged or hostile report is read or refused', async () => {
  const { read, refused } = await checkParser({
    parse(text: string) {
      reportSchema.parse(readReport(parsed(text), 'report.json'))
    },
    valid: [JSON.stringify(report)],
    codes: ['report', 'no JSON'],
  })
  expect(read / fuzzRuns).toBeGreaterThan(0.01)
  expect(refused / fuzzRuns).toBeGreaterThan(0.1)
})

/** Text that is no JSON does not come to `readReport`. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new LgmError('no JSON', 'no JSON')
  }
}
