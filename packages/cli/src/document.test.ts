import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseDocument } from './document.js'
import { withSetting } from './settings.js'

const parse = (text: string) => parseDocument(text, 'r.yaml')

describe('parsing a recipe', () => {
  test('gives plain data', () => {
    expect(parse('seed: 1\nhead: { use: mlp, widths: [400] }\nrate: 1e-3\n')).toEqual({
      seed: 1,
      head: { use: 'mlp', widths: [400] },
      rate: 0.001,
    })
  })

  test('reads back whatever YAML can write', () => {
    const value = fc.oneof(fc.boolean(), fc.integer(), fc.string({ maxLength: 8 }), fc.array(fc.integer()))
    const key = fc.stringMatching(/^[a-z]{1,8}$/).filter(name => !['constructor', 'prototype'].includes(name))
    fc.assert(
      fc.property(fc.dictionary(key, value, { minKeys: 1, noNullPrototype: true }), document => {
        expect(parse(stringify(document))).toEqual(document)
      }),
    )
  })

  test.each([
    ['seed: 1\nseed: 2', /^r\.yaml:2:1: expected plain data as YAML, got map keys must be unique; /],
    ['head: [1', /^r\.yaml:\d+:\d+: expected plain data as YAML, got /],
    ['seed: 1\n\thead: x', /^r\.yaml:2:\d+: expected plain data as YAML/],
    ['head: !!js/function x', /^r\.yaml:1:7: expected plain data as YAML, got unresolved tag/],
    ['head: !mine x', /^r\.yaml:1:7: expected plain data as YAML, got unresolved tag/],
    ['a: 1\n---\nb: 2', /^r\.yaml:2:1: expected plain data as YAML, got source contains multiple documents/],
    ['', /^r\.yaml: expected a mapping of keys to values, got an empty file; /],
    ['- 1', /expected a mapping of keys to values, got a list; /],
    ['just words', /expected a mapping of keys to values, got a string; /],
    ['__proto__: { polluted: true }', /expected plain data as YAML, got the key "__proto__"; /],
    ['head: { constructor: 1 }', /expected plain data as YAML, got the key "constructor"; /],
    ['phases: [ { prototype: 1 } ]', /expected plain data as YAML, got the key "prototype"; /],
    ['a: !!set { x, y }', /^r\.yaml:1:4: .* got unresolved tag/],
    ['a: !!binary aGk=', /got unresolved tag/],
    ['a: !!timestamp 2001-01-01', /got unresolved tag/],
    ['a: &a { x: 1 }\nb: { !!merge <<: *a }', /^r\.yaml:2:6: .*, got /],
    ['a: &a [*a]', /got more than 50 levels; /],
    [`a: ${'['.repeat(60)}${']'.repeat(60)}`, /got more than 50 levels; /],
    [`a: ${'['.repeat(40_000)}`, /got more than 50 levels; /],
    [`${'- '.repeat(40_000)}x`, /, got maximum call stack size exceeded|more than 50 levels/],
    ['? { a: 1 }\n: 2', /^r\.yaml:1:3: .*, got with stringKeys, all keys must be strings/],
    [`x: ${'y'.repeat(1_000_001)}`, /got 1000004 characters, more than 100000; /],
  ])('refuses %s', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })

  test('refuses aliases that grow without end', () => {
    const levels = Array.from({ length: 12 }, (_, k) => `a${k + 1}: &a${k + 1} [${`*a${k}, `.repeat(9)}]`)
    expect(() => parse(['a0: &a0 [x]', ...levels].join('\n'))).toThrow(
      /^r\.yaml: expected plain data as YAML, got excessive alias count/,
    )
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('--set', () => {
  const recipe = parse('seed: 0\nphases: [ recall, { use: learn, iterations: 500 } ]\nhead: mlp\n')

  test.each([
    ['seed=3', { ...recipe, seed: 3 }],
    ['name=hello', { ...recipe, name: 'hello' }],
    ['phases.1.iterations=20', { ...recipe, phases: ['recall', { use: 'learn', iterations: 20 }] }],
    [
      'phases.learn.optimizer.rate=1e-4',
      { ...recipe, phases: ['recall', { use: 'learn', iterations: 500, optimizer: { rate: 0.0001 } }] },
    ],
    [
      'phases.recall.perClass=7',
      {
        ...recipe,
        phases: [
          { use: 'recall', perClass: 7 },
          { use: 'learn', iterations: 500 },
        ],
      },
    ],
    ['head.widths=[10, 20]', { ...recipe, head: { use: 'mlp', widths: [10, 20] } }],
    ['observers=[]', { ...recipe, observers: [] }],
    ['name="a=b"', { ...recipe, name: 'a=b' }],
    ['decoder=null', { ...recipe, decoder: null }],
  ])('%s', (setting, expected) => {
    expect(withSetting(recipe, setting)).toEqual(expected)
  })

  test.each([
    ['seed', /^--set: expected key\.path=value, got "seed"; /],
    ['=3', /expected key\.path=value/],
    ['a..b=3', /expected keys of a recipe, joined by dots, got "a\.\.b"; /],
    ['__proto__.x=3', /expected keys of a recipe/],
    ['seed.x=3', /expected a mapping or a list before "x", got 0; /],
    [
      'phases.lern.iterations=3',
      /expected the index or the name of one plugin in the list, got "lern"; there are 0 \(recall\), 1 \(learn\)/,
    ],
    ['phases.2=x', /got "2"; there are/],
    ['head=[', /^--set head=\[:1:2: expected plain data as YAML, got flow sequence must end with a \]; quote it/],
  ])('refuses %s', (setting, message) => {
    expect(() => withSetting(recipe, setting)).toThrow(message)
  })

  test('does not say which of two plugins of one name', () => {
    const two = parse('regularizers: [ ewc, ewc ]')
    expect(() => withSetting(two, 'regularizers.ewc.strength=1')).toThrow(/got "ewc", which is there 2 times; /)
    expect(withSetting(two, 'regularizers.1.strength=1')).toEqual({
      regularizers: ['ewc', { use: 'ewc', strength: 1 }],
    })
  })
})
