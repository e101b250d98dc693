import { describe, expect, test } from 'vitest'
import { expected, LgmError, nearest, show } from './errors.js'

describe('an error', () => {
  test('says where, what was expected, what was there, and what to do', () => {
    const error = expected('head', 'a number', '"x"', 'correct it', 'options')
    expect(error).toMatchObject({ name: 'LgmError', code: 'options' })
    expect(error.message).toBe('head: expected a number, got "x"; correct it')
    expect(expected('a', 'b', 'c', 'd').code).toBe('input')
  })

  test('keeps what comes out of a file from drawing on the terminal, and from filling it', () => {
    expect(expected('a\nb', 'c', '\u001b[2J\r', 'd').message).toBe('a\\u000ab: expected c, got \\u001b[2J\\u000d; d')
    // 600 characters, the last of which says that there were more
    expect(expected('a', 'b', 'x'.repeat(10_000), 'd').message).toBe(`a: expected b, got ${'x'.repeat(599)}…; d`)
    expect(new LgmError('options', 'one\ntwo\u001b[31m').message).toBe('one\ntwo\\u001b[31m')
    expect(new LgmError('options', 'x'.repeat(1e6)).message).toHaveLength(2000)
  })
})

describe('a value that is shown', () => {
  test('is short, whatever it is', () => {
    const round: unknown[] = []
    round.push(round)
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
    for (const value of [
      round,
      deep,
      'x'.repeat(1e6),
      new Float32Array(1e6),
      10n ** 400n,
      { a: { toJSON: 1 } },
      undefined,
    ])
      expect(show(value).length).toBeLessThanOrEqual(60)
    expect(show([1, { a: 'b' }])).toBe('[1,{"a":"b"}]')
    expect(show(new Float32Array(2))).toBe('"Float32Array of 8 bytes"')
  })
})

describe('the nearest word', () => {
  test('is one that a slip of the keys would miss', () => {
    expect(nearest('sed', ['seed', 'head'])).toBe('seed')
    expect(nearest('haed', ['seed', 'head'])).toBe('head')
    expect(nearest('quux', ['seed', 'head'])).toBeUndefined()
  })

  test('of a million letters is found without a table of all distances', () => {
    const start = performance.now()
    expect(nearest('x'.repeat(1e6), ['seed', 'head', 'x'])).toBeUndefined()
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
