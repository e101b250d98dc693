import { expect, it } from 'vitest'
import { snippetsIn } from './snippets.mjs'

it('finds fenced blocks with their place, language and marks', () => {
  const markdown =
    'text\n```ts run\nconst a = 1\n```\n\n````md\n```ts\nnot code\n```\n````\n- item\n  ```yaml recipe\n  a:\n    b\n  ```\n'
  expect(snippetsIn(markdown, 'a.md')).toEqual([
    { place: 'a.md:2', language: 'ts', marks: ['run'], text: 'const a = 1\n' },
    { place: 'a.md:6', language: 'md', marks: [], text: '```ts\nnot code\n```\n' },
    { place: 'a.md:12', language: 'yaml', marks: ['recipe'], text: 'a:\n  b\n' },
  ])
})
