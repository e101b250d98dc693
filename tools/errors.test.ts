import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LgmError } from '@lgm/core'
import { describe, expect, it } from 'vitest'
import { exitCodeOf } from '../packages/cli/src/exit.js'
import { thrownErrors, thrownIn } from './errors.mjs'
import { root } from './steps.mjs'

const thrown = thrownErrors()
const rows = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| `'))
  .map(line => line.slice(2, -2).split(' | '))
  .map(([code, exit, means, example, remedy]) => ({
    code: code!.replaceAll('`', ''),
    exit: Number(exit),
    means,
    example: example!.replace(/^`|`$/g, ''),
    remedy,
  }))

/** Fewer fixed letters than these tell one message from no other. */
const enough = 26

describe('the table of error codes', () => {
  it('has every code that the sources throw, and no other, in order', () => {
    expect(rows.map(({ code }) => code)).toEqual([...new Set(thrown.map(({ code }) => code))].sort())
  })

  it.each(rows)('has of $code an example that the sources can give', ({ code, example }) => {
    const own = thrown.filter(error => error.code === code)
    const real = ({ pattern, words }: (typeof thrown)[number]) => words >= enough && pattern.test(example)
    // one that only passes on a message, or has a name as its message
    const passesOn = own.filter(({ words }) => words === 0)
    const known =
      own.some(real) ||
      (passesOn.length > 0 && (thrown.some(real) || passesOn.some(({ text }) => text.includes(`'${example}'`))))
    expect(known, example).toBe(true)
  })

  it.each(rows)('says of $code with what the command ends, and what to do', ({ code, exit, means, remedy }) => {
    expect(exit).toBe(exitCodeOf(new LgmError(code, '')))
    expect(means!.length).toBeGreaterThan(10)
    expect(remedy!.length).toBeGreaterThan(10)
  })
})

describe('the reading of sources', () => {
  const read = (text: string) => thrownIn(text, 'a.ts').map(({ code, pattern }) => [code, pattern.source])

  it('finds the three ways of making an error, with their codes', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a source in quotes
    expect(read("expected('a', `b ${c} d`, x ? 'e' : f, 'g.', 'h')")).toEqual([
      ['h', '^a: expected b [^]* d, got (?:e|[^]+); g\\.$'],
    ])
    expect(read("expected('a', 'b', 'c', 'd')")[0]![0]).toBe('input')
    expect(read("new LgmError('x', 'y' + z)")).toEqual([['x', '^y[^]+$']])
    expect(read("class A extends LgmError { constructor(b: string) { super('c-d', b) } }")).toEqual([['c-d', '^[^]+$']])
    expect(read("const kind = 'k'\nexpected('a', 'b', 'c', 'd', kind)")[0]![0]).toBe('k')
    expect(() => read("expected('a', 'b', 'c', 'd', kind)")).toThrow(/a\.ts:1: expected a code that is written out/)
  })
})
