import { describe, expect, it } from 'vitest'
import type { Study } from '../examples/experiments/study.mjs'
import { type Run, render } from './experiments.mjs'

const row = (name: string, family: string, panel: string) => ({
  name,
  title: `the ${name}`,
  family,
  panel,
  recipe: () => ({}),
})
const study: Study = {
  name: 'small',
  datasets: ['digits', 'clothes'],
  tradeOff: true,
  figure: 'ACC/head',
  tuningSeed: 100,
  forTuning: recipe => recipe,
  shared: {},
  rows: [row('few', 'buffer', 'pixels'), row('many', 'buffer', 'pixels'), row('net', 'memorizer', 'codes')],
}
const about = '# Worth it?\n\nOne task.\n\n```\na command\n```\n\n## What it says\n\nNo.\n'
const final = (row: string, seed: number, figures: Record<string, number>): Run => ({
  stage: 'final',
  row,
  dataset: 'digits',
  strength: 0,
  seed,
  figures,
  kept: {},
  seconds: 7,
  engine: { name: 'native', version: '4', threads: 1 },
  versions: { '@lgm/core': '0.1.0' },
})
const buffer = (bytes: number, error: number) => ({
  'generator/buffer/bytes': bytes,
  'generator/buffer/bits-per-number': 32,
  'generator/buffer/recall-error': error,
})
const runs = [
  final('many', 0, { 'ACC/head': 0.9, ...buffer(100_000, 0) }),
  final('few', 0, { 'ACC/head': 0.7, ...buffer(10_000, 0) }),
  final('few', 1, { 'ACC/head': 0.72, ...buffer(10_000, 0) }),
]

describe('the page of a trade-off', () => {
  const files = render(study, about, runs)
  const page = files.get('README.md') ?? ''

  it('has bytes, errors and accuracy of each row that was run, with deviations over seeds', () => {
    expect(page).toContain('# Worth it?\n\nOne task.\n\n![Accuracy against bytes](bytes.svg)')
    expect(page).toContain('## digits, pixels')
    expect(page).toContain('## What it says\n\nNo.')
    const cells = (title: string) =>
      page
        .split('\n')
        .find(line => line.includes(`| ${title} `))
        ?.split('|')
        .map(cell => cell.trim())
    // 70 and 72 %: √(1 + 1) = 1.41
    expect(cells('the few')?.slice(1, -1)).toEqual([
      'the few',
      '10 ± 0',
      '32.00 ± 0.00',
      '0.0000 ± 0.0000',
      '–',
      '71.00 ± 1.41',
      '2',
      '7 ± 0',
    ])
    expect(cells('the many')?.[2]).toBe('100')
    expect(page).toContain('node examples/experiments/study.mjs small --seeds 0..1')
  })

  it('says what is missing, and leaves out panels of which nothing was run', () => {
    expect(page).not.toContain('## digits, codes')
    expect(page).toContain('Final runs of digits net, clothes few, clothes many, clothes net.')
    expect(render(study, about, []).get('README.md')).toContain('**No final run is there yet.**')
  })

  it('shows a curve of each kind of memory', () => {
    const picture = files.get('bytes.svg') ?? ''
    expect(picture).toContain('digits, pixels')
    expect(picture).toContain('>buffer<')
    expect(picture).not.toContain('>memorizer<')
  })
})
