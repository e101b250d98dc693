import { describe, expect, test } from 'vitest'
import { liveSections, mostBytes, pageHtml, reportPage, runSections } from './index.js'
import { inventedRun } from './invented.fixture.js'

const full = inventedRun({ steps: 10 })
const png = new Uint8Array(60).fill(7)
const withPictures = { ...full, pictures: [0, 2].map(task => ({ name: 'samples', task, width: 4, height: 4, png })) }

/** The text of the cells of the table after a caption. */
function cells(page: string, caption: string): string[][] {
  const table = page.slice(page.indexOf(`<span>${caption}`)).split('</table>')[0]!
  return table
    .split('<tr>')
    .slice(2)
    .map(row =>
      row
        .split(/<t[hd][^>]*>/)
        .slice(1)
        .map(cell => cell.replace(/<[^>]*>/g, '')),
    )
}

describe('the page of one run', () => {
  const page = reportPage([withPictures])

  test('has a section for all that the run has, each once', () => {
    expect([...page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id)).toEqual([
      'overview',
      'accuracy',
      'forgetting',
      'training',
      'drift',
      'memory',
      'calibration',
      'samples',
      'time',
      'figures',
      'setup',
    ])
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('has only sections of what there is', () => {
    const rows = full.report.rows.map(row => row.filter(({ name }) => name.startsWith('accuracy/')))
    const poor = inventedRun({ changes: { rows, seconds: [], kept: {}, summary: [] } })
    expect(runSections(poor).map(({ id }) => id)).toEqual(['overview', 'accuracy', 'forgetting', 'setup'])
    const empty = inventedRun({ changes: { rows: [], tasks: [], summary: [], seconds: [], kept: {} } })
    expect(runSections(empty).map(({ id }) => id)).toEqual(['overview', 'setup'])
  })

  test('has while the run goes on its recipe, and nothing that only the end tells', () => {
    const begun = inventedRun({ changes: { rows: [], summary: [], seconds: [], kept: {} } })
    const live = (run: typeof full) => liveSections(run).find(({ id }) => id === 'setup')?.html.text
    expect(live(begun)).toMatch(/readout: head[\s\S]*cpu, 4, threads: 1[\s\S]*3 tasks[\s\S]*4, 5/)
    expect(live(begun)).not.toMatch(/training examples|-incremental|time in all/)
    expect(live({ ...begun, recipe: {} })).toBeUndefined()
  })

  test('has the accuracy matrix as a table and in the cells of its picture', () => {
    expect(cells(page, 'Accuracy in percent, read-out head')).toEqual([
      ['1: 0, 1', '90.0', '–', '–'],
      ['2: 2, 3', '85.0', '90.0', '–'],
      ['3: 4, 5', '80.0', '85.0', '90.0'],
    ])
    const picture = page.slice(page.indexOf('<figure id="matrix-head"')).split('</svg>')
    const drawn = picture.find(svg => svg.includes('class="desk"'))!
    const inCells = [...drawn.matchAll(/fill="var\(--t(\d+)\)"[^>]*>([\d.]+)</g)].map(([, level, text]) => [
      Number(level),
      text,
    ])
    // levels of 21: 0.9 is 18, 0.85 is 17, 0.8 is 16
    expect(inCells).toEqual([
      [18, '90.0'],
      [17, '85.0'],
      [18, '90.0'],
      [16, '80.0'],
      [17, '85.0'],
      [18, '90.0'],
    ])
  })

  test('draws in colours of the theme only', () => {
    const svgs = page.match(/<svg[\s\S]*?<\/svg>/g)!
    expect(svgs.length).toBeGreaterThan(30)
    const colours = new Set(svgs.flatMap(svg => svg.match(/#[0-9a-f]{3,8}\b|rgba?\([^)]*\)/gi) ?? []))
    // what is cut out of a drawing has a colour that nobody sees
    expect([...colours].filter(colour => colour !== '#000')).toEqual([])
  })

  test('names every drawing, and has its numbers or says where they are', () => {
    const figures = page.match(/<figure id=[\s\S]*?<\/figure>/g)!
    for (const figure of figures) {
      expect(figure).toMatch(/<h3>[^<]+<\/h3>/)
      expect(figure.match(/role="img" aria-label="[^"]+"/g)).toHaveLength(2)
      expect(figure).toMatch(/<summary>Numbers|class="where"/)
    }
  })

  test('asks nothing of the network, and lets nothing do so', () => {
    expect(page).toContain(`default-src 'none'`)
    expect(page.replace(/xmlns="[^"]*"/g, '')).not.toMatch(/https?:|\/\/[a-z]|@import|url\((?!#)/i)
  })

  test('has the pictures in it, with a slider', () => {
    expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(2)
    expect(page).toContain('alt="samples, after task 3: 4, 5"')
    expect(page).toMatch(/type="range"[^>]* min="0" max="1"/)
  })
})

describe('what users wrote', () => {
  test('stays text, wherever it stands', () => {
    const evil = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>'
    const { report } = full
    const rows = report.rows.map(row =>
      row.map(figure => ({ ...figure, unit: evil, aggregation: evil, name: figure.name })),
    )
    rows[0]!.push({ name: `${evil}/x`, value: 1, unit: evil, axis: evil, aggregation: evil })
    const changes = {
      rows,
      engine: { name: evil, version: evil, threads: 1, note: evil },
      tasks: report.tasks.map(task => ({ ...task, name: evil, classes: [evil] })),
      summary: [...report.summary, { name: evil, value: 1, unit: evil, aggregation: evil }],
      kept: { [evil]: { numbers: 5, bytes: 20 } },
      seconds: report.seconds.map(() => ({ [evil]: 1 })),
      versions: { [evil]: evil },
    }
    const curve = {
      name: evil,
      points: [
        [0, 1],
        [1, 2],
      ] as const,
      tasks: [{ task: 0, last: 1, least: 1, greatest: 1 }],
    }
    const fit = { name: evil, steps: 1, starts: [{ task: 0, step: 0 }], terms: [curve], shares: [curve] }
    const run = {
      ...inventedRun({ name: evil, changes, options: { [evil]: evil } }),
      folder: evil,
      curves: { fits: [fit], logged: 2, unreadable: 0 },
      pictures: [{ name: evil, task: 0, width: 1, height: 1, png }],
    }
    const other = { ...run, recipe: { ...run.recipe, more: 1 } }
    for (const page of [pageHtml(evil, [evil], []), reportPage([run, other])]) {
      expect(page.match(/<script/g)).toHaveLength(1)
      expect(page).not.toMatch(/<img src=x/)
      expect(page).toMatch(/&(?:#60|lt);script&(?:#62|gt);alert\(1\)/)
    }
  })
})

describe('the page of many runs', () => {
  const runs = [0, 1, 2].map(seed => inventedRun({ seed, better: 0.01 * seed, steps: 5 }))
  const other = inventedRun({ name: 'other', options: { x: 1 }, better: 0.1 })
  const page = reportPage([...runs, other])

  test('compares recipes over their seeds, with intervals, and shows each run', () => {
    // ACC 0.85, 0.86, 0.87: mean 0.86, s = 0.01; 4.302653 · 0.01 / √3 = 0.024841
    const [first, second] = cells(page, 'Means over seeds')
    expect(first!.slice(0, 4)).toEqual(['1 invented', 'head', '3', '86.00 ± 2.48'])
    expect(second!.slice(0, 4)).toEqual(['2 other', 'head', '1', '95.00'])
    expect(page.match(/<details class="run" id="run-\d"/g)).toHaveLength(4)
    expect(page).toContain('href="#run-4"')
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('has a band where there is an interval, and a front of what none beats', () => {
    const lines = page
      .slice(page.indexOf('id="over-tasks"'))
      .split('</svg>')
      .find(svg => svg.includes('class="desk"'))!
    expect(lines.match(/opacity="0.16"/g)).toHaveLength(1)
    expect(cells(page, 'Numbers kept and final accuracy').map(row => row.at(-1))).toEqual(['yes', 'no'])
  })

  test('keeps accuracies within 0 and 100 % where intervals are wider, and shows by arrows that they are', () => {
    // ACC 0.95 and 0.55: mean 0.75, s = 0.282843; 12.7062 · 0.282843 / √2 = 2.5412
    const page = reportPage([inventedRun({ better: 0.1 }), inventedRun({ seed: 1, better: -0.3 }), other])
    expect(cells(page, 'Means over seeds')[0]![3]).toBe('75.00 ± 254.12')
    const figures = ['final', 'over-tasks', 'pareto'].map(id => {
      const from = page.indexOf(`<figure id="${id}"`)
      return page.slice(from, page.indexOf('</figure>', from)).split('<details>')[0]!
    })
    for (const figure of figures) {
      const ticks = [...figure.matchAll(/<text[^>]*>(−?\d+)<\/text>/g)].map(([, text]) => Number(text))
      expect(Math.max(...ticks)).toBe(100)
      expect(Math.min(...ticks)).toBeGreaterThanOrEqual(0)
    }
    // an arrow at each end: back by 5, to the end, back by 5
    const whisker = /M([\d.]+) ([\d.]+)L([\d.]+) \2M([\d.]+) [\d.]+L\1 \2L\4 [\d.]+M([\d.]+) [\d.]+L\3 \2L\5 /.exec(
      figures[0]!,
    )!
    const [, left, , right, arrow, otherArrow] = whisker.map(Number)
    expect([arrow, otherArrow]).toEqual([expect.closeTo(left! + 5, 3), expect.closeTo(right! - 5, 3)])
  })

  test('refuses one seed twice', () => {
    expect(() => reportPage([runs[0]!, { ...runs[0]!, folder: 'again' }])).toThrow('expected each seed once')
  })

  test('stays small with two hundred runs', () => {
    const many = Array.from({ length: 200 }, (_, k) =>
      inventedRun({ seed: k % 5, name: `recipe-${Math.floor(k / 5)}`, tasks: 10, better: (k % 10) / 1000 }),
    )
    const page = reportPage(many)
    expect(page.length).toBeLessThan(1_000_000)
    expect(cells(page, 'Means over seeds')).toHaveLength(40)
    expect(cells(page, 'All runs')).toHaveLength(200)
    expect(page).toContain('200 of 200 runs are not shown by themselves')
  })
})

describe('the size of the page', () => {
  test('stays below 5 MB with more tasks than can be drawn, which is said', () => {
    const page = reportPage([inventedRun({ tasks: 300, changes: { rows: wide(300) } })])
    expect(page.length).toBeLessThan(mostBytes)
    expect(page).toContain('Of 300 tasks 120 are drawn, evenly.')
    expect(page).toContain('a table of 90,300 cells is left out')
  })

  test('stays below 5 MB with a hundred tasks, a long log and more pictures than fit', () => {
    const large = { ...inventedRun({ tasks: 100, steps: 1000 }) }
    const pictures = Array.from({ length: 100 }, (_, task) => ({
      name: 'samples',
      task,
      width: 1,
      height: 1,
      png: new Uint8Array(60_000),
    }))
    expect(large.curves!.logged).toBe(100_000)
    for (const { points } of large.curves!.fits[0]!.terms) expect(points.length).toBeLessThanOrEqual(1000)
    const page = reportPage([{ ...large, pictures }])
    expect(page.length).toBeLessThan(mostBytes)
    expect(page).toMatch(/\d+ of 100 pictures are left out/)
    expect(page.match(/<img src=/g)!.length).toBeGreaterThan(10)
  })
})

/** Rows of accuracies on as many tasks as there are, the whole matrix. */
function wide(tasks: number) {
  return Array.from({ length: tasks }, (_, t) => [
    {
      name: 'accuracy/head',
      value: Array.from({ length: tasks }, (_, j) => ((t * 31 + j * 17) % 100) / 100),
      unit: 'fraction',
      axis: 'task',
      aggregation: 'mean',
    },
  ])
}
