import fc from 'fast-check'
import { hostileText } from './hostile.js'

/** Pieces of YAML that do something: structure, tags, anchors, aliases, directives, keys that all objects inherit. */
const pieces = [
  ...[
    'a',
    'b',
    'head',
    'use',
    'seed',
    '1',
    '1.5',
    '-1',
    '0x1F',
    '1e999',
    '.nan',
    '.inf',
    'null',
    '~',
    'true',
    '2001-01-01',
    '""',
  ],
  ...[
    ': ',
    ':',
    '- ',
    '? ',
    ', ',
    '\n',
    '\n  ',
    '\n    ',
    '\n- ',
    '\t',
    ' ',
    '[',
    ']',
    '{',
    '}',
    '|',
    '>-',
    '"',
    "'",
    '#',
    '%',
    '@',
    '`',
  ],
  ...[
    '&a ',
    '*a',
    '&b ',
    '*b',
    '<<: ',
    '<<: *a',
    '!!set ',
    '!!binary ',
    '!!timestamp ',
    '!!omap ',
    '!!merge ',
    '!!js/function ',
    '!x ',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    '\n---\n',
    '\n...\n',
    '%YAML 1.1\n---\n',
    '%YAML 9.9\n---\n',
    '%TAG ! tag:x,1:\n',
  ],
  ...['"\\u0000"', '"\\u001b[2J"', '\ufeff', '\u2028', '\ud800', 'x'.repeat(2000), '&a [*a]', 'a: &a { b: *a }'],
]

/** Texts that take a parser of YAML long, deep, or round in circles. */
const traps = [
  ...['[', '{a: ', '- ', '? ', '&a [', '!!x '].map(open => open.repeat(1000)),
  `a: ${'['.repeat(400)}${']'.repeat(400)}`,
  `a: &a [x]\nb: [${'*a,'.repeat(300)}]`,
  ['a0: &a0 [x]', ...Array.from({ length: 12 }, (_, k) => `a${k + 1}: &a${k + 1} [${`*a${k},`.repeat(9)}]`)].join('\n'),
  Array.from({ length: 300 }, (_, k) => `k${k}: &k${k} ${k}`).join('\n'),
  `a: ]\n`.repeat(300),
  `a: "${'\\u0041'.repeat(3000)}"`,
  `a:${'\n'.repeat(3000)}`,
]

/** Texts that look like YAML, those among `valid` damaged, and such as are hard to parse. */
export function hostileYaml(valid: readonly string[]): fc.Arbitrary<string> {
  const built = fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map(parts => parts.join(''))
  const spliced = fc.tuple(fc.constantFrom(...valid), fc.nat(1000), built).map(([text, at, more]) => {
    const from = Math.floor((at / 1001) * text.length)
    return text.slice(0, from) + more + text.slice(from)
  })
  return fc.oneof(
    { arbitrary: hostileText(valid), weight: 40 },
    { arbitrary: built, weight: 20 },
    { arbitrary: spliced, weight: 40 },
    { arbitrary: fc.constantFrom(...traps), weight: 1 },
  )
}
