import { describe, expect, test } from 'vitest'
import { LgmError, nearest, show } from './errors.js'
import { definePlugin, isPluginFactory, point, z } from './point.js'

interface Greeter {
  greet(): string
}
const Greeter = point<Greeter>('greeter', 'many')
const options = z.strictObject({
  strength: z.number().min(0).default(100),
  mode: z.enum(['loud', 'quiet']).default('quiet'),
  deep: z.strictObject({ level: z.number().default(1) }).prefault({}),
})
class Hello implements Greeter {
  greet() {
    return 'hello'
  }
}
const hello = definePlugin({ point: Greeter, name: 'hello', summary: 'says hello', options, class: Hello })
type Given = Parameters<typeof hello>[0]

function messageOf(given: unknown): string {
  try {
    hello(given as Given)
  } catch (error) {
    expect(error).toBeInstanceOf(LgmError)
    expect((error as LgmError).code).toBe('options')
    return (error as LgmError).message
  }
  throw new Error('no error')
}

describe('options of a plugin', () => {
  test('are completed by their defaults', () => {
    expect(hello().options).toEqual({ strength: 100, mode: 'quiet', deep: { level: 1 } })
    expect(hello({ strength: 5, deep: { level: 2 } }).options).toEqual({
      strength: 5,
      mode: 'quiet',
      deep: { level: 2 },
    })
    expect(hello().definition).toBe(hello.definition)
  })

  test('mistyped, name the nearest one, at any depth', () => {
    expect(messageOf({ strenght: 5 })).toBe(
      'greeter "hello": expected a known option, got "strenght"; did you mean "strength"?',
    )
    expect(messageOf({ deep: { levle: 5 } })).toBe(
      'greeter "hello": expected a known option, got "deep.levle"; did you mean "level"?',
    )
    expect(messageOf({ colour: 5 })).toMatch(/got "colour"; known are strength, mode, deep$/)
  })

  test('of the wrong type or out of range say what was expected and what was given', () => {
    expect(messageOf({ strength: 'much' })).toMatch(/^greeter "hello": strength: expected number.*, got "much"; /)
    expect(messageOf({ strength: -1 })).toMatch(/^greeter "hello": strength: expected a value >=0, got -1; /)
    expect(messageOf({ mode: 'shrill' })).toMatch(/mode: expected one of "loud"\|"quiet", got "shrill"; /)
    expect(messageOf({ deep: { level: null } })).toMatch(/deep\.level: expected number.*, got null; /)
    expect(messageOf('no options')).toMatch(/options: expected object.*, got "no options"; /)
  })

  test('with several faults name each on a line', () => {
    expect(messageOf({ strength: -1, mode: 1 }).split('\n')).toHaveLength(2)
  })
})

test('a plugin factory is known by its definition', () => {
  expect([hello, () => 1, {}, undefined].map(isPluginFactory)).toEqual([true, false, false, false])
})

test('the same point declared twice is one token', () => {
  expect(point('greeter', 'many').token).toBe(Greeter.token)
})

describe('error messages', () => {
  test('find the nearest word, if it may be a slip of the keys', () => {
    const words = ['ewc', 'mas', 'a-gem', 'strength']
    expect(['ewx', 'strenght', 'agem', 'zzz', 'completely'].map(word => nearest(word, words))).toEqual([
      'ewc',
      'strength',
      'a-gem',
      undefined,
      undefined,
    ])
    expect(nearest('ewc', [])).toBeUndefined()
  })

  test('show values on one line of sixty characters at most', () => {
    expect([show('text'), show(3), show([1, 2]), show(undefined), show(Number.NaN)]).toEqual([
      '"text"',
      '3',
      '[1,2]',
      'undefined',
      'null',
    ])
    expect(show('x'.repeat(100))).toHaveLength(58)
    expect(show(new Float32Array(50_000_000))).toMatch(/^"Float32Array of 200000000 bytes"$/)
  })
})
