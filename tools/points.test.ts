import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { corePoints } from '@lgm/core'
import { describe, expect, it } from 'vitest'
import { commentOf, declarations, fieldRows, pages, rewrite, table } from './points.mjs'
import { root } from './steps.mjs'

describe('this documentation', () => {
  it('has a page for every point, and no other', () => {
    const wanted = corePoints.map(point => `docs/points/${point.name}.md`)
    expect(
      pages()
        .filter(page => page.startsWith('docs/points/'))
        .sort(),
    ).toEqual(wanted.sort())
  })

  it.each(pages())('%s links to what is there', page => {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '')
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!)
    expect(links.filter(link => !existsSync(join(root, dirname(page), link)))).toEqual([])
  })
})

describe('generated parts', () => {
  const page = 'docs/a.md'
  const part = (inside: string) => `before\n<!-- generated: list a b -->\n${inside}<!-- /generated -->\nafter`
  const parts = { list: (words: string[]) => words.map(word => `- ${word} $&`).join('\n') }

  it('are replaced, and nothing else; what they hold is taken literally', async () => {
    const written = await rewrite(part('old\n'), page, parts)
    expect(written).toBe(part('\n- a $&\n- b $&\n\n'))
    expect(await rewrite(written, page, parts)).toBe(written)
  })

  it('must be closed, and of a known kind', async () => {
    await expect(rewrite('<!-- generated: list -->\n', page, parts)).rejects.toThrow(/docs\/a\.md: .*"\/generated"/)
    await expect(rewrite(part(''), page, {})).rejects.toThrow(/got "list"/)
  })

  it('quote declarations with their comments, types and values of one name together', () => {
    const source = "import x from 'x'\n/** A. */\nexport interface A {\n  b: 1\n}\nexport const A = x()\ntype B = 2\n"
    expect(declarations(source, ['B', 'A'])).toEqual([
      'type B = 2',
      '/** A. */\nexport interface A {\n  b: 1\n}\nexport const A = x()',
    ])
    expect(() => declarations(source, ['C'])).toThrow(/a declaration of C/)
  })

  it('quote the comment of a function without its tags', () => {
    expect(commentOf('/**\n * One\n * two.\n *\n * @example\n * f()\n */\nfunction f() {}', 'f')).toBe('One\ntwo.')
    expect(commentOf('/** One. */\nfunction f() {}', 'f')).toBe('One.')
  })

  it('keep the columns of a table apart', () => {
    expect(table(['a', 'b'], [['x | y', 1]])).toBe('| a | b |\n| --- | --- |\n| x \\| y | 1 |')
  })

  it('list the fields of a schema by their paths', () => {
    const leaf = { type: 'number', description: 'leaf' }
    const list = {
      type: 'array',
      description: 'list',
      items: { type: 'object', properties: { b: leaf }, required: ['b'] },
    }
    const map = {
      type: 'object',
      description: 'map',
      additionalProperties: { type: 'object', properties: { d: leaf } },
    }
    const schema = { type: 'object', properties: { a: list, c: map }, required: ['a'] }
    expect(fieldRows({ ...leaf, unit: 's' }, 't', ({ type }) => type)).toEqual([['`t`', 'number', 'leaf; unit: s']])
    expect(fieldRows(schema, '', ({ type }) => type)).toEqual([
      ['`a`', 'list', 'list'],
      ['`a[].b`', 'number', 'leaf'],
      ['`c`', 'object, optional', 'map'],
      ['`c.<key>.d`', 'number, optional', 'leaf'],
    ])
  })
})
