import type { Report } from '@lgm/core'

/** A report of a run without tasks or figures, the smallest that reads as one, with `changes`. */
export const tinyReport = (changes: Partial<Report> = {}): Report => ({
  version: 1,
  seed: 0,
  engine: { name: 'cpu', version: '4', threads: 1 },
  scenario: 'class',
  readouts: ['head'],
  tasks: [],
  rows: [],
  summary: [],
  kept: {},
  seconds: [],
  totalSeconds: 1,
  versions: {},
  ...changes,
})
